package ext4_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

func TestVersionsTellChanges(t *testing.T) {
	image := kerneltest.Make(t, 32<<20, "-E", "hash_seed=1b5c1d31-5c2a-4dbd-8ea5-6c0a2e5f3b8a")
	time.Sleep(1100 * time.Millisecond) // the filesystem knows the second that it was made in
	fsystest.CheckVersions(t, "ext4", image, func(image string) fsys.Tree { return openImage(t, image) })
}

// What is as old as the filesystem has no version: makers of images give all their files
// one time.
func TestOneTimeHasNoVersions(t *testing.T) {
	dir := t.TempDir()
	kerneltest.Must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644))
	image := kerneltest.Make(t, 32<<20, "-d", dir)
	if v := fsystest.Versions(t, openImage(t, image))["/file"]; v != [2]uint64{} {
		t.Errorf("version %v", v)
	}
}
