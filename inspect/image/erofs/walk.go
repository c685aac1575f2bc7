package erofs

import (
	"bytes"
	"context"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// A walker is one walk, with what it may still meet.
type walker struct {
	fs    *FS
	left  int64   // bytes of directories that it may still read
	room  int64   // and that may be above one name
	above []int64 // those of the directories that it is in
}

// Walk implements fsys.Tree.
func (fs *FS) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	own := &walker{fs: fs, left: fs.allowance(allTimes), room: fs.allowance(aboveTimes)}
	w := fsys.Walker[dirent, inode, uint64]{
		Name:   dirent.base,
		Node:   func(_ *inode, d dirent, path report.Raw) (*fsys.Node, *inode) { return fs.node(d, path) },
		Number: func(ino *inode) uint64 { return ino.nid },
		List:   own.list,
	}
	return w.Walk(ctx, dirent{nid: fs.root, kind: 2}, fn)
}

// list reads a directory, unless the walk has met more names than the device can hold.
func (w *walker) list(ino *inode, depth int) ([]dirent, error) {
	w.above = append(w.above[:depth], 0)
	total := ino.length
	for _, n := range w.above {
		total += n
	}
	if ino.length > w.left || total > w.room {
		return nil, fmt.Errorf("directory inode %d: its %d bytes, with those of other directories, are more than the filesystem can hold: not read", ino.nid, ino.length)
	}
	w.left -= ino.length
	w.above[depth] = ino.length
	return w.fs.list(ino)
}

// node describes the inode behind a name. The inode is nil where it cannot be
// trusted.
func (fs *FS) node(d dirent, path report.Raw) (*fsys.Node, *inode) {
	n := &fsys.Node{Entry: report.Entry{Path: path, Type: fsys.TypeOfName(d.kind)}, Physical: -1}
	ino, err := fs.readInode(d.nid)
	n.Fail(err)
	if ino == nil {
		return n, nil
	}
	fs.fill(n, ino)
	if err != nil {
		return n, nil
	}
	fs.follow(n, ino)
	return n, ino
}

// fill sets the fields that lie in the inode itself, sound or not.
func (fs *FS) fill(n *fsys.Node, ino *inode) {
	if kind := ino.kind(); kind != "" {
		n.Type = kind
	}
	n.Mode = report.Mode(ino.mode & 0o7777)
	n.UID, n.GID = ino.uid, ino.gid
	n.Mtime = ino.mtime
	n.Inode, n.Links = ino.nid, ino.links
	n.Sys = ino.nid
	switch n.Type {
	case report.File:
		n.Size = max(ino.length, 0)
	case report.Char, report.Block:
		n.Device = ino.device()
	}
}

// follow sets the fields that a sound inode leads to.
func (fs *FS) follow(n *fsys.Node, ino *inode) {
	switch n.Type {
	case report.File:
		n.Physical = fs.hint(ino)
		n.Fail(fs.elsewhere(ino))
	case report.Symlink:
		target, err := fs.target(ino)
		n.Target = report.Raw(target)
		n.Fail(err)
	}
	attributes, err := fs.attributesOf(ino)
	n.Fail(err)
	n.SetXattrs(attributes)
}

// target is where a symlink leads. It ends at the first NUL, as for the kernel.
func (fs *FS) target(ino *inode) (string, error) {
	const most = 4096 // PATH_MAX
	if ino.length > most {
		return "", fmt.Errorf("inode %d: a symlink of %d bytes", ino.nid, ino.length)
	}
	c, err := fs.content(ino)
	if err != nil {
		return "", err
	}
	b := make([]byte, ino.length)
	if err := c.read(b, 0); err != nil {
		return "", fmt.Errorf("inode %d: %w", ino.nid, err)
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b), nil
}

// hint is where the content starts. That of files whose content only an index
// tells is about where the inode lies: mkfs.erofs writes both in one order.
func (fs *FS) hint(ino *inode) int64 {
	switch {
	case ino.length == 0:
		return -1
	case ino.layout == layoutPlain && ino.start < 1<<47:
		return int64(ino.start << fs.blockBits)
	}
	return ino.at
}
