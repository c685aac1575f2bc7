package erofs_test

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// newerImages are images of littleTree that a newer mkfs.erofs than Debian's
// made: testdata/README.
func newerImages(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.erofs.gz")
	kerneltest.Must(t, err)
	if len(paths) == 0 {
		t.Fatal("testdata has no images")
	}
	out := map[string][]byte{}
	for _, path := range paths {
		out[strings.TrimSuffix(filepath.Base(path), ".erofs.gz")] = unzip(t, path)
	}
	return out
}

func unzip(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	kerneltest.Must(t, err)
	defer f.Close()
	r, err := gzip.NewReader(f)
	kerneltest.Must(t, err)
	data, err := io.ReadAll(r)
	kerneltest.Must(t, err)
	return data
}

// What newer versions write is read as the tree that they were given.
func TestNewerImagesShowTheirSource(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	littleTree(t, source)
	tree, err := dir.Open(source)
	kerneltest.Must(t, err)
	defer tree.Close()
	want := fsystest.Contents(t, tree)
	for name, data := range newerImages(t) {
		path := filepath.Join(t.TempDir(), name)
		kerneltest.Must(t, os.WriteFile(path, data, 0o600))
		got := fsystest.Contents(t, openImage(t, path))
		if got["/link"] = want["/link"]; len(got) != len(want) {
			t.Errorf("%s: %d entries of %d", name, len(got), len(want))
		}
		fsystest.Compare(t, got, want)
	}
}

// The images are what they are named for, as the superblock says.
func TestNewerImagesHaveTheirFeatures(t *testing.T) {
	for name, want := range map[string]string{
		"zstd": "compr_cfgs", "lzma-tail": "ztailpacking", "deflate-fragments": "fragments", "dedupe": "fragments", "48bit": "48bit",
		"metabox": "metabox", "prefixes": "xattr_prefixes",
	} {
		data, ok := newerImages(t)[name]
		path := filepath.Join(t.TempDir(), name)
		kerneltest.Must(t, os.WriteFile(path, data, 0o600))
		if features := openImage(t, path).Describe().Features; !ok || !strings.Contains(strings.Join(features, " "), want) {
			t.Errorf("%s: %v, want %s", name, features, want)
		}
	}
}
