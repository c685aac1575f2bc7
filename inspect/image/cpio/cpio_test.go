package cpio_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/cpio"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// archive packs a directory in one of cpio's forms.
func archive(t testing.TB, root, form string, packer string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive")
	script := `cd "$0" && find . -print0 | LC_ALL=C sort -z | cpio -o -0 -H "$1" >"$2"`
	if packer == "bsdtar" {
		script = `cd "$0" && bsdtar --format "$1" -cf "$2" .`
	}
	kerneltest.Run(t, "sh", "-c", script, root, form, path)
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	return data
}

func open(t testing.TB, data []byte) fsys.Tree {
	t.Helper()
	tree, err := cpio.Open(context.Background(), bytes.NewReader(data), int64(len(data)), nil)
	kerneltest.Must(t, err)
	return tree
}

// TestFormsAreWhatWasPacked compares with the tree that cpio(1) and bsdtar(1) packed.
func TestFormsAreWhatWasPacked(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "cpio", "bsdtar")
	source := filepath.Join(t.TempDir(), "source")
	kerneltest.Must(t, os.Mkdir(source, 0o755))
	kerneltest.Hard(t, source, 4096, 300)
	for _, name := range []string{"sizes/sparse", "times", "attributes", "types/new", "types/minor"} { // 4 GiB; what odc and 32 bits cannot hold
		kerneltest.Must(t, os.RemoveAll(filepath.Join(source, name)))
	}
	for _, name := range []string{"suid", "sgid", "none"} {
		kerneltest.Must(t, os.Lchown(filepath.Join(source, "types", name), 7001, 60000))
	}
	kerneltest.Must(t, filepath.Walk(source, func(path string, info os.FileInfo, err error) error {
		if err == nil && strings.Contains(path, "/symlink") {
			err = os.Lchown(path, 12, 13)
		}
		return err
	}))
	for _, c := range []struct{ form, packer string }{{"newc", "cpio"}, {"crc", "cpio"}, {"odc", "cpio"}, {"bin", "cpio"}, {"newc", "bsdtar"}} {
		t.Run(c.packer+" "+c.form, func(t *testing.T) {
			data := archive(t, source, c.form, c.packer)
			want, err := dir.Open(source)
			kerneltest.Must(t, err)
			defer want.Close()
			got := fsystest.Contents(t, open(t, data))
			if len(got) < 300 {
				t.Errorf("%d names", len(got))
			}
			fsystest.Compare(t, seconds(got), seconds(fsystest.Contents(t, want)))
		})
	}
}

// seconds cuts the fractions of times, which an archive does not have.
func seconds(list map[string]string) map[string]string {
	fraction := regexp.MustCompile(`(T\d\d:\d\d:\d\d)\.\d+Z`)
	for path, line := range list {
		list[path] = fraction.ReplaceAllString(line, "${1}Z")
	}
	return list
}

