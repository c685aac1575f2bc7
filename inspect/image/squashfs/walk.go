package squashfs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// A walker is one walk, with what it has met.
type walker struct {
	fs *FS
	// seen says of each inode number where it was met first.
	seen map[uint32]reference
	// blocks are those that hold names, room their bytes; listed is what the
	// directories claim of them. Where it is more, directories share names, and
	// a small image would show endlessly many.
	blocks       map[int64]bool
	room, listed int64
}

// errShared ends a walk's reading of directories.
var errShared = errors.New("directories share their names: not read further")

// Walk implements fsys.Tree.
func (fs *FS) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	own := &walker{fs: fs, seen: map[uint32]reference{}, blocks: map[int64]bool{}}
	root, err := fs.readInode(fs.root)
	if err == nil && root.kind != typeDir {
		err = fmt.Errorf("the root is a %s", kindOf(root.kind))
	}
	if err != nil {
		return fn(&fsys.Node{Entry: report.Entry{Path: "/", Type: report.Directory}, Physical: -1, Err: err})
	}
	w := fsys.Walker[dirent, inode, uint32]{
		Name:   dirent.base,
		Node:   own.node,
		Number: func(ino *inode) uint32 { return ino.number },
		List:   own.list,
	}
	return w.Walk(ctx, dirent{ref: fs.root, number: root.number, kind: typeDir}, fn)
}

// node describes the inode behind a name.
func (w *walker) node(_ *inode, d dirent, path report.Raw) (*fsys.Node, *inode) {
	n := &fsys.Node{Entry: report.Entry{Path: path, Type: kindOf(d.kind)}, Physical: -1}
	ino, err := w.inode(d)
	if err != nil {
		n.Fail(err)
		return n, nil
	}
	w.fs.fill(n, ino)
	return n, ino
}

// inode reads the inode of a name, which must be what the name says. Two inodes
// with one number would pass for names of one file.
func (w *walker) inode(d dirent) (*inode, error) {
	ino, err := w.fs.readInode(d.ref)
	if err != nil {
		return nil, err
	}
	if ino.number != d.number || ino.kind != d.kind {
		return nil, fmt.Errorf("inode at %v: the name says %s %d, the inode %s %d", d.ref, kindOf(d.kind), d.number, kindOf(ino.kind), ino.number)
	}
	if first, ok := w.seen[ino.number]; ok && first != d.ref {
		return nil, fmt.Errorf("inode number %d belongs to another inode too", ino.number)
	}
	w.seen[ino.number] = d.ref
	return ino, nil
}

// list reads a directory, unless directories share their names.
func (w *walker) list(ino *inode, _ int) ([]dirent, error) {
	names, taken, err := w.fs.list(ino, w.crossed)
	if w.listed += taken; w.listed > w.room {
		return nil, fsys.Reasons(err, errShared)
	}
	return names, err
}

// crossed counts a block that holds names.
func (w *walker) crossed(at int64, size int) error {
	if w.listed > w.room {
		return errShared
	}
	if !w.blocks[at] {
		w.blocks[at] = true
		w.room += int64(size)
	}
	return nil
}

// fill sets the fields of a node.
func (fs *FS) fill(n *fsys.Node, ino *inode) {
	var errUser, errGroup error
	n.Mode = report.Mode(ino.mode & 0o7777)
	n.UID, errUser = fs.id(ino.owner)
	n.GID, errGroup = fs.id(ino.group)
	n.Fail(fsys.Reasons(errUser, errGroup))
	n.Mtime = time.Unix(int64(ino.mtime), 0).UTC()
	n.Inode, n.Links = uint64(ino.number), ino.links
	n.Sys = ino.ref
	switch n.Type {
	case report.File:
		n.Size = ino.size
		n.Physical = fs.hint(ino)
	case report.Symlink:
		n.Target = report.Raw(ino.target)
	case report.Char, report.Block:
		n.Device = ino.deviceNumber()
	}
	attributes, err := fs.attributes(ino.attrs)
	if err != nil {
		n.Fail(fmt.Errorf("inode %d: %w", ino.number, err))
	}
	n.SetXattrs(attributes)
}

// hint is where the content starts: its first block, or the fragment that it
// shares with others.
func (fs *FS) hint(ino *inode) int64 {
	switch {
	case ino.size == 0:
		return -1
	case ino.size < fs.blockSize && ino.fragment != none32:
		at, _, err := fs.fragment(ino.fragment)
		if err != nil {
			return -1 // whoever reads the content is told
		}
		return at
	}
	return ino.start
}
