package dir_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/report"
)

func open(t *testing.T, path string) *dir.Tree {
	t.Helper()
	tree, err := dir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree
}

func TestWalkShowsEveryField(t *testing.T) {
	fixtures.RequireRoot(t)
	root := t.TempDir()
	mtime := time.Unix(-86400, 123456789).UTC()
	must(t,
		os.Mkdir(filepath.Join(root, "d"), 0o755),
		os.WriteFile(filepath.Join(root, "d/f"), []byte("hello"), 0o600),
		os.Chown(filepath.Join(root, "d/f"), 70000, 80000),
		os.Chmod(filepath.Join(root, "d/f"), 0o640|os.ModeSetuid),
		os.Link(filepath.Join(root, "d/f"), filepath.Join(root, "d/hard")),
		os.Symlink("/etc/passwd", filepath.Join(root, "l")),
		unix.Mkfifo(filepath.Join(root, "p"), 0o600),
		unix.Mknod(filepath.Join(root, "c"), unix.S_IFCHR|0o600, int(unix.Mkdev(300, 70000))),
		unix.Mknod(filepath.Join(root, "s"), unix.S_IFSOCK|0o600, 0),
		unix.Lsetxattr(filepath.Join(root, "l"), "trusted.x", []byte("of a link"), 0),
		os.Chtimes(filepath.Join(root, "d/f"), mtime, mtime),
		os.WriteFile(filepath.Join(root, "a\xff\nb"), nil, 0o644),
	)
	got := fsystest.List(t, open(t, root))
	want := map[string]string{
		"/d/f":      "file 4640 70000:80000 5 1969-12-31T00:00:00.123456789Z links=2",
		"/d/hard":   "file 4640 70000:80000 5 1969-12-31T00:00:00.123456789Z links=2",
		"/l":        "symlink 0777 0:0 -> /etc/passwd trusted.x=\"of a link\"",
		"/p":        "fifo 0600 0:0",
		"/c":        "char 0600 0:0 300:70000",
		"/s":        "socket 0600 0:0",
		"/d":        "directory 0755 0:0",
		"/a\xff\nb": "file 0644 0:0 0",
	}
	for path, line := range want {
		if !strings.HasPrefix(line, "file 4") {
			got[path] = fsystest.WithoutTime(got[path])
		}
		if got[path] != line {
			t.Errorf("%q:\n got %s\nwant %s", path, got[path], line)
		}
	}
	if len(got) != len(want)+1 {
		t.Errorf("walk showed %q", slices.Sorted(maps.Keys(got)))
	}
}

func TestWalkSortsAndSharesInodes(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"b", "a", "a.x", "a/2", "a/1"} {
		p := filepath.Join(root, name)
		if strings.ContainsAny(name, "/x") {
			must(t, os.WriteFile(p, nil, 0o644))
		} else {
			must(t, os.Mkdir(p, 0o755))
		}
	}
	must(t, os.Link(filepath.Join(root, "a.x"), filepath.Join(root, "b/link")))
	var order []string
	inodes := map[string]uint64{}
	must(t, open(t, root).Walk(context.Background(), func(n *fsys.Node) error {
		order = append(order, string(n.Path))
		inodes[string(n.Path)] = n.Inode
		return n.Err
	}))
	if got := strings.Join(order, " "); got != "/ /a /a/1 /a/2 /a.x /b /b/link" {
		t.Error("order:", got)
	}
	if inodes["/a.x"] != inodes["/b/link"] || inodes["/a/1"] == inodes["/a/2"] {
		t.Error("inodes do not tell hard links:", inodes)
	}
}

