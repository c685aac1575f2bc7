package erofs

import (
	"bytes"
	"context"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// A walker is one walk.
type walker struct {
	fs   *FS
	ctx  context.Context
	fn   func(*fsys.Node) error
	seen map[uint64]bool // directories that the walk was in
	left int64           // bytes of directories that it may still read
	room int64           // and that may still be above one name
}

// Walk implements fsys.Tree.
func (fs *FS) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	w := walker{fs: fs, ctx: ctx, fn: fn, seen: map[uint64]bool{}, left: fs.allowance(allTimes), room: fs.allowance(aboveTimes)}
	return w.visit(dirent{nid: fs.root, kind: 2}, "/", 0)
}

// visit shows one name, and what is below it.
func (w *walker) visit(d dirent, path report.Raw, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	n, ino := w.fs.node(d, path)
	if n.Type != report.Directory || ino == nil {
		return w.fn(n)
	}
	names := w.enter(n, ino, depth)
	w.room -= ino.length
	defer func() { w.room += ino.length }()
	if err := w.fn(n); err != nil {
		return err
	}
	for _, name := range names {
		if err := w.visit(name, fsys.Join(path, name.name), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// enter lists a directory, unless the walk was there, is too deep, or has met
// more names than the device can hold.
func (w *walker) enter(n *fsys.Node, ino *inode, depth int) []dirent {
	if w.seen[ino.nid] {
		n.Fail(fmt.Errorf("directory inode %d has more than one name: not read again", ino.nid))
		return nil
	}
	w.seen[ino.nid] = true
	if depth > fsys.MaxDepth || len(n.Path) > fsys.MaxPath {
		n.Fail(fmt.Errorf("the tree is deeper than %d names or %d bytes: not read further", fsys.MaxDepth, fsys.MaxPath))
		return nil
	}
	if ino.length > w.left || ino.length > w.room {
		n.Fail(fmt.Errorf("directory inode %d: its %d bytes, with those of other directories, are more than the filesystem can hold: not read", ino.nid, ino.length))
		return nil
	}
	w.left -= ino.length
	names, err := w.fs.list(ino)
	n.Fail(err)
	return names
}

// node describes the inode behind a name. The inode is nil where it cannot be
// trusted.
func (fs *FS) node(d dirent, path report.Raw) (*fsys.Node, *inode) {
	n := &fsys.Node{Entry: report.Entry{Path: path, Type: d.kindOf()}, Physical: -1}
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
