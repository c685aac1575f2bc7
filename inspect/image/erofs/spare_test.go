package erofs_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// A common user reads the same of an image as root does.
func TestNobodyReadsTheSame(t *testing.T) {
	fixtures.RequireRoot(t)
	path := filepath.Join(t.TempDir(), "fs")
	kerneltest.Must(t, os.WriteFile(path, tiny(t, "-zlz4 -Eztailpacking"), 0o644))
	for at := filepath.Dir(path); at != os.TempDir() && len(at) > 1; at = filepath.Dir(at) {
		kerneltest.Must(t, os.Chmod(at, 0o755))
	}
	want := fsystest.Contents(t, openImage(t, path))
	got := fsystest.AsNobody(t, func() map[string]string { return fsystest.Contents(t, openImage(t, path)) })
	fsystest.Compare(t, got, want)
}

// A file whose chunks lie on a further device is shown, with the reason why its
// content is not.
func TestFurtherDeviceIsNamed(t *testing.T) {
	blob := filepath.Join(t.TempDir(), "blob")
	data := tiny(t, "--chunksize=4096 --blobdev="+blob)
	path := filepath.Join(t.TempDir(), "fs")
	kerneltest.Must(t, os.WriteFile(path, data, 0o600))
	got := fsystest.List(t, openImage(t, path))
	const want = "it lies on the further device 1, which is not part of the image"
	if !strings.Contains(got["/d/text"], want) || !strings.Contains(got["/noise"], want) || strings.Contains(got["/d"], "!") {
		t.Errorf("%q", got)
	}
	// Where the device follows the image, and its slot says so, it is found.
	more, err := os.ReadFile(blob)
	slot := 128*int(binary.LittleEndian.Uint16(data[1024+88:])) + 68
	binary.LittleEndian.PutUint32(data[slot:], uint32(len(data)/4096))
	kerneltest.Must(t, err, os.WriteFile(path, append(data, more...), 0o600))
	whole := fsystest.Contents(t, openImage(t, path))
	kerneltest.Must(t, os.WriteFile(path, tiny(t, ""), 0o600))
	plain := fsystest.Contents(t, openImage(t, path))
	whole["/link"] = plain["/link"] // each tree has a new one
	fsystest.Compare(t, whole, plain)
}

// Holes between chunks are told.
func TestHolesAreTold(t *testing.T) {
	const size = 64 << 20
	path := filepath.Join(t.TempDir(), "fs")
	kerneltest.Must(t, os.WriteFile(path, unzip(t, "testdata/sparse.gz"), 0o600))
	fs := openImage(t, path)
	kerneltest.Must(t, fs.Walk(context.Background(), func(n *fsys.Node) error {
		if n.Path != "/sparse" {
			return n.Err
		}
		c, err := fs.Open(n)
		kerneltest.Must(t, err)
		extents, err := c.Extents()
		kerneltest.Must(t, err)
		if s := fmt.Sprint(len(extents), extents[0].Length, extents[1].Offset, extents[2].Offset); s != fmt.Sprint(3, 4096, 1<<20, size-4096) || n.Size != size {
			t.Errorf("%s, %+v", s, extents)
		}
		return nil
	}))
}

// The 70,000 names lie in one directory of many blocks.
func TestCrowdedDirectory(t *testing.T) {
	fixtures.RequireFull(t)
	fixtures.RequireRoot(t)
	source := content(t, 70000, 254)
	for _, args := range []string{"", "-zlz4 -Eztailpacking"} {
		image, err := makeFrom(t, source, strings.Fields(args)...)
		kerneltest.Must(t, err)
		if got := compareWithKernel(t, image); len(got) < 68000 {
			t.Errorf("%d entries", len(got))
		}
	}
}

// Names of 255 bytes, and such that are not UTF-8, from a newer maker.
func TestNamesOfANewerMaker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fs")
	kerneltest.Must(t, os.WriteFile(path, unzip(t, "testdata/names.gz"), 0o600))
	want := map[string]bool{"/": true}
	for _, name := range hardNames() {
		want["/"+name] = true
	}
	got := map[string]bool{}
	for path := range fsystest.Contents(t, openImage(t, path)) {
		got[path] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func hardNames() []string {
	return []string{strings.Repeat("n", 255), "a\xff\xfeb", "line\nbreak", " ", "\x1b[31m", "Straße", "back\\slash", "...", "a", "a.b", "a-b"}
}
