// Package dir reads a directory of the running system as a tree.
//
// The directory may be hostile, and may change while it is read: no symlink in
// it is followed, no device or FIFO is opened, and the walk stays on the mount
// that it started from. A name where another filesystem is mounted is shown
// with an error that names all of them, because what lies below the mount cannot
// be seen. With [Tree.CrossMounts] what is mounted from a disk is read too, as one
// tree; what shows the kernel, memory or another machine never is.
//
// A file that is changed after it was listed and before its content was read to
// the end is an error: what was read would be of no one time. Two changes that the
// filesystem's clock does not tell apart (a few milliseconds before Linux 6.13)
// are not seen.
//
// The kernel shows trusted.* attributes to root alone, and other people's files
// not to everybody: what a common user may not read is an error of its node,
// but a hidden attribute leaves no trace.
package dir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// A Tree is an open directory. It implements fsys.Tree; several walks may run
// at once.
type Tree struct {
	root *os.File
	dev  uint64
	uid  int
	// mounts are those of when it was opened; nil where the kernel does not tell.
	mounts *mounts
	cross  bool

	mu      sync.Mutex
	foreign map[inodeKey]uint64
}

// An inodeKey is a file of another device number than the root's, as overlayfs
// and btrfs show them within one mount.
type inodeKey struct{ dev, ino uint64 }

// Open opens the directory at path; a symlink there is followed.
func Open(path string) (*Tree, error) {
	root, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return New(root)
}

// New takes an open directory as the tree, and closes it with the tree, or at once with
// an error.
func New(root *os.File) (*Tree, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(root.Fd()), &st); err != nil {
		return nil, errors.Join(fmt.Errorf("stat %s: %w", root.Name(), err), root.Close())
	}
	t := &Tree{root: root, dev: st.Dev, uid: os.Geteuid(), foreign: map[inodeKey]uint64{}}
	if where, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", root.Fd())); err == nil {
		t.mounts, _ = readMounts(where) // without it, mounts are found but not named
	}
	return t, nil
}

// CrossMounts has walks enter filesystems with a medium that are mounted in the tree. It
// is called before the first walk.
func (t *Tree) CrossMounts() { t.cross = true }

// Close closes the directory.
func (t *Tree) Close() error { return t.root.Close() }

// Walk implements fsys.Tree.
func (t *Tree) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	fd, err := openDirectory(int(t.root.Fd()), ".")
	if err != nil {
		return fmt.Errorf("open %s: %w", t.root.Name(), err)
	}
	n, err := t.node(fd, "", "/")
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("stat %s: %w", t.root.Name(), err)
	}
	w := walker{tree: t, ctx: ctx, fn: fn}
	return w.directory(fd, n, 0)
}

// inode gives the number that names of one file share. Numbers of other
// devices are counted from the top, where no filesystem puts its own.
func (t *Tree) inode(dev, ino uint64) uint64 {
	if dev == t.dev {
		return ino
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := inodeKey{dev, ino}
	if _, ok := t.foreign[key]; !ok {
		t.foreign[key] = 1<<63 | uint64(len(t.foreign))
	}
	return t.foreign[key]
}

type walker struct {
	tree *Tree
	ctx  context.Context
	fn   func(*fsys.Node) error
}

// directory shows n and what is in it, and closes fd. The names are read before
// the node is shown, so that its error can tell of them.
func (w *walker) directory(fd int, n *fsys.Node, depth int) error {
	defer unix.Close(fd)
	names, err := readNames(fd)
	if err != nil {
		n.Fail(fmt.Errorf("read directory: %w", err))
	}
	if err := w.fn(n); err != nil {
		return err
	}
	for _, name := range names {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := w.name(fd, n.Path, name, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// name shows one name of the directory fd, and what is below.
func (w *walker) name(fd int, parent report.Raw, name string, depth int) error {
	n, err := w.tree.node(fd, name, fsys.Join(parent, name))
	if errors.Is(err, unix.ENOENT) {
		return nil // removed since the names were read
	}
	if err != nil {
		return w.fn(&fsys.Node{Entry: report.Entry{Path: fsys.Join(parent, name)}, Physical: -1, Err: fmt.Errorf("stat: %w", err)})
	}
	var mounted *covered
	if n.Type != report.Directory || errors.As(n.Err, &mounted) {
		return w.fn(n)
	}
	if len(n.Path) > fsys.MaxPath || depth > fsys.MaxDepth {
		n.Fail(fmt.Errorf("the tree is deeper than %d names or %d bytes: not read further", fsys.MaxDepth, fsys.MaxPath))
		return w.fn(n)
	}
	sub, err := openDirectory(fd, name)
	if err != nil {
		n.Fail(fmt.Errorf("open directory: %w", err))
		return w.fn(n)
	}
	return w.directory(sub, n, depth)
}
