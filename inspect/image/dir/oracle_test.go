package dir_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// TestHardTreesAgreeWithFind fills filesystems of each kind and compares with find(1) and
// getfattr(1), as root and as a common user.
func TestHardTreesAgreeWithFind(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "find", "getfattr", "setpriv", "mount", "umount", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs")
	for _, kind := range []string{"ext4", "xfs", "btrfs", "tmpfs", "overlay"} {
		t.Run(kind, func(t *testing.T) {
			root := mounted(t, kind)
			kerneltest.Must(t, os.Chmod(root, 0o755))
			if kind != "overlay" { // its lower layer is filled
				kerneltest.Hard(t, root, 4096, 500)
			}
			kerneltest.Must(t, os.WriteFile(filepath.Join(root, "private"), []byte("x"), 0o600), os.Mkdir(filepath.Join(root, "closed"), 0o700),
				os.WriteFile(filepath.Join(root, "closed/in"), nil, 0o644), os.Remove(filepath.Join(root, "sizes/sparse")))
			compareWithFind(t, root, walked(t, root), "find")
			compareWithGetfattr(t, root, walked(t, root))
			nobody := fsystest.AsNobody(t, func() map[string]*fsys.Node { return walked(t, root) })
			compareWithFind(t, root, nobody, "setpriv", "--reuid=65534", "find")
			for path, n := range nobody {
				// The effective user is another, the group is root's.
				closed := path == "/private" || path == "/closed" || n.Type == report.File && n.Mode&0o44 == 0 || n.Type == report.Directory && n.Mode&0o44 == 0
				if closed && n.Err == nil && len(n.Xattrs) == 0 {
					t.Errorf("%q is read as nobody", path)
				}
			}
		})
	}
}

// mounted is a new filesystem of a kind.
func mounted(t *testing.T, kind string) string {
	t.Helper()
	base := t.TempDir()
	kerneltest.Must(t, os.Chmod(base, 0o755), os.Chmod(filepath.Dir(base), 0o755))
	root := filepath.Join(base, "root")
	kerneltest.Must(t, os.Mkdir(root, 0o755))
	switch kind {
	case "tmpfs":
		kerneltest.Run(t, "mount", "-t", "tmpfs", "none", root)
	case "overlay":
		lower, upper := filepath.Join(base, "tmp/lower"), filepath.Join(base, "tmp/upper")
		kerneltest.Must(t, os.Mkdir(filepath.Join(base, "tmp"), 0o755))
		kerneltest.Run(t, "mount", "-t", "tmpfs", "none", filepath.Join(base, "tmp"))
		t.Cleanup(func() { kerneltest.Run(t, "umount", filepath.Join(base, "tmp")) })
		kerneltest.Must(t, os.Mkdir(lower, 0o755), os.Mkdir(upper, 0o755), os.Mkdir(filepath.Join(base, "tmp/work"), 0o755),
			os.Mkdir(filepath.Join(lower, "below"), 0o750), os.WriteFile(filepath.Join(lower, "below/file"), []byte("lower"), 0o640))
		kerneltest.Hard(t, lower, 4096, 500)
		kerneltest.Must(t, os.Remove(filepath.Join(lower, "types/zero"))) // a whiteout
		kerneltest.Run(t, "mount", "-t", "overlay", "-o", "lowerdir="+lower+",upperdir="+upper+",workdir="+filepath.Join(base, "tmp/work"), "none", root)
	default:
		image := filepath.Join(base, "image")
		kerneltest.Must(t, os.WriteFile(image, nil, 0o644), os.Truncate(image, 600<<20))
		kerneltest.Run(t, "mkfs."+kind, "-q", image)
		kerneltest.Run(t, "mount", "-o", "loop", image, root)
	}
	t.Cleanup(func() { kerneltest.Run(t, "umount", root) })
	return root
}

func walked(t testing.TB, root string) map[string]*fsys.Node {
	t.Helper()
	tree, err := dir.Open(root)
	kerneltest.Must(t, err)
	defer tree.Close()
	out := map[string]*fsys.Node{}
	if err := tree.Walk(context.Background(), func(n *fsys.Node) error { out[string(n.Path)] = n; return nil }); err != nil {
		t.Error(err)
	}
	return out
}

