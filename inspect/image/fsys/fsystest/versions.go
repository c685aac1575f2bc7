package fsystest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// Versions are those of all files of a tree, by their paths.
func Versions(t testing.TB, tree fsys.Tree) map[string][2]uint64 {
	t.Helper()
	out := map[string][2]uint64{}
	kerneltest.Must(t, tree.Walk(context.Background(), func(n *fsys.Node) error {
		out[string(n.Path)] = n.Version
		return n.Err
	}))
	return out
}

// CheckVersions has the kernel change files of an image, and requires that their versions
// change and no others: of one that is written, of one whose time is set back, and of one
// that is replaced by another of its size and time.
func CheckVersions(t *testing.T, kind, image string, open func(image string) fsys.Tree) {
	t.Helper()
	kerneltest.PopulateAs(t, kind, image, func(dir string) {
		for _, name := range []string{"kept", "written", "touched", "replaced"} {
			kerneltest.Must(t, os.WriteFile(filepath.Join(dir, name), []byte("before"), 0o644))
		}
	})
	before := Versions(t, open(image))
	kerneltest.PopulateAs(t, kind, image, func(dir string) {
		at := func(name string) string { return filepath.Join(dir, name) }
		info, err := os.Stat(at("replaced"))
		kerneltest.Must(t, err, os.WriteFile(at("written"), []byte("behind"), 0o644), os.WriteFile(at("new"), []byte("behind"), 0o644))
		kerneltest.Must(t, os.Chtimes(at("touched"), info.ModTime(), info.ModTime()), os.Chtimes(at("new"), info.ModTime(), info.ModTime()))
		kerneltest.Must(t, os.Rename(at("new"), at("replaced")))
	})
	after := Versions(t, open(image))
	for name, changes := range map[string]bool{"/kept": false, "/written": true, "/touched": true, "/replaced": true} {
		if before[name] == [2]uint64{} || (before[name] != after[name]) != changes {
			t.Errorf("%s: version %v, then %v; changes: %v", name, before[name], after[name], changes)
		}
	}
}
