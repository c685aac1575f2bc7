package squashfs

import (
	"bytes"
	"fmt"

	"github.com/assay-os/assay/report"
)

// The types of inodes: squashfs_fs.h. The extended form of each is seven more.
const (
	typeDir = 1 + iota
	typeFile
	typeLink
	typeBlock
	typeChar
	typeFIFO
	typeSocket
	extended = 7
)

// kindOf is a type in the words of a report; empty when there is no such type.
func kindOf(t uint16) report.Type {
	kinds := [...]report.Type{"", report.Directory, report.File, report.Symlink, report.Block, report.Char, report.FIFO, report.Socket}
	if int(t) >= len(kinds) {
		return ""
	}
	return kinds[t]
}

// An inode is one of struct squashfs_base_inode and what follows it.
type inode struct {
	ref    reference
	number uint32
	kind   uint16 // of the basic types
	mode   uint16
	owner  uint16 // indexes of the ids
	group  uint16
	mtime  uint32
	links  uint32
	size   int64
	// attrs is the index of the attributes, none32 for none.
	attrs uint32
	// start is where a file's blocks lie; of a directory, where its names do.
	start    int64
	fragment uint32 // none32 for none
	offset   uint32 // in the fragment, or in the block of names
	device   uint32
	target   string
	// list is where a file's list of blocks begins.
	list cursor
}

// readInode decodes the inode at a reference.
func (fs *FS) readInode(ref reference) (*inode, error) {
	ino, err := fs.decodeInode(ref)
	if err != nil {
		return nil, fmt.Errorf("inode at %v: %w", ref, err)
	}
	return ino, nil
}

func (fs *FS) decodeInode(ref reference) (*inode, error) {
	c, err := fs.open(ref, fs.inodeTable, fs.dirTable, nil)
	if err != nil {
		return nil, err
	}
	b, err := c.bytes(16)
	if err != nil {
		return nil, err
	}
	kind := le.Uint16(b)
	ino := &inode{
		ref: ref, kind: kind, mode: le.Uint16(b[2:]), owner: le.Uint16(b[4:]), group: le.Uint16(b[6:]),
		mtime: le.Uint32(b[8:]), number: le.Uint32(b[12:]), links: 1, attrs: none32, fragment: none32,
	}
	isExtended := kind > extended
	if isExtended {
		ino.kind -= extended
	}
	switch ino.kind {
	case typeDir:
		err = ino.directory(c, isExtended)
	case typeFile:
		err = ino.file(c, isExtended)
	case typeLink:
		err = ino.link(c, isExtended)
	case typeBlock, typeChar:
		err = ino.node(c, isExtended)
	case typeFIFO, typeSocket:
		err = ino.pipe(c, isExtended)
	default:
		err = fmt.Errorf("type %d is not known", kind)
	}
	if err != nil {
		return nil, err
	}
	return ino, nil
}

// directory decodes struct squashfs_dir_inode or squashfs_ldir_inode, after
// which indexes may follow.
func (ino *inode) directory(c *cursor, isExtended bool) error {
	size := 16
	if isExtended {
		size = 24
	}
	b, err := c.bytes(size)
	if err != nil {
		return err
	}
	if isExtended {
		ino.links, ino.size, ino.start = le.Uint32(b), int64(le.Uint32(b[4:])), int64(le.Uint32(b[8:]))
		ino.offset, ino.attrs = uint32(le.Uint16(b[18:])), le.Uint32(b[20:])
		return nil
	}
	ino.start, ino.links = int64(le.Uint32(b)), le.Uint32(b[4:])
	ino.size, ino.offset = int64(le.Uint16(b[8:])), uint32(le.Uint16(b[10:]))
	return nil
}

// file decodes struct squashfs_reg_inode or squashfs_lreg_inode, after which the
// list of blocks follows.
func (ino *inode) file(c *cursor, isExtended bool) error {
	size := 16
	if isExtended {
		size = 40
	}
	b, err := c.bytes(size)
	if err != nil {
		return err
	}
	if isExtended {
		ino.start, ino.size, ino.links = int64(le.Uint64(b)), int64(le.Uint64(b[8:])), le.Uint32(b[24:])
		ino.fragment, ino.offset, ino.attrs = le.Uint32(b[28:]), le.Uint32(b[32:]), le.Uint32(b[36:])
	} else {
		ino.start, ino.fragment = int64(le.Uint32(b)), le.Uint32(b[4:])
		ino.offset, ino.size = le.Uint32(b[8:]), int64(le.Uint32(b[12:]))
	}
	if ino.size < 0 {
		return fmt.Errorf("a file of %d bytes", uint64(ino.size))
	}
	ino.list = *c
	return nil
}

// link decodes struct squashfs_symlink_inode. The target ends at the first NUL,
// as for the kernel.
func (ino *inode) link(c *cursor, isExtended bool) error {
	b, err := c.bytes(8)
	if err != nil {
		return err
	}
	ino.links, ino.size = le.Uint32(b), int64(le.Uint32(b[4:]))
	const most = 4096 // PATH_MAX, and the page of the kernel
	if ino.size > most {
		return fmt.Errorf("a symlink of %d bytes", ino.size)
	}
	if b, err = c.bytes(int(ino.size)); err != nil {
		return err
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	ino.target = string(b)
	return ino.index(c, isExtended)
}

// node decodes struct squashfs_dev_inode.
func (ino *inode) node(c *cursor, isExtended bool) error {
	b, err := c.bytes(8)
	if err != nil {
		return err
	}
	ino.links, ino.device = le.Uint32(b), le.Uint32(b[4:])
	return ino.index(c, isExtended)
}

// pipe decodes struct squashfs_ipc_inode.
func (ino *inode) pipe(c *cursor, isExtended bool) error {
	b, err := c.bytes(4)
	if err != nil {
		return err
	}
	ino.links = le.Uint32(b)
	return ino.index(c, isExtended)
}

// index reads the number of the attributes, which ends an extended inode.
func (ino *inode) index(c *cursor, isExtended bool) error {
	if !isExtended {
		return nil
	}
	b, err := c.bytes(4)
	if err != nil {
		return err
	}
	ino.attrs = le.Uint32(b)
	return nil
}

// deviceNumber decodes the kernel's form of a device number, with twelve bits of
// major and twenty of minor.
func (ino *inode) deviceNumber() string {
	return fmt.Sprintf("%d:%d", ino.device>>8&0xfff, ino.device&0xff|ino.device>>12&0xfff00)
}
