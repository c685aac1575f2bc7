package xfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

func TestVersionsTellChanges(t *testing.T) {
	image := makeImage(t, 320<<20)
	fsystest.CheckVersions(t, "xfs", image, func(image string) fsys.Tree { return openImage(t, image) })
}

// What is made with a clock that stands still has no versions: a second image of other
// content would have the same.
func TestOneTimeHasNoVersions(t *testing.T) {
	dir := t.TempDir()
	library, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if kerneltest.Must(t, err); len(library) == 0 {
		fixtures.RequireTool(t, "libfaketime.so.1")
	}
	kerneltest.Must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644),
		os.WriteFile(filepath.Join(dir, "proto"), []byte("x\n0 0\nd--755 0 0\nfile ---644 0 0 "+filepath.Join(dir, "file")+"\n$\n"), 0o644))
	image := filepath.Join(dir, "image")
	kerneltest.Must(t, os.WriteFile(image, nil, 0o644), os.Truncate(image, 320<<20))
	kerneltest.Run(t, "env", "LD_PRELOAD="+library[0], "FAKETIME=2020-01-01 00:00:00", "mkfs.xfs", "-q", "-p", filepath.Join(dir, "proto"), image)
	versions := fsystest.Versions(t, openImage(t, image))
	if v, ok := versions["/file"]; !ok || v != [2]uint64{} {
		t.Errorf("%v", versions)
	}
}
