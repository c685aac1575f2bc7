package oci_test

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/oci"
	"github.com/assay-os/assay/inspect/image/tarball"
	"github.com/assay-os/assay/report"
)

// FuzzOpen changes the documents of real images, and the names in their layers. Digests
// follow what was changed, so that it is believed.
func FuzzOpen(f *testing.F) {
	base := []member{folder("d/", 0o755), file("d/x", "1"), symlink("l", "d"), link("h", "d/x")}
	for _, name := range []string{"d/.wh.x", ".wh.d", "d/.wh..wh..opq", "l/.wh.x", "../x", "l/../../x", "d", ".wh...", ".wh..wh.plnk/a", "h"} {
		f.Add(uint8(0), name, "d/x", uint8('0'), []byte{})
		f.Add(uint8(1), name, "l/x", uint8('1'), []byte{})
		f.Add(uint8(2), name, "../../d", uint8('2'), []byte{0, 40, 'x'})
		f.Add(uint8(3), name, name, uint8('5'), []byte{1, 40, '"'})
	}
	f.Fuzz(func(t *testing.T, where uint8, name, target string, kind uint8, patch []byte) {
		if strings.ContainsAny(name+target, "\x00") || len(name+target) > 4096 {
			t.Skip()
		}
		m := member{}
		m.Name, m.Linkname, m.Typeflag, m.Mode = name, target, '0'+kind%7, 0o644
		data, err := fuzzLayer(m)
		if err != nil {
			t.Skip() // archive/tar does not write such a name
		}
		last, err := fuzzLayer(base[1])
		if err != nil {
			t.Fatal(err)
		}
		fs := fuzzFiles(t, where, [][]byte{layer(t, base...), data, last, data})
		for ; len(patch) >= 3; patch = patch[3:] {
			change(fs, int(where), int(patch[0])<<8|int(patch[1]), patch[2])
		}
		openAll(t, fs.tar(t))
	})
}

// fuzzFiles arranges an image in one of three ways.
func fuzzFiles(t *testing.T, where uint8, layers [][]byte) files {
	switch where % 3 {
	case 0:
		return layoutOf(t, layers...)
	case 1:
		f := files{}
		nested := f.blob(indexType, encode(t, object{"schemaVersion": 2, "manifests": []object{on(f.image(t, nil, layers...), "linux", "amd64", "")}}))
		return f.layout(t, tagged(nested, "a"))
	}
	return docker(t, layers, "a:1")
}

// fuzzLayer is a layer of one member, where archive/tar can write it.
func fuzzLayer(m member) (data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = p.(error)
		}
	}()
	return layer(panicking{}, m), nil
}

// change writes one byte of one document.
func change(f files, which, at int, to byte) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if bytes.HasPrefix(bytes.TrimSpace(f[name]), []byte("{")) || bytes.HasPrefix(f[name], []byte("[")) {
			names = append(names, name)
		}
	}
	if len(names) == 0 { // earlier changes left no document
		return
	}
	name := names[which%len(names)]
	data := bytes.Clone(f[name])
	data[at%len(data)] = to
	f[name] = data
	follow(f, name)
}

// follow gives a blob that was changed its new name, and names it so where it is named.
func follow(f files, name string) {
	old, isBlob := strings.CutPrefix(name, "blobs/sha256/")
	if !isBlob {
		old, isBlob = strings.CutSuffix(name, ".json")
	}
	if !isBlob || len(old) != 64 {
		return
	}
	data := f[name]
	delete(f, name)
	f[strings.Replace(name, old, sum(data), 1)] = data
	for _, other := range slices.Sorted(maps.Keys(f)) {
		if changed := bytes.ReplaceAll(f[other], []byte(old), []byte(sum(data))); !bytes.Equal(changed, f[other]) {
			f[other] = changed
			follow(f, other)
		}
	}
}

// panicking stands in for a test where what fails is no failure.
type panicking struct{ testing.TB }

func (panicking) Helper()           {}
func (panicking) Fatal(args ...any) { panic(args[0]) }

// openAll opens what is there and reads all of it.
func openAll(t *testing.T, archive []byte) {
	tree, err := tarball.Open(context.Background(), bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	found, err := oci.Detect(context.Background(), tree)
	if found == nil || err != nil {
		return
	}
	img, err := oci.Open(context.Background(), found, oci.Options{MaxSize: 1 << 20, TempDir: t.TempDir()})
	if err != nil {
		return
	}
	defer img.Close()
	if (img.Tree() == nil) == (img.Err == nil) {
		t.Fatalf("tree %v, error %v", img.Tree(), img.Err)
	}
	if img.Err != nil {
		return
	}
	seen := map[report.Raw]bool{}
	err = img.Tree().Walk(context.Background(), func(n *fsys.Node) error {
		if seen[n.Path] || !strings.HasPrefix(string(n.Path), "/") || strings.Contains(string(n.Path)+"/", "/../") || n.Links == 0 || n.Links > 100 {
			t.Fatalf("node %q with %d links", n.Path, n.Links)
		}
		seen[n.Path] = true
		if n.Type != report.File {
			return nil
		}
		c, err := img.Tree().Open(n)
		if err != nil {
			return nil
		}
		_, _ = c.ReadAt(make([]byte, 10), 0)
		return c.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
}
