package xfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// le reads the checksums.
var le = binary.LittleEndian

// inodeMagic starts every inode: "IN".
const inodeMagic = 0x494e

// The flags of an inode that matter to a reader: di_flags, di_flags2.
const (
	flagRealtime    = 0x1
	flagImmutable   = 0x8
	flagAppend      = 0x10
	flagSync        = 0x20
	flagNoatime     = 0x40
	flagNodump      = 0x80
	flagProjInherit = 0x200

	flag2DAX     = 0x1
	flag2Reflink = 0x2
	flag2Bigtime = 0x8
	flag2Nrext64 = 0x10
)

// The forms of a fork: enum xfs_dinode_fmt.
const (
	formDevice  = 0
	formLocal   = 1
	formExtents = 2
	formTree    = 3
)

// The types in di_mode: inode(7).
const (
	typeMask = 0xf000
	typeChar = 0x2000
	typeFile = 0x8000
)

// An inode is a decoded struct xfs_dinode.
type inode struct {
	number   uint64
	raw      []byte
	version  byte
	mode     uint16
	uid, gid uint32
	project  uint32
	size     int64
	mtime    time.Time
	changed  time.Time
	links    uint32
	flags    uint16
	flags2   uint64

	data, attr fork
}

// A fork is one of the two areas behind an inode's fields: content or names,
// and attributes.
type fork struct {
	form    byte
	extents uint64 // how many it claims
	area    []byte
}

// readInode reads an inode. With an error, the inode is what could be decoded, or
// nil.
func (fs *FS) readInode(number uint64) (*inode, error) {
	block, err := fs.linear(number>>fs.inodeLog, 1)
	if err != nil {
		return nil, fmt.Errorf("inode %d does not exist: %w", number, err)
	}
	index := number & (1<<fs.inodeLog - 1)
	off := int64(block)*fs.blockSize + int64(index)*int64(fs.inodeSize)
	b := make([]byte, fs.inodeSize)
	if err := fs.dev.Read(b, off); err != nil {
		return nil, fmt.Errorf("inode %d: %w", number, err)
	}
	if be.Uint16(b) != inodeMagic {
		return nil, fmt.Errorf("inode %d: it starts with %#x, as no inode does", number, be.Uint16(b))
	}
	ino := decodeInode(number, b)
	if err := fs.checkInode(ino, off); err != nil {
		return ino, fmt.Errorf("inode %d: %w", number, err)
	}
	return ino, nil
}

func decodeInode(number uint64, b []byte) *inode {
	ino := &inode{
		number:  number,
		raw:     b,
		mode:    be.Uint16(b[2:]),
		version: b[4],
		uid:     be.Uint32(b[8:]),
		gid:     be.Uint32(b[12:]),
		links:   be.Uint32(b[16:]),
		size:    int64(be.Uint64(b[56:])),
		flags:   be.Uint16(b[90:]),
	}
	if ino.version == 1 {
		ino.links = uint32(be.Uint16(b[6:]))
	} else {
		ino.project = uint32(be.Uint16(b[20:])) | uint32(be.Uint16(b[22:]))<<16
	}
	if ino.version == 3 {
		ino.flags2 = be.Uint64(b[120:])
	}
	ino.mtime, ino.changed = ino.time(b[40:48]), ino.time(b[48:56])
	ino.forks()
	return ino
}

// stateOf tells states of an inode apart by its time of change and its generation. A
// time that is not after the making of the filesystem tells nothing: whoever makes
// images sets all times to one. That is when the root was made, which inodes of
// version 3 alone say.
func (fs *FS) stateOf(ino *inode) [2]uint64 {
	const generation, made = 92, 144 // di_gen, di_crtime
	fs.madeOnce.Do(func() {
		if root, err := fs.readInode(fs.root); err == nil && root.version == 3 {
			fs.made = root.time(root.raw[made : made+8])
		}
	})
	if fs.made.IsZero() || !ino.changed.After(fs.made) {
		return [2]uint64{}
	}
	return [2]uint64{uint64(ino.changed.UnixNano()), uint64(be.Uint32(ino.raw[generation:]))}
}

