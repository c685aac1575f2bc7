package erofs

import (
	"fmt"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// The bits of i_format, and the layouts of content.
const (
	formatExtended = 0x1
	formatAll      = 0x1f
	formatLinkOne  = 0x10 // of a compact inode that is no directory

	layoutPlain   = 0
	layoutFull    = 1 // compressed, indexes of 8 bytes or records of extents
	layoutInline  = 2
	layoutCompact = 3 // compressed, indexes packed
	layoutChunks  = 4
)

// inMetabox is the bit of a number that says that the inode lies in the
// metabox.
const inMetabox = 1 << 63

const inodeSlot = 32

// noBlock is the address of a hole.
const noBlock = ^uint64(0)

// An inode is a decoded struct erofs_inode_compact or erofs_inode_extended.
type inode struct {
	nid     uint64
	box     bool  // it lies in the metabox
	at      int64 // where it lies in its area
	size    int   // of the inode itself
	xattrs  int   // how many bytes of attributes follow
	layout  uint16
	mode    uint16
	uid     uint32
	gid     uint32
	length  int64
	mtime   time.Time
	links   uint32
	start   uint64 // block of the content
	word    uint32 // i_u as it is: device number, format of chunks
	special bool   // no name leads to it
}

// end is where what follows the inode and its attributes starts.
func (ino *inode) end() int64 { return ino.at + int64(ino.size+ino.xattrs) }

// readInode reads an inode. With an error, the inode is what could be decoded,
// or nil.
func (fs *FS) readInode(nid uint64) (*inode, error) {
	ino := &inode{nid: nid, box: nid&inMetabox != 0}
	slot := nid &^ inMetabox
	if slot >= 1<<56 {
		return nil, fmt.Errorf("inode %d is outside of every device", nid)
	}
	ino.at = int64(slot) * inodeSlot
	if !ino.box {
		ino.at += fs.meta
	}
	b, err := fs.rawInode(ino)
	if err != nil {
		return nil, fmt.Errorf("inode %d: %w", nid, err)
	}
	format := le.Uint16(b)
	if format&^formatAll != 0 || format>>1&7 > layoutChunks {
		return nil, fmt.Errorf("inode %d: format %#x is not read", nid, format)
	}
	fs.decode(ino, format, b)
	if err := ino.check(); err != nil {
		return ino, fmt.Errorf("inode %d: %w", nid, err)
	}
	return ino, nil
}

// rawInode reads the bytes of an inode, and sets its size.
func (fs *FS) rawInode(ino *inode) ([]byte, error) {
	area, err := fs.area(ino.box)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 2*inodeSlot)
	ino.size = inodeSlot
	if err := area.read(b[:ino.size], ino.at); err != nil {
		return nil, err
	}
	if b[0]&formatExtended != 0 {
		ino.size = 2 * inodeSlot
		err = area.read(b, ino.at)
	}
	return b[:ino.size], err
}

func (fs *FS) decode(ino *inode, format uint16, b []byte) {
	ino.layout = format >> 1 & 7
	if count := int(le.Uint16(b[2:])); count > 0 {
		ino.xattrs = attrHeader + 4*(count-1)
	}
	ino.mode = le.Uint16(b[4:])
	ino.word = le.Uint32(b[16:])
	high := uint64(le.Uint16(b[6:]))
	if format&formatExtended != 0 {
		ino.length = int64(le.Uint64(b[8:]))
		ino.uid, ino.gid = le.Uint32(b[24:]), le.Uint32(b[28:])
		ino.mtime = time.Unix(int64(le.Uint64(b[32:])), int64(le.Uint32(b[40:]))).UTC()
		ino.links = le.Uint32(b[44:])
		ino.setStart(high, 1<<48-1)
		return
	}
	ino.length = int64(le.Uint32(b[8:]))
	ino.uid, ino.gid = uint32(le.Uint16(b[24:])), uint32(le.Uint16(b[26:]))
	ino.mtime = time.Unix(fs.epoch+int64(le.Uint32(b[12:])), int64(fs.nanoseconds)).UTC()
	if format&formatLinkOne != 0 && ino.kind() != report.Directory {
		ino.links = 1
		ino.setStart(high, 1<<48-1)
		return
	}
	ino.links = uint32(high)
	ino.setStart(0, 1<<32-1)
}

// setStart joins the halves of an address; one of ones in every bit is a hole.
func (ino *inode) setStart(high, mask uint64) {
	ino.start = high<<32 | uint64(ino.word)
	if ino.start&mask == mask {
		ino.start = noBlock
	}
}

// check refuses what the kernel refuses when it loads an inode.
func (ino *inode) check() error {
	switch {
	case ino.kind() == "":
		return fmt.Errorf("type %#x is unknown", ino.mode&typeMask)
	case ino.length < 0:
		return fmt.Errorf("size %d is impossible", uint64(ino.length))
	}
	return nil
}

// The types in i_mode: inode(7).
const typeMask = 0xf000

// kind is the type of an inode; empty when there is no such type.
func (ino *inode) kind() report.Type { return fsys.TypeOf(uint32(ino.mode)) }

// device decodes a device number: new_encode_dev in linux/kdev_t.h.
func (ino *inode) device() string {
	return fmt.Sprintf("%d:%d", ino.word>>8&0xfff, ino.word&0xff|ino.word>>12&0xfff00)
}
