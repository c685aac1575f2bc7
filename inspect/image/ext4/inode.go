package ext4

import (
	"fmt"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// The flags of an inode that change how it is read: ext4.h.
const (
	flagsCompressed = 0x204 // EXT2_COMPR_FL, EXT2_COMPRBLK_FL
	flagEncrypted   = 0x800
	flagIndex       = 0x1000
	flagHugeFile    = 0x40000
	flagExtents     = 0x80000
	flagEAInode     = 0x200000
	flagInline      = 0x10000000
)

// The types in i_mode: inode(7).
const (
	typeMask = 0xf000
)

// An inode is a decoded struct ext4_inode.
type inode struct {
	number     uint32
	raw        []byte
	mode       uint16
	uid, gid   uint32
	size       int64
	mtime      time.Time
	links      uint16
	flags      uint32
	generation uint32
	acl        uint64 // the block of attributes
	sectors    uint64 // i_blocks, in units of 512 bytes
	extra      int    // i_extra_isize
	unsummed   bool   // it has no checksum of its own
	converted  bool   // a fast commit gave it extents
}

// readInode reads an inode. With an error, the inode is what could be decoded, or
// nil.
func (fs *FS) readInode(number uint32) (*inode, error) {
	if number == 0 || number > fs.inodes {
		return nil, fmt.Errorf("inode %d of %d does not exist", number, fs.inodes)
	}
	group, index := uint64(number-1)/uint64(fs.inodesPerGroup), int64(number-1)%int64(fs.inodesPerGroup)
	table, groupErr := fs.inodeTable(group)
	if table == 0 {
		return nil, groupErr
	}
	b := make([]byte, fs.inodeSize)
	if err := fs.dev.Read(b, int64(table)*fs.blockSize+index*int64(fs.inodeSize)); err != nil {
		return nil, fmt.Errorf("inode %d: %w", number, err)
	}
	fast, converted := fs.fast.inode(number, b)
	ino := decodeInode(number, b)
	ino.unsummed, ino.converted = fast, converted // the kernel makes a new checksum
	if ino.flags&flagHugeFile != 0 && fs.roCompat&roHugeFile != 0 {
		ino.sectors *= uint64(fs.blockSize / 512)
	}
	if err := fs.checkInode(ino); err != nil {
		return ino, fmt.Errorf("inode %d: %w", number, err)
	}
	return ino, groupErr
}

func decodeInode(number uint32, b []byte) *inode {
	ino := &inode{
		number:     number,
		raw:        b,
		mode:       le.Uint16(b),
		uid:        uint32(le.Uint16(b[0x2:])) | uint32(le.Uint16(b[0x78:]))<<16,
		gid:        uint32(le.Uint16(b[0x18:])) | uint32(le.Uint16(b[0x7a:]))<<16,
		size:       int64(uint64(le.Uint32(b[0x4:])) | uint64(le.Uint32(b[0x6c:]))<<32),
		links:      le.Uint16(b[0x1a:]),
		flags:      le.Uint32(b[0x20:]),
		generation: le.Uint32(b[0x64:]),
		acl:        uint64(le.Uint32(b[0x68:])) | uint64(le.Uint16(b[0x76:]))<<32,
		sectors:    uint64(le.Uint32(b[0x1c:])) | uint64(le.Uint16(b[0x74:]))<<32,
	}
	if len(b) > 128 {
		ino.extra = int(le.Uint16(b[0x80:]))
	}
	ino.mtime = ino.time(0x10, 0x88)
	return ino
}

// time decodes the seconds at one offset with what an inode of more than 128
// bytes adds at another: two bits of the epoch, 30 bits of nanoseconds.
func (ino *inode) time(at, extraAt int) time.Time {
	sec, nsec := int64(int32(le.Uint32(ino.raw[at:]))), int64(0)
	if end := extraAt + 4; end <= 128+ino.extra && end <= len(ino.raw) {
		more := le.Uint32(ino.raw[extraAt:])
		sec += int64(more&3) << 32
		nsec = int64(more >> 2)
	}
	return time.Unix(sec, nsec).UTC()
}

// version tells states of an inode apart by its time of change. A time that is
// not after the making of the filesystem tells nothing: whoever makes images
// sets all times to one.
func (fs *FS) version(ino *inode) [2]uint64 {
	changed := ino.time(0xc, 0x84)
	if made := int64(le.Uint32(fs.raw[0x108:])); changed.Unix() <= made { // s_mkfs_time
		return [2]uint64{}
	}
	return [2]uint64{uint64(changed.UnixNano()), uint64(ino.generation)}
}

// shown are the flags that the kernel shows: of files and directories those of
// EXT4_FL_USER_VISIBLE, of others those of statx(2).
func (ino *inode) shown() uint32 {
	const visible, ofDirectories = 0x725bdfff, 0x20000000
	switch ino.kind() {
	case report.File:
		return ino.flags & visible &^ ofDirectories
	case report.Directory:
		return ino.flags & visible
	}
	return ino.flags & (fsys.Append | fsys.Immutable | fsys.Nodump | flagEncrypted | fsys.Verity)
}

// project is the id for quotas, where the filesystem has them and the inode has
// room. The kernel tells it of files and directories alone.
func (fs *FS) project(ino *inode) uint32 {
	const at = 0x9c // i_projid
	if kind := ino.kind(); kind != report.File && kind != report.Directory {
		return 0
	}
	if fs.roCompat&roProject == 0 || at+4 > 128+ino.extra || at+4 > len(ino.raw) {
		return 0
	}
	return le.Uint32(ino.raw[at:])
}

// checkInode refuses what the kernel refuses when it loads an inode.
func (fs *FS) checkInode(ino *inode) error {
	switch {
	case !ino.unsummed && !fs.inodeSound(ino):
		return fmt.Errorf("the checksum does not match")
	case ino.mode == 0 || ino.links == 0 && ino.flags&flagEAInode == 0:
		return fmt.Errorf("it is in use by a name, but deleted")
	case ino.size < 0:
		return fmt.Errorf("size %d is impossible", uint64(ino.size))
	case len(ino.raw) > 128 && (128+ino.extra > len(ino.raw) || ino.extra%4 != 0):
		return fmt.Errorf("extra size %d is impossible", ino.extra)
	case ino.acl >= fs.blocks:
		return fmt.Errorf("attributes at block %d of %d", ino.acl, fs.blocks)
	}
	return nil
}

// inodeSeed starts the checksums of what belongs to an inode.
func (fs *FS) inodeSeed(ino *inode) uint32 {
	crc := crc32c(fs.seed, le.AppendUint32(nil, ino.number))
	return crc32c(crc, le.AppendUint32(nil, ino.generation))
}

// inodeSound verifies i_checksum_lo and, where there is room, i_checksum_hi.
func (fs *FS) inodeSound(ino *inode) bool {
	if fs.roCompat&roMetadataCsum == 0 {
		return true
	}
	const lo, hi = 0x7c, 0x82
	zero := []byte{0, 0}
	crc := crc32c(fs.inodeSeed(ino), ino.raw[:lo])
	crc = crc32c(crc, zero)
	crc = crc32c(crc, ino.raw[lo+2:128])
	want, mask := uint32(le.Uint16(ino.raw[lo:])), uint32(0xffff)
	if len(ino.raw) > 128 {
		rest := 128
		if ino.extra >= 4 {
			crc = crc32c(crc, ino.raw[128:hi])
			crc = crc32c(crc, zero)
			rest = hi + 2
			want |= uint32(le.Uint16(ino.raw[hi:])) << 16
			mask = ^uint32(0)
		}
		crc = crc32c(crc, ino.raw[rest:])
	}
	return crc&mask == want
}

// kind is the type of an inode; empty when there is no such type.
func (ino *inode) kind() report.Type { return fsys.TypeOf(uint32(ino.mode)) }

// blockArea is i_block: the map of blocks, the root of the extents, or content.
func (ino *inode) blockArea() []byte { return ino.raw[0x28:0x64] }

// device decodes a device number: the old form in the first word, else the
// new form in the second.
func (ino *inode) device() string {
	b := ino.blockArea()
	if old := le.Uint32(b); old != 0 {
		return fmt.Sprintf("%d:%d", old>>8&0xff, old&0xff)
	}
	dev := le.Uint32(b[4:])
	return fmt.Sprintf("%d:%d", dev>>8&0xfff, dev&0xff|dev>>12&0xfff00)
}
