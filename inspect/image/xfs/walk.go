package xfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// errUnsettled says why what is shown of an inode is not what the kernel will show.
var errUnsettled = errors.New("the log has begun a change of its extents or attributes that is not done: mount the filesystem once, or a copy of it")

// Walk implements fsys.Tree.
func (fs *FS) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	w := fsys.Walker[dirent, inode, uint64]{
		Name:   dirent.base,
		Node:   func(_ *inode, d dirent, path report.Raw) (*fsys.Node, *inode) { return fs.node(d, path) },
		Number: func(ino *inode) uint64 { return ino.number },
		List:   func(ino *inode, _ int) ([]dirent, error) { return fs.list(ino) },
	}
	return w.Walk(ctx, dirent{inode: fs.root, kind: 2}, fn)
}

// node describes the inode behind a name. The inode is nil where it cannot be
// trusted.
func (fs *FS) node(d dirent, path report.Raw) (*fsys.Node, *inode) {
	n := &fsys.Node{Entry: report.Entry{Path: path, Type: fsys.TypeOfName(d.kind)}, Physical: -1}
	ino, err := fs.readInode(d.inode)
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
	} else {
		n.Fail(fmt.Errorf("inode %d: type %#x is unknown", ino.number, ino.mode&typeMask))
	}
	n.Mode = report.Mode(ino.mode & 0o7777)
	n.UID, n.GID, n.Project = ino.uid, ino.gid, ino.project
	n.Mtime = ino.mtime
	n.Attributes = fsys.AttributeNames(ino.attributes())
	n.Inode, n.Links = ino.number, ino.links
	n.Sys = ino.number
	n.Version = fs.stateOf(ino)
	switch n.Type {
	case report.File:
		n.Size = max(ino.size, 0)
	case report.Char, report.Block:
		n.Device = ino.device()
	}
}

// follow sets the fields that a sound inode leads to.
func (fs *FS) follow(n *fsys.Node, ino *inode) {
	if fs.unsettled[ino.number] {
		n.Fail(errUnsettled)
	}
	switch n.Type {
	case report.File:
		n.Physical = fs.hint(ino)
		if ino.onRealtime() {
			n.Fail(errRealtime)
		}
	case report.Symlink:
		target, err := fs.target(ino)
		n.Target = report.Raw(target)
		n.Fail(err)
	}
	attributes, err := fs.attributes(ino)
	n.Fail(err)
	n.SetXattrs(attributes)
}

// target is where a symlink leads. It ends at the first NUL, as for the kernel.
func (fs *FS) target(ino *inode) (string, error) {
	const most = 1024 // XFS_SYMLINK_MAXLEN
	if ino.size == 0 || ino.size > most {
		return "", fmt.Errorf("inode %d: a symlink of %d bytes", ino.number, ino.size)
	}
	b := ino.data.area
	if ino.data.form != formLocal {
		var err error
		if b, err = fs.remoteTarget(ino); err != nil {
			return "", fmt.Errorf("inode %d: symlink: %w", ino.number, err)
		}
	}
	if int64(len(b)) < ino.size {
		return "", fmt.Errorf("inode %d: %d bytes of a symlink of %d", ino.number, len(b), ino.size)
	}
	b, _, _ = bytes.Cut(b[:ino.size], []byte{0})
	return string(b), nil
}

// remoteTarget reads a target in blocks. In version 5 each run of them has one
// header: xfs_symlink_remote_read.
func (fs *FS) remoteTarget(ino *inode) ([]byte, error) {
	m, err := fs.mapping(ino, ino.data)
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, r := range m {
		if int64(len(out)) >= ino.size {
			break
		}
		if r.length > 8 { // 1,024 bytes never need more
			return nil, errors.New("it has too many blocks")
		}
		b := make([]byte, int64(r.length)*fs.blockSize)
		off := int64(r.physical) * fs.blockSize
		if err := fs.dev.Read(b, off); err != nil {
			return nil, err
		}
		if fs.checksummed() {
			if b, err = fs.remote(linkMagicRemote, b, off, ino.number, len(out)); err != nil {
				return nil, err
			}
		}
		out = append(out, b...)
	}
	return out, nil
}

// hint is where the first block of content, or of its map, lies.
func (fs *FS) hint(ino *inode) int64 {
	b := ino.data.area
	if ino.data.extents == 0 || len(b) < recordSize {
		return -1
	}
	block := be.Uint64(b)&0x1ff<<43 | be.Uint64(b[8:])>>21
	if ino.data.form == formTree {
		block = be.Uint64(b[rootHeader+(len(b)-rootHeader)/pointerPair*8:])
	}
	n, err := fs.linear(block, 1)
	if err != nil {
		return -1
	}
	return int64(n) * fs.blockSize
}
