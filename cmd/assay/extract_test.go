package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// Root's copy of a filesystem with everything in it is that filesystem.
func TestExtractKeepsEveryFact(t *testing.T) {
	fixtures.RequireRoot(t)
	image := kerneltest.Make(t, 96<<20, "-t", "ext4", "-b", "4096", "-N", "4096")
	kerneltest.Populate(t, image, func(dir string) { kerneltest.Hard(t, dir, 4096, 200) })
	out := filepath.Join(t.TempDir(), "out")
	if code := run([]string{"extract", image, "--devices", "-o", out}, nil, os.Stdout, os.Stderr); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	source, err := dir.Open(out)
	kerneltest.Must(t, err)
	defer source.Close()
	mounted := mountedTree(t, image)
	fsystest.Compare(t, fsystest.Contents(t, source), mounted)
}

func mountedTree(t *testing.T, image string) map[string]string {
	t.Helper()
	oracle, err := kernel.Open(image, kernel.Options{Type: "ext4"})
	kerneltest.Must(t, err)
	defer oracle.Close()
	return fsystest.Contents(t, oracle)
}
