package ext4

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// Walk implements fsys.Tree.
func (fs *FS) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	w := fsys.Walker[dirent, inode, uint32]{
		Name:   dirent.base,
		Node:   func(_ *inode, d dirent, path report.Raw) (*fsys.Node, *inode) { return fs.node(d, path) },
		Number: func(ino *inode) uint32 { return ino.number },
		List:   func(ino *inode, _ int) ([]dirent, error) { return fs.list(ino) },
	}
	return w.Walk(ctx, dirent{inode: rootInode, kind: 2}, fn)
}

// node describes the inode behind a name. The inode is nil where it cannot be
// trusted.
func (fs *FS) node(d dirent, path report.Raw) (*fsys.Node, *inode) {
	n := &fsys.Node{Entry: report.Entry{Path: path, Type: fsys.TypeOfName(d.kind)}, Physical: -1}
	if d.inode != rootInode && d.inode < fs.firstInode {
		n.Fail(fmt.Errorf("the name leads to the reserved inode %d", d.inode))
		return n, nil
	}
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
	n.UID, n.GID = ino.uid, ino.gid
	n.Mtime = ino.mtime
	n.Attributes = fsys.AttributeNames(ino.shown())
	n.Project = fs.project(ino)
	n.Inode, n.Links = uint64(ino.number), uint32(ino.links)
	n.Version = fs.version(ino)
	n.Sys = ino.number
	switch n.Type {
	case report.File:
		n.Size = max(ino.size, 0)
	case report.Char, report.Block:
		n.Device = ino.device()
	}
}

// follow sets the fields that a sound inode leads to.
func (fs *FS) follow(n *fsys.Node, ino *inode) {
	switch n.Type {
	case report.File:
		n.Physical = fs.hint(ino)
		if ino.flags&flagEncrypted != 0 {
			n.Fail(errEncrypted)
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

// target is where a symlink leads: in i_block when the inode has no blocks
// but that of its attributes, else in its content. It ends at the first NUL,
// as for the kernel.
func (fs *FS) target(ino *inode) (string, error) {
	const most = 4096 // PATH_MAX
	if ino.size > most || ino.size > fs.blockSize {
		return "", fmt.Errorf("inode %d: a symlink of %d bytes", ino.number, ino.size)
	}
	var b []byte
	if fs.fastLink(ino) {
		b = ino.blockArea()[:min(ino.size, 60)]
	} else {
		c, err := fs.content(ino)
		if err != nil {
			return "", err
		}
		b = make([]byte, ino.size)
		if _, err := io.ReadFull(io.NewSectionReader(c, 0, ino.size), b); err != nil {
			return "", err
		}
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b), nil
}

func (fs *FS) fastLink(ino *inode) bool {
	if ino.flags&(flagInline|flagEncrypted) != 0 {
		return false
	}
	var own uint64
	if ino.acl != 0 {
		own = uint64(fs.clusterSize() / 512)
	}
	return ino.sectors == own
}

func (sb *superblock) clusterSize() int64 {
	if sb.roCompat&roBigalloc != 0 {
		return 1024 << sb.logCluster
	}
	return sb.blockSize
}

// hint is where the first block of content, or of its map, lies.
func (fs *FS) hint(ino *inode) int64 {
	b := ino.blockArea()
	switch {
	case ino.flags&flagInline != 0 || ino.size == 0:
		return -1
	case ino.flags&flagExtents == 0:
		return int64(le.Uint32(b)) * fs.blockSize
	case le.Uint16(b[2:]) == 0: // no entries: one hole
		return -1
	case le.Uint16(b[6:]) == 0: // the first extent
		return int64(uint64(le.Uint16(b[18:]))<<32|uint64(le.Uint32(b[20:]))) * fs.blockSize
	default: // the first node below
		return int64(uint64(le.Uint16(b[20:]))<<32|uint64(le.Uint32(b[16:]))) * fs.blockSize
	}
}
