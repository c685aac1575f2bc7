package btrfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

func TestVersionsTellChanges(t *testing.T) {
	image := makeImage(t, 128<<20, "")
	fsystest.CheckVersions(t, "btrfs", image, func(image string) fsys.Tree { return openImage(t, image) })
}

// What is as old as the filesystem has no version: makers of images give all their files
// one time.
func TestOneTimeHasNoVersions(t *testing.T) {
	dir := t.TempDir()
	kerneltest.Must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644))
	image := makeImage(t, 128<<20, "--rootdir "+dir)
	if v := fsystest.Versions(t, openImage(t, image))["/file"]; v != [2]uint64{} {
		t.Errorf("version %v", v)
	}
}
