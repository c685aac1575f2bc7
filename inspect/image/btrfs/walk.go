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

// String names the place in an error.
func (p place) String() string { return fmt.Sprintf("%d of tree %d", p.inode, p.tree) }

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
	w := fsys.Walker[dirent, level, place]{
		Name:   dirent.base,
		Number: func(at *level) place { return at.place },
		List:   func(at *level, _ int) ([]dirent, error) { return at.list(at.place.inode) },
		Node: func(at *level, d dirent, path report.Raw) (*fsys.Node, *level) {
			if at == nil {
				return fs.below(fs.treeOf(r), place{r.id, r.dir}, d, path)
			}
			return fs.name(at, d, path)
		},
	}
	return w.Walk(ctx, dirent{kind: 2}, fn)
}

// below is what a name leads to in a tree, and the level that it is.
func (fs *FS) below(t *tree, p place, d dirent, path report.Raw) (*fsys.Node, *level) {
	n, ino := fs.node(t, p, d, path)
	if ino == nil || n.Type != report.Directory {
		return n, nil
	}
	return n, &level{t, p, ino}
}

// name describes a name of the directory at, and what it leads to.
func (fs *FS) name(at *level, d dirent, path report.Raw) (*fsys.Node, *level) {
	if !d.subvolume {
		return fs.below(at.tree, place{at.place.tree, d.object}, d, path)
	}
	r, err := fs.nested(at.place, d)
	if errors.Is(err, errNotFound) {
		return emptyDirectory(at.inode, path), nil
	}
	if err != nil {
		n := &fsys.Node{Entry: report.Entry{Path: path, Type: report.Directory}, Physical: -1}
		n.Fail(err)
		return n, nil
	}
	return fs.below(fs.treeOf(r), place{r.id, r.dir}, d, path)
}

// nested finds the subvolume that a name leads to.
func (fs *FS) nested(dir place, d dirent) (root, error) {
	leads, err := fs.leadsTo(dir.tree, dir.inode, d.name, d.object)
	if err != nil {
		return root{}, err
	}
	if !leads {
		return root{}, errNotFound
	}
	return fs.subvolume(d.object)
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
	n := &fsys.Node{Entry: report.Entry{Path: path, Type: fsys.TypeOfName(d.kind)}, Physical: -1}
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
