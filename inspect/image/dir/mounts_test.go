package dir

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys"
)

func TestParseMounts(t *testing.T) {
	const info = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
28 27 8:1 / /boot rw - xfs /dev/sda1 rw
29 28 8:2 / /boot/efi rw - vfat /dev/sda2 rw
30 27 0:30 / /mnt/a\040b rw - nfs4 host:/x rw
31 22 0:31 / /proc/sys/fs/binfmt_misc rw - binfmt_misc none rw
32 22 0:32 / /proc rw,relatime - proc proc rw
`
	for root, want := range map[string][2]string{
		"/":     {"/boot (xfs), /mnt/a b (nfs4), /proc (proc)", "/mnt/a b (nfs4), /proc (proc)"},
		"/boot": {"/efi (vfat)", ""},
		"/bo":   {"", ""},
	} {
		m, err := parseMounts([]byte(info), root)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]string{m.leftOut(false), m.leftOut(true)}; got != want {
			t.Errorf("%s: %q, want %q", root, got, want)
		}
	}
	for _, bad := range []string{"22 27\n", "x 27 0:21 / /proc rw - proc proc rw\n", "\n"} {
		if _, err := parseMounts([]byte(bad), "/"); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestCrossMounts reads a disk that is mounted in a tree, and leaves memory out.
func TestCrossMounts(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "mkfs.ext4", "mount", "umount")
	root := t.TempDir()
	image := filepath.Join(t.TempDir(), "image")
	disk, tmp := filepath.Join(root, "boot"), filepath.Join(root, "run")
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
	}
	for _, err := range []error{os.Mkdir(disk, 0o755), os.Mkdir(tmp, 0o755), os.WriteFile(image, nil, 0o644), os.Truncate(image, 4<<20)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	run("mkfs.ext4", "-q", image)
	run("mount", "-o", "loop", image, disk)
	t.Cleanup(func() { run("umount", disk) })
	run("mount", "-t", "tmpfs", "none", tmp)
	t.Cleanup(func() { run("umount", tmp) })
	for _, dir := range []string{disk, tmp} {
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	walk := func(cross bool) map[string]error {
		tree, err := Open(root)
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		if cross {
			tree.CrossMounts()
		}
		out := map[string]error{}
		err = tree.Walk(context.Background(), func(n *fsys.Node) error {
			out[string(n.Path)] = n.Err
			if n.Path == "/boot/file" {
				c, err := tree.Open(n)
				if err != nil {
					return err
				}
				return c.Close()
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	got := walk(false)
	if err := got["/boot"]; err == nil || err.Error() != "ext4 is mounted here: not read, as all of: /boot (ext4), /run (tmpfs)" || len(got) != 3 {
		t.Errorf("got %v", got)
	}
	got = walk(true)
	_, file := got["/boot/file"]
	_, memory := got["/run/file"]
	if !file || memory || got["/boot"] != nil || got["/run"] == nil || !strings.HasSuffix(got["/run"].Error(), "as all of: /run (tmpfs)") {
		t.Errorf("got %v", got)
	}
}

// TestChangedFiles: what is written to, cut or given another attribute after it was listed
// is no content of that listing.
func TestChangedFiles(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "f")
	for name, change := range map[string]func() error{
		"written": func() error { return os.WriteFile(path, []byte("CONTENT"), 0o644) },
		"cut":     func() error { return os.Truncate(path, 3) },
		"longer":  func() error { return os.Truncate(path, 9) },
		"mode":    func() error { return os.Chmod(path, 0o600) },
		"xattr":   func() error { return unix.Setxattr(path, "user.a", []byte("b"), 0) },
	} {
		if err := os.WriteFile(path, []byte("content"), 0o644); err != nil {
			t.Fatal(err)
		}
		tree, err := Open(root)
		if err != nil {
			t.Fatal(err)
		}
		var node *fsys.Node
		if err := tree.Walk(context.Background(), func(n *fsys.Node) error { node = n; return nil }); err != nil {
			t.Fatal(err)
		}
		c, err := tree.Open(node)
		if err != nil {
			t.Fatal(err)
		}
		if err := fsys.Unchanged(c); err != nil {
			t.Errorf("%s: before: %v", name, err)
		}
		pause()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if err := fsys.Unchanged(c); err == nil {
			t.Errorf("%s while it was read: unnoticed", name)
		}
		if _, err := tree.Open(node); err == nil || !strings.Contains(err.Error(), "changed") {
			t.Errorf("%s before it was opened: %v", name, err)
		}
		c.Close()
		tree.Close()
	}
}

// pause lets the clock of a filesystem go on, which is coarse before Linux 6.13.
func pause() { time.Sleep(20 * time.Millisecond) }
