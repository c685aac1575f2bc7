package btrfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// A place is a file: an inode of a tree.
type place struct {
	tree  uint64
	inode uint64
}

// A walker is one walk.
type walker struct {
	fs   *FS
	ctx  context.Context
	fn   func(*fsys.Node) error
	seen map[place]bool // directories that the walk was in
}

// A level is the directory that the walk is in.
type level struct {
	*tree
	place
	*inode
}

// Walk implements fsys.Tree.
func (fs *FS) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	r, err := fs.subvolume(fs.top)
	if err != nil {
		return err
	}
	w := walker{fs: fs, ctx: ctx, fn: fn, seen: map[place]bool{}}
	t := fs.treeOf(r)
	n, ino := fs.node(t, place{r.id, r.dir}, dirent{kind: 2}, "/")
	return w.show(n, level{t, place{r.id, r.dir}, ino}, 0)
}

// show hands out a node, and what is below it.
func (w *walker) show(n *fsys.Node, at level, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if n.Type != report.Directory || at.inode == nil {
		return w.fn(n)
	}
	names := w.enter(n, at, depth)
	if err := w.fn(n); err != nil {
		return err
	}
	for _, name := range names {
		n, below := w.name(at, name, fsys.Join(n.Path, name.name))
		if err := w.show(n, below, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// enter lists a directory, unless the walk was there or is too deep.
func (w *walker) enter(n *fsys.Node, at level, depth int) []dirent {
	if w.seen[at.place] {
		n.Fail(fmt.Errorf("directory inode %d of tree %d has more than one name: not read again", at.place.inode, at.place.tree))
		return nil
	}
	w.seen[at.place] = true
	if depth > fsys.MaxDepth || len(n.Path) > fsys.MaxPath {
		n.Fail(fmt.Errorf("the tree is deeper than %d names or %d bytes: not read further", fsys.MaxDepth, fsys.MaxPath))
		return nil
	}
	names, err := at.list(at.place.inode)
	n.Fail(err)
	return names
}

// name describes a name of the directory at, and what it leads to.
func (w *walker) name(at level, d dirent, path report.Raw) (*fsys.Node, level) {
	p := place{at.place.tree, d.object}
	if !d.subvolume {
		n, ino := w.fs.node(at.tree, p, d, path)
		return n, level{at.tree, p, ino}
	}
	r, err := w.nested(at.place, d)
	if errors.Is(err, errNotFound) {
		return emptyDirectory(at.inode, path), level{}
	}
	if err != nil {
		n := &fsys.Node{Entry: report.Entry{Path: path, Type: report.Directory}, Physical: -1}
		n.Fail(err)
		return n, level{}
	}
	t := w.fs.treeOf(r)
	p = place{r.id, r.dir}
	n, ino := w.fs.node(t, p, d, path)
	return n, level{t, p, ino}
}

// nested finds the subvolume that a name leads to.
func (w *walker) nested(dir place, d dirent) (root, error) {
	leads, err := w.fs.leadsTo(dir.tree, dir.inode, d.name, d.object)
	if err != nil {
		return root{}, err
	}
	if !leads {
		return root{}, errNotFound
	}
	return w.fs.subvolume(d.object)
}

// emptyDirectory is what the kernel shows where a snapshot has the name of a subvolume
// that was nested in its source (new_simple_dir in fs/btrfs/inode.c): nothing of
// it is stored. The kernel's time is that of the look; this one is the parent's.
func emptyDirectory(parent *inode, path report.Raw) *fsys.Node {
	mtime, _ := parent.mtime()
	return &fsys.Node{Entry: report.Entry{
		Path: path, Type: report.Directory, Mode: 0o755, UID: parent.uid, GID: parent.gid, Mtime: mtime,
	}, Links: 1, Physical: -1}
}

// node describes the inode behind a name. The inode is nil where it cannot be
// trusted.
func (fs *FS) node(t *tree, p place, d dirent, path report.Raw) (*fsys.Node, *inode) {
	n := &fsys.Node{Entry: report.Entry{Path: path, Type: d.kindOf()}, Physical: -1}
	f, err := t.lookup(p.inode)
	n.Fail(err)
	if f.inode == nil {
		return n, nil
	}
	kind := f.kind()
	if kind != n.Type {
		n.Fail(fmt.Errorf("inode %d: its type is %#o, its directory says %q", p.inode, f.mode&typeMask, n.Type))
		return n, nil
	}
	fs.fill(n, p, f)
	if n.Type == report.Symlink {
		target, err := fs.target(t, f.inode)
		n.Target = report.Raw(target)
		n.Fail(err)
	}
	return n, f.inode
}

// fill sets the fields that lie in the inode itself.
func (fs *FS) fill(n *fsys.Node, p place, f found) {
	n.Mode = report.Mode(f.mode & 0o7777)
	n.UID, n.GID = f.uid, f.gid
	var err error
	n.Mtime, err = f.mtime()
	n.Fail(err)
	n.Attributes = f.attributes()
	n.Inode, n.Links = fs.fileID(p.tree, p.inode), f.links
	n.Sys = p
	n.Version = fs.version(f.inode)
	n.SetXattrs(f.xattrs)
	n.Fail(f.err)
	switch n.Type {
	case report.File:
		n.Size = f.size
		if f.hint != 0 {
			n.Physical = fs.nodes.physical(f.hint)
		}
	case report.Char, report.Block:
		n.Device = f.deviceNumber()
	}
}

// target is where a symlink leads. It ends at the first NUL, as for the kernel.
func (fs *FS) target(t *tree, ino *inode) (string, error) {
	const most = 4096 // PATH_MAX
	if ino.size > most {
		return "", fmt.Errorf("inode %d: a symlink of %d bytes", ino.number, ino.size)
	}
	c, err := fs.content(t, ino)
	if err != nil {
		return "", err
	}
	b := make([]byte, ino.size)
	if _, err := io.ReadFull(io.NewSectionReader(c, 0, ino.size), b); err != nil {
		return "", err
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b), nil
}