func TestBrokenArchives(t *testing.T) {
	fixtures.RequireTool(t, "cpio")
	root := t.TempDir()
	kerneltest.Must(t, os.WriteFile(filepath.Join(root, "f"), []byte(strings.Repeat("content ", 300)), 0o644))
	good := archive(t, root, "crc", "cpio")
	changed := bytes.Clone(good)
	changed[bytes.Index(changed, []byte("content"))] ^= 1
	at := bytes.Index(good, []byte(strings.Repeat("content ", 2)))
	for name, test := range map[string]struct {
		data       []byte
		path, want string
	}{
		"changed": {changed, "/f", "!the sum of its bytes is"},
		"cut":     {good[:at+100], "/f", "!the archive is truncated"},
		"no end":  {good[:bytes.Index(good, []byte("TRAILER"))-112], "/", "the archive is truncated"},
		"more":    {append(bytes.Clone(good), "other"...), "/", "data after the end of the archive"},
		"another": {append(bytes.Clone(good), "070701"...), "/", "the archive is truncated"},
		"askew":   {append(append(bytes.Clone(good), 0), good...), "/", "data after the end of the archive"},
		"mangled": {bytes.Replace(good, []byte("070702"), []byte("070709"), 2)[:], "", ""},
	} {
		tree, err := cpio.Open(context.Background(), bytes.NewReader(test.data), int64(len(test.data)), nil)
		if test.path == "" {
			if err == nil {
				t.Errorf("%s: it opens", name)
			}
			continue
		}
		kerneltest.Must(t, err)
		if got := fsystest.Contents(t, tree)[test.path]; !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestSequence reads archives that follow each other, as the kernel does at boot.
func TestSequence(t *testing.T) {
	fixtures.RequireTool(t, "cpio")
	roots := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	var parts [][]byte
	for i, root := range roots {
		content := strings.Repeat("x", i+1)
		kerneltest.Must(t, os.WriteFile(filepath.Join(root, "every"), []byte(content), 0o644), os.Link(filepath.Join(root, "every"), filepath.Join(root, content)))
		parts = append(parts, archive(t, root, "newc", "cpio"))
	}
	outer := append(slices.Concat(parts[0], make([]byte, 1024), parts[1]), "packed"...)
	unpack := func(_ context.Context, at int64) (io.ReaderAt, int64, error) {
		if string(outer[at:]) != "packed" {
			t.Errorf("byte %d is to be unpacked", at)
		}
		return bytes.NewReader(parts[2]), int64(len(parts[2])), nil
	}
	tree, err := cpio.Open(context.Background(), bytes.NewReader(outer), int64(len(outer)), unpack)
	kerneltest.Must(t, err)
	got := fsystest.Contents(t, tree)
	for path, want := range map[string]string{"/x": " 1 ", "/xx": " 2 ", "/xxx": " 3 ", "/every": " 3 "} {
		if !strings.HasPrefix(got[path], "file 0644 0:0"+want) {
			t.Errorf("%s: %q", path, got[path])
		}
	}
	if strings.Contains(got["/"], "!") || !strings.Contains(got["/every"], "links=2 ") || strings.Contains(got["/x"], "links") {
		t.Errorf("%q", got)
	}
	if got["/every"] != got["/xxx"] {
		t.Error("a link of the last archive is none")
	}
	failing := func(context.Context, int64) (io.ReaderAt, int64, error) { return nil, 0, errors.New("broken") }
	for want, unpack := range map[string]cpio.Unpacker{"not read": nil, "decompress what follows the archive: broken": failing} {
		tree, err := cpio.Open(context.Background(), bytes.NewReader(outer), int64(len(outer)), unpack)
		kerneltest.Must(t, err)
		if got := fsystest.Contents(t, tree); !strings.Contains(got["/"], want) || !strings.HasPrefix(got["/every"], "file 0644 0:0 2 ") {
			t.Errorf("%q", got)
		}
	}
}

// FuzzOpen changes bytes of real archives.
func FuzzOpen(f *testing.F) {
	root := f.TempDir()
	kerneltest.Must(f, os.WriteFile(filepath.Join(root, "f"), []byte("content"), 0o644), os.Symlink("f", filepath.Join(root, "l")),
		os.Link(filepath.Join(root, "f"), filepath.Join(root, "h")), os.Mkdir(filepath.Join(root, "d"), 0o755))
	var seeds [][]byte
	for _, form := range []string{"newc", "crc", "odc", "bin"} {
		seeds = append(seeds, archive(f, root, form, "cpio"))
	}
	seeds = append(seeds, slices.Concat(seeds[0], seeds[1], seeds[2], seeds[3], []byte("packed")))
	unpack := func(context.Context, int64) (io.ReaderAt, int64, error) {
		return bytes.NewReader(seeds[0]), int64(len(seeds[0])), nil
	}
	for i := range seeds {
		f.Add(uint8(i), []byte{0, 10, '1'}, uint16(0))
		f.Add(uint8(i), []byte{1, 20, '9'}, uint16(300))
	}
	f.Fuzz(func(t *testing.T, which uint8, patches []byte, cut uint16) {
		data := bytes.Clone(seeds[int(which)%len(seeds)])
		for ; len(patches) >= 3; patches = patches[3:] {
			data[(int(patches[0])<<8|int(patches[1]))%len(data)] = patches[2]
		}
		data = data[:len(data)-int(cut)%len(data)]
		tree, err := cpio.Open(context.Background(), bytes.NewReader(data), int64(len(data)), unpack)
		if err != nil {
			return
		}
		err = tree.Walk(context.Background(), func(n *fsys.Node) error {
			if n.Size < 0 || n.Size > int64(len(data)) && n.Err == nil || strings.Contains(string(n.Path)+"/", "/../") {
				t.Fatalf("node %q of %d bytes", n.Path, n.Size)
			}
			if n.Type == report.File {
				if c, err := tree.Open(n); err == nil {
					_, _ = c.ReadAt(make([]byte, 64), 0)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
