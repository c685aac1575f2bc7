package ostree_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/ostree"
)

// sysroot is a directory as a system's root.
type sysroot string

func (s sysroot) ReadDir(name string) ([]string, error) {
	list, err := os.ReadDir(filepath.Join(string(s), name))
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names, err
}

func (s sysroot) ReadFile(name string, _ int64) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(s), name))
}

func (s sysroot) Resolve(name string) (string, error) {
	real, err := filepath.EvalSymlinks(filepath.Join(string(s), name))
	return strings.TrimPrefix(real, string(s)), err
}

// TestDeployments has ostree deploy two commits, and asks it which one is first.
func TestDeployments(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "ostree")
	root := filepath.Join(t.TempDir(), "sysroot")
	source := filepath.Join(t.TempDir(), "source")
	for _, dir := range []string{"boot", "usr/etc", "usr/lib/modules/6.1", "usr/bin", "sysroot"} {
		kerneltest.Must(t, os.MkdirAll(filepath.Join(source, dir), 0o755))
	}
	kerneltest.Must(t, os.MkdirAll(root, 0o755), os.Symlink("usr/bin", filepath.Join(source, "bin")),
		os.WriteFile(filepath.Join(source, "usr/lib/modules/6.1/vmlinuz"), []byte("kernel"), 0o644),
		os.WriteFile(filepath.Join(source, "usr/lib/os-release"), []byte("ID=x\nNAME=X\n"), 0o644))
	ostreeAdmin := func(args ...string) string {
		return kerneltest.Run(t, "ostree", append(append([]string{"admin"}, args...), "--sysroot="+root)...)
	}
	ostreeAdmin("init-fs", root)
	ostreeAdmin("os-init", "x")
	repo := "--repo=" + filepath.Join(root, "ostree/repo")
	kerneltest.Run(t, "ostree", "config", repo, "set", "core.fsync", "false")
	var commits []string
	for _, version := range []string{"1", "2"} {
		kerneltest.Must(t, os.WriteFile(filepath.Join(source, "usr/version"), []byte(version), 0o644))
		commits = append(commits, strings.TrimSpace(kerneltest.Run(t, "ostree", "commit", repo, "--branch=main", "-s", version, source)))
		ostreeAdmin("deploy", "--os=x", "--karg=quiet", "main") // not of hexadecimal digits: see TestRefs
	}
	t.Cleanup(func() { kerneltest.Run(t, "sh", "-c", "chattr -i "+root+"/ostree/deploy/x/deploy/*/") })
	list, err := ostree.Deployments(sysroot(root))
	kerneltest.Must(t, err)
	if len(list) != 2 {
		t.Fatalf("got %+v", list)
	}
	for _, d := range list {
		if d.OS != "x" || d.Serial != 0 || d.Booted != (d.Commit == commits[1]) || len(d.Entries) != 1 || d.Var() != "/ostree/deploy/x/var" {
			t.Errorf("got %+v, commits %v", d, commits)
		}
		if _, err := os.Stat(filepath.Join(root, d.Path, "usr/version")); err != nil {
			t.Error(err)
		}
	}
	// The repository of a system is read like any other.
	if c, err := open(t, filepath.Join(root, "ostree/repo")).Open("main"); err != nil || c.Checksum != commits[1] {
		t.Errorf("%v, %v", c, err)
	}
	kerneltest.Must(t, os.RemoveAll(filepath.Join(root, "ostree/boot.1")), os.RemoveAll(filepath.Join(root, "ostree/boot.0")))
	if list, err := ostree.Deployments(sysroot(root)); err == nil || len(list) != 2 || !strings.Contains(err.Error(), "ostree=/ostree/boot.") {
		t.Errorf("links to nothing: %v, %v", list, err)
	}
	if list, err := ostree.Deployments(sysroot(t.TempDir())); list != nil || err != nil {
		t.Errorf("no system: %v, %v", list, err)
	}
}