func TestOpenFollowsNoSymlink(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	must(t,
		os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644),
		os.MkdirAll(filepath.Join(root, "d"), 0o755),
		os.WriteFile(filepath.Join(root, "d/secret"), []byte("mine"), 0o644),
	)
	tree := open(t, root)
	var node *fsys.Node
	must(t, tree.Walk(context.Background(), func(n *fsys.Node) error {
		if n.Path == "/d/secret" {
			node = n
		}
		return nil
	}))
	must(t, os.RemoveAll(filepath.Join(root, "d")), os.Symlink(outside, filepath.Join(root, "d")))
	if _, err := tree.Open(node); !errors.Is(err, unix.ELOOP) {
		t.Fatalf("open through a symlink: %v, want ELOOP", err)
	}
	must(t, os.Remove(filepath.Join(root, "d")), os.Mkdir(filepath.Join(root, "d"), 0o755),
		unix.Mkfifo(filepath.Join(root, "d/secret"), 0o644))
	if _, err := tree.Open(node); err == nil || !strings.Contains(err.Error(), "replaced") {
		t.Fatalf("open of a FIFO that took the name: %v", err)
	}
}

func TestOpenReadsDeepPath(t *testing.T) {
	root := t.TempDir()
	fd, err := unix.Open(root, unix.O_DIRECTORY, 0)
	must(t, err)
	name := strings.Repeat("n", 200)
	for range 40 { // 8,000 bytes of path: more than one system call takes
		must(t, unix.Mkdirat(fd, name, 0o755))
		sub, err := unix.Openat(fd, name, unix.O_DIRECTORY, 0)
		must(t, err, unix.Close(fd))
		fd = sub
	}
	file, err := unix.Openat(fd, "leaf", unix.O_CREAT|unix.O_WRONLY, 0o644)
	must(t, err)
	_, err = unix.Write(file, []byte("deep"))
	must(t, err, unix.Close(file), unix.Close(fd))
	tree := open(t, root)
	var content []byte
	must(t, tree.Walk(context.Background(), func(n *fsys.Node) error {
		if n.Type != report.File {
			return n.Err
		}
		content = fsystest.Read(t, tree, n)
		return n.Err
	}))
	if string(content) != "deep" {
		t.Errorf("content %q", content)
	}
}

func TestContentHasHoles(t *testing.T) {
	root := t.TempDir()
	f, err := os.Create(filepath.Join(root, "sparse"))
	must(t, err, f.Truncate(8<<20))
	_, err = f.WriteAt([]byte("data"), 4<<20)
	must(t, err, f.Sync(), f.Close())
	tree := open(t, root)
	must(t, tree.Walk(context.Background(), func(n *fsys.Node) error {
		if n.Type != report.File {
			return nil
		}
		c, err := tree.Open(n)
		must(t, err)
		defer c.Close()
		runs, err := c.Extents()
		must(t, err)
		got, err := io.ReadAll(io.NewSectionReader(c, 4<<20, 4))
		if err != nil || !bytes.Equal(got, []byte("data")) {
			t.Errorf("read %q, %v", got, err)
		}
		if len(runs) != 1 || runs[0].Offset > 4<<20 || runs[0].Offset == 0 {
			t.Skipf("this filesystem tells no holes: %v", runs)
		}
		return nil
	}))
}

func TestMountIsLeftOutAndSaidSo(t *testing.T) {
	fixtures.RequireRoot(t)
	root := t.TempDir()
	mnt := filepath.Join(root, "mnt")
	must(t, os.Mkdir(mnt, 0o755), unix.Mount("none", mnt, "tmpfs", 0, ""))
	t.Cleanup(func() { must(t, unix.Unmount(mnt, 0)) })
	must(t, os.WriteFile(filepath.Join(mnt, "x"), nil, 0o644))
	got := fsystest.List(t, open(t, root))
	if _, ok := got["/mnt/x"]; ok || !strings.Contains(got["/mnt"], "mounted here") {
		t.Errorf("got %q", got)
	}
}

func TestUnreadableFileSaysSo(t *testing.T) {
	fixtures.RequireRoot(t)
	root := t.TempDir()
	must(t, os.Chmod(filepath.Dir(root), 0o755), os.Chmod(root, 0o755), os.WriteFile(filepath.Join(root, "private"), []byte("x"), 0o600),
		os.Mkdir(filepath.Join(root, "closed"), 0o700))
	got := fsystest.AsNobody(t, func() map[string]string { return fsystest.List(t, open(t, root)) })
	for _, path := range []string{"/private", "/closed"} {
		if !strings.Contains(got[path], "permission denied") {
			t.Errorf("%s: %s", path, got[path])
		}
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	if _, err := dir.Open(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