// time decodes seconds and nanoseconds, or the nanoseconds since 1901 that
// bigtime has.
func (ino *inode) time(b []byte) time.Time {
	if ino.flags2&flag2Bigtime == 0 {
		return time.Unix(int64(int32(be.Uint32(b))), int64(int32(be.Uint32(b[4:])))).UTC()
	}
	const second, epoch = 1000000000, 1 << 31
	ns := be.Uint64(b)
	return time.Unix(int64(ns/second)-epoch, int64(ns%second)).UTC()
}

// forks cuts the areas out of what follows the fields. An attribute fork that
// starts beyond the inode is left empty; checkInode tells.
func (ino *inode) forks() {
	b := ino.raw
	start := 100
	if ino.version == 3 {
		start = 176
	}
	ino.data = fork{form: b[5], extents: uint64(be.Uint32(b[76:])), area: b[start:]}
	ino.attr = fork{form: b[83], extents: uint64(be.Uint16(b[80:]))}
	if ino.flags2&flag2Nrext64 != 0 {
		ino.data.extents, ino.attr.extents = be.Uint64(b[24:]), uint64(be.Uint32(b[76:]))
	}
	if at := start + ino.attrOffset(); at > start && at < len(b) {
		ino.data.area, ino.attr.area = b[start:at], b[at:]
	}
}

// attrOffset is where the attribute fork starts, from the data fork; 0 for none.
func (ino *inode) attrOffset() int { return int(ino.raw[82]) * 8 }

// checkInode refuses what the kernel refuses when it loads an inode.
func (fs *FS) checkInode(ino *inode, off int64) error {
	if want := fs.version == 5; want != (ino.version == 3) || ino.version == 0 || ino.version > 3 {
		return fmt.Errorf("its version %d does not fit the filesystem's %d", ino.version, fs.version)
	}
	if fs.checksummed() {
		if err := fs.dev.sound(ino.raw, off, inodeCRC); err != nil {
			return err
		}
		if be.Uint64(ino.raw[152:]) != ino.number || !bytes.Equal(ino.raw[160:176], fs.metaUUID()) {
			return errors.New("it belongs to another inode or filesystem")
		}
	}
	switch {
	case ino.mode == 0 || ino.links == 0:
		return errors.New("it is in use by a name, but deleted")
	case ino.size < 0:
		return fmt.Errorf("size %d is impossible", uint64(ino.size))
	case ino.attrOffset() != 0 && ino.attr.area == nil:
		return fmt.Errorf("attributes at byte %d are impossible", ino.attrOffset())
	}
	return ino.checkForm()
}

// checkForm holds the form of the data fork against the type.
func (ino *inode) checkForm() error {
	var sound bool
	switch form := ino.data.form; ino.kind() {
	case report.File:
		sound = form == formExtents || form == formTree
	case report.Directory, report.Symlink:
		sound = form == formLocal || form == formExtents || form == formTree
	default:
		sound = form == formDevice
	}
	if !sound {
		return fmt.Errorf("form %d of its content does not fit its type", ino.data.form)
	}
	return nil
}

// kind is the type of an inode; empty when there is no such type.
func (ino *inode) kind() report.Type { return fsys.TypeOf(uint32(ino.mode)) }

// device decodes a device number: 14 bits and 18 bits, as IRIX had them.
func (ino *inode) device() string {
	if len(ino.data.area) < 4 {
		return ""
	}
	dev := be.Uint32(ino.data.area)
	return fmt.Sprintf("%d:%d", dev>>18, dev&(1<<18-1))
}

// attributes are the flags as FS_*_FL in linux/fs.h has them.
func (ino *inode) attributes() uint32 {
	var out uint32
	for _, f := range []struct {
		bit uint16
		fl  uint32
	}{
		{flagImmutable, 0x10}, {flagAppend, 0x20}, {flagSync, 0x8}, {flagNoatime, 0x80},
		{flagNodump, 0x40}, {flagProjInherit, 0x20000000},
	} {
		if ino.flags&f.bit != 0 {
			out |= f.fl
		}
	}
	if ino.flags2&flag2DAX != 0 {
		out |= 0x2000000
	}
	return out
}