// compareWithFind compares type, mode, owner, size, time, links and target.
func compareWithFind(t *testing.T, root string, got map[string]*fsys.Node, find ...string) {
	t.Helper()
	const format = `%P\0%y %m %U:%G %n %T@ %s %D:%i\0%l\0`
	fields := strings.Split(tolerant(t, append(find, root, "-printf", format)...), "\x00")
	seen := 0
	inodes, found := map[string]uint64{}, map[string]bool{}
	for ; len(fields) >= 3; fields = fields[3:] {
		path, want := "/"+fields[0], strings.Fields(fields[1])
		n := got[path]
		if n == nil {
			t.Errorf("%q is not shown", path)
			continue
		}
		seen++
		found[path] = true
		size := want[5]
		if n.Type != report.File {
			size = fmt.Sprint(n.Size)
		}
		letter := map[report.Type]string{report.File: "f", report.Directory: "d", report.Symlink: "l", report.Char: "c", report.Block: "b", report.FIFO: "p", report.Socket: "s"}[n.Type]
		mine := fmt.Sprintf("%s %o %d:%d %d %d.%09d0 %d %s", letter, n.Mode, n.UID, n.GID, n.Links, n.Mtime.Unix(), n.Mtime.Nanosecond(), n.Size, want[6])
		want[5] = size
		if before := n.Mtime.Unix() < 0; !before && mine != strings.Join(want, " ") || string(n.Target) != fields[2] {
			t.Errorf("%q: %s -> %q, find says %s -> %q", path, mine, n.Target, fields[1], fields[2])
		}
		if other, ok := inodes[want[6]]; ok && other != n.Inode && n.Type != report.Directory {
			t.Errorf("%q: inode %d, another name has %d", path, n.Inode, other)
		}
		inodes[want[6]] = n.Inode
	}
	for path, n := range got {
		if n.Type == "" && n.Err != nil { // a name that may be read, in a directory that may not be entered
			seen++
		} else if !found[path] {
			t.Errorf("%q is not found by find", path)
		}
	}
	if seen != len(got) || seen < 500 {
		t.Errorf("%d names are shown, find has %d", len(got), seen)
	}
}

// tolerant runs a program that may not read everything.
func tolerant(t *testing.T, args ...string) string {
	t.Helper()
	return kerneltest.Run(t, "sh", append([]string{"-c", `"$@" 2>/dev/null || true`, "sh"}, args...)...)
}

// compareWithGetfattr compares the attributes of those names that getfattr can name.
func compareWithGetfattr(t *testing.T, root string, got map[string]*fsys.Node) {
	t.Helper()
	dump := kerneltest.Run(t, "getfattr", "-R", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", filepath.Join(root, "attributes"))
	count := 0
	var n *fsys.Node
	for _, line := range strings.Split(dump, "\n") {
		if path, ok := strings.CutPrefix(line, "# file: "+root); ok {
			n = got[path]
			continue
		}
		name, value, ok := strings.Cut(line, "=0x")
		if !ok {
			continue
		}
		count++
		data, err := hex.DecodeString(value)
		kerneltest.Must(t, err)
		if n == nil || string(n.Xattrs[name]) != string(data) {
			t.Errorf("%s: got %q, getfattr says %q", line[:20], n.Xattrs[name], data)
		}
	}
	if count < 10 {
		t.Errorf("getfattr shows %d attributes", count)
	}
}

// TestManyNames reads 70,000 names of one directory.
func TestManyNames(t *testing.T) {
	fixtures.RequireFull(t)
	root := t.TempDir()
	const many = 70_000
	for i := range many {
		kerneltest.Must(t, unix.Mknod(filepath.Join(root, fmt.Sprintf("%d-%s", i, strings.Repeat("x", i%200))), unix.S_IFREG|0o644, 0))
	}
	if got := len(walked(t, root)); got != many+1 {
		t.Errorf("%d names", got)
	}
}
