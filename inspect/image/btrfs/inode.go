package btrfs

import (
	"fmt"
	"math"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

const inodeSize = 160

// The bits of an inode's mode: linux/stat.h.
const (
	typeMask = 0xf000
)

// The flags of an inode: BTRFS_INODE_* in fs/btrfs/btrfs_inode.h.
const (
	flagNoSums     = 1 << 0
	flagNoCOW      = 1 << 1
	flagNoCompress = 1 << 3
	flagSync       = 1 << 5
	flagImmutable  = 1 << 6
	flagAppend     = 1 << 7
	flagNodump     = 1 << 8
	flagNoatime    = 1 << 9
	flagCompress   = 1 << 11
	flagDirsync    = 1 << 10
	flagVerity     = 1 << 32
)

// An inode is what the reader needs of struct btrfs_inode_item.
type inode struct {
	number   uint64
	size     int64
	links    uint32
	uid, gid uint32
	mode     uint32
	device   uint64
	flags    uint64
	seconds  int64
	nanos    uint32
	// changed is in which transaction the inode was written last, ctime when it was
	// changed, and made when it was made, in nanoseconds.
	changed     uint64
	ctime, made int64
}

func decodeInode(number uint64, b []byte) (*inode, error) {
	if len(b) < inodeSize {
		return nil, fmt.Errorf("inode %d: %d bytes are too short", number, len(b))
	}
	ino := &inode{
		number:  number,
		size:    int64(le.Uint64(b[16:])),
		links:   le.Uint32(b[40:]),
		uid:     le.Uint32(b[44:]),
		gid:     le.Uint32(b[48:]),
		mode:    le.Uint32(b[52:]),
		device:  le.Uint64(b[56:]),
		flags:   le.Uint64(b[64:]),
		seconds: int64(le.Uint64(b[136:])),
		nanos:   le.Uint32(b[144:]),
		changed: le.Uint64(b[8:]),
		ctime:   nanoseconds(b[124:]),
		made:    nanoseconds(b[148:]),
	}
	if ino.size < 0 {
		return nil, fmt.Errorf("inode %d: size %d is impossible", number, uint64(ino.size))
	}
	return ino, nil
}

// nanoseconds decodes a time, which wraps where there are too many.
func nanoseconds(b []byte) int64 {
	return int64(le.Uint64(b))*int64(time.Second) + int64(le.Uint32(b[8:]))
}

// version tells states of an inode apart by its time of change, and by the
// transaction, which is as good as a generation. A time that is not after the making
// of the filesystem tells nothing: whoever makes images sets all times to one. That
// is when the root of the top level was made.
func (fs *FS) version(ino *inode) [2]uint64 {
	if made, ok := fs.made(); !ok || ino.ctime <= made {
		return [2]uint64{}
	}
	return [2]uint64{uint64(ino.ctime), ino.changed}
}

// whenMade is when the root of the top level was made.
func (v *volume) whenMade() (int64, bool) {
	r, err := v.subvolume(topLevelTree)
	if err != nil {
		return 0, false
	}
	f, err := v.treeOf(r).lookup(r.dir)
	if err != nil || f.inode == nil {
		return 0, false
	}
	return f.made, true
}

func (ino *inode) kind() report.Type { return fsys.TypeOf(ino.mode) }

// deviceNumber splits the kernel's own form of a device number: linux/kdev_t.h.
func (ino *inode) deviceNumber() string {
	dev := uint32(ino.device)
	return fmt.Sprintf("%d:%d", dev>>20, dev&0xfffff)
}

// attributes are the flags in the form that chattr(1) and statx(2) have them.
func (ino *inode) attributes() string {
	const sync, noatime, dirsync, compressed, noCompress, noCOW = 0x8, 0x80, 0x10000, 0x4, 0x400, 0x800000 // FS_*_FL in linux/fs.h
	var out uint32
	for _, f := range []struct {
		flag uint64
		bit  uint32
	}{
		{flagSync, sync}, {flagImmutable, fsys.Immutable}, {flagAppend, fsys.Append}, {flagNodump, fsys.Nodump},
		{flagNoatime, noatime}, {flagDirsync, dirsync}, {flagVerity, fsys.Verity},
		{flagNoCOW, noCOW}, {flagNoCompress, noCompress}, {flagCompress, compressed},
	} {
		if ino.flags&f.flag != 0 {
			out |= f.bit
		}
	}
	return fsys.AttributeNames(out)
}

// mtime is the time of the last change. A report holds the years 0 to 9999; a time outside
// of them is moved there, with an error.
func (ino *inode) mtime() (time.Time, error) {
	first, last := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()-1
	if ino.seconds < first || ino.seconds > last || ino.nanos >= uint32(time.Second) {
		moved := time.Unix(min(max(ino.seconds, first), last), 0).UTC()
		return moved, fmt.Errorf("inode %d: its time, %d.%09d seconds after 1970, is outside of the years 0 to 9999", ino.number, ino.seconds, ino.nanos)
	}
	return time.Unix(ino.seconds, int64(ino.nanos)).UTC(), nil
}

// A found is an inode with what the walk shows of it.
type found struct {
	*inode
	xattrs map[string]report.Raw
	// hint is the address of the first extent; 0 for none.
	hint uint64
	// err is what is wrong with the attributes.
	err error
}

// lookup reads an inode, its attributes, and where its content starts.
func (t *tree) lookup(number uint64) (found, error) {
	f := found{}
	err := t.scan(key{number, kindInode, 0}, func(k key, data []byte) (err error) {
		switch {
		case k.object != number || k.kind > kindExtentData:
			return errStop
		case k.kind == kindInode:
			f.inode, err = decodeInode(number, data)
			return err
		case f.inode == nil:
			return errStop
		case k.kind == kindXattr:
			f.addXattrs(data)
		case k.kind == kindExtentData:
			f.hint = extentHint(data)
			return errStop
		case k.kind > kindXattr:
			return errStop // a directory's names, a verity file's tree
		}
		return nil
	})
	if err == nil && f.inode == nil {
		err = fmt.Errorf("inode %d: %w", number, errNotFound)
	}
	return f, err
}

// fileID makes a number that tells files of all subvolumes apart, and is the inode's in the
// tree that the walk starts from. It is 0, for none, where numbers are beyond
// what counting from 256 ever reaches.
func (fs *FS) fileID(treeID, number uint64) uint64 {
	const bits = 40
	switch {
	case number >= 1<<bits || treeID >= math.MaxUint64>>bits:
		return 0
	case treeID == fs.top:
		return number
	}
	return treeID<<bits | number
}
