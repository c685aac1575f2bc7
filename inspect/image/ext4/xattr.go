package ext4

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// attrs are decoded attributes by their full names.
type attrs = map[string]report.Raw

const (
	attrMagic      = 0xea020000
	attrHeaderSize = 32 // of a block; an inode's has the magic alone
	attrEntrySize  = 16
	// attrMaxValue is the most that the kernel gives for one attribute.
	attrMaxValue = 64 << 10
	// sharedBlocks bounds how many decoded blocks are kept.
	sharedBlocks = 1024
)

// The indexes that stand for the prefix of a name: fs/ext4/xattr.h. The kernel
// shows no others.
const (
	indexUser       = 1
	indexACL        = 2
	indexDefaultACL = 3
	indexTrusted    = 4
	indexSecurity   = 6
	indexSystem     = 7
	indexHurd       = 10
)

// An attrEntry is a struct ext4_xattr_entry.
type attrEntry struct {
	index  byte
	name   string
	offset int
	inode  uint32
	size   uint32
}

// fullName is the name that listxattr(2) shows; empty for none.
func (e *attrEntry) fullName() string {
	switch e.index {
	case indexUser:
		return "user." + e.name
	case indexACL:
		return "system.posix_acl_access"
	case indexDefaultACL:
		return "system.posix_acl_default"
	case indexTrusted:
		return "trusted." + e.name
	case indexSecurity:
		return "security." + e.name
	case indexHurd:
		return "gnu." + e.name
	}
	return ""
}

// value cuts a value out of the area that holds it.
func (e *attrEntry) value(area []byte) ([]byte, error) {
	end := uint64(e.offset) + uint64(e.size)
	if end > uint64(len(area)) {
		return nil, fmt.Errorf("the value of %q ends at byte %d of %d", e.name, end, len(area))
	}
	return area[e.offset:end], nil
}

// attributes reads all attributes of an inode. With an error it returns what
// could be read.
func (fs *FS) attributes(ino *inode) (attrs, error) {
	out := attrs{}
	err := fs.bodyAttributes(ino, out)
	if ino.acl != 0 {
		shared, blockErr := fs.blockAttributes(ino.acl)
		for name, value := range shared {
			if _, ok := out[name]; !ok { // the kernel looks into the inode first
				out[name] = value
			}
		}
		if blockErr != nil {
			err = fsys.Reasons(err, fmt.Errorf("attribute block %d: %w", ino.acl, blockErr))
		}
	}
	if err != nil {
		err = fmt.Errorf("inode %d: %w", ino.number, err)
	}
	return out, err
}

func (fs *FS) bodyAttributes(ino *inode, out attrs) error {
	entries, area, err := ino.bodyAttrs()
	if err != nil {
		return fmt.Errorf("attributes in the inode: %w", err)
	}
	return fs.decode(entries, area, out)
}

// bodyAttrs returns the entries in the inode itself, and the area that their
// offsets count from.
func (ino *inode) bodyAttrs() ([]attrEntry, []byte, error) {
	start := 128 + ino.extra
	if len(ino.raw) <= 128 || start+4 > len(ino.raw) || le.Uint32(ino.raw[start:]) != attrMagic {
		return nil, nil, nil
	}
	area := ino.raw[start+4:]
	entries, err := attrEntries(area)
	return entries, area, err
}

// blockAttributes reads a block of attributes, which many inodes may share.
func (fs *FS) blockAttributes(block uint64) (attrs, error) {
	fs.mu.Lock()
	known, ok := fs.shared[block]
	fs.mu.Unlock()
	if ok {
		return known, nil
	}
	b, err := fs.block(block)
	if err != nil {
		return nil, err
	}
	if le.Uint32(b) != attrMagic || le.Uint32(b[8:]) != 1 {
		return nil, fmt.Errorf("it starts with %#x and says that it has %d blocks", le.Uint32(b), le.Uint32(b[8:]))
	}
	if !fs.attrBlockSound(block, b) {
		return nil, errors.New("the checksum does not match")
	}
	entries, err := attrEntries(b[attrHeaderSize:])
	if err != nil {
		return nil, err
	}
	out := attrs{}
	if err := fs.decode(entries, b, out); err != nil {
		return out, err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if len(fs.shared) >= sharedBlocks {
		clear(fs.shared)
	}
	fs.shared[block] = out
	return out, nil
}

// attrBlockSound verifies h_checksum, at byte 16 of the block.
func (fs *FS) attrBlockSound(block uint64, b []byte) bool {
	if fs.roCompat&roMetadataCsum == 0 {
		return true
	}
	crc := crc32c(fs.seed, le.AppendUint64(nil, block))
	crc = crc32c(crc, b[:16])
	crc = crc32c(crc, make([]byte, 4))
	return crc32c(crc, b[20:]) == le.Uint32(b[16:])
}

// attrEntries reads entries up to the four zero bytes that end them.
func attrEntries(b []byte) ([]attrEntry, error) {
	var out []attrEntry
	for {
		if len(b) < 4 {
			return nil, errors.New("the entries have no end")
		}
		if le.Uint32(b) == 0 {
			return out, nil
		}
		end := attrEntrySize + int(b[0])
		if end > len(b) {
			return nil, errors.New("an entry is cut off")
		}
		out = append(out, attrEntry{
			index:  b[1],
			name:   string(b[attrEntrySize:end]),
			offset: int(le.Uint16(b[2:])),
			inode:  le.Uint32(b[4:]),
			size:   le.Uint32(b[8:]),
		})
		b = b[min(len(b), (end+3)&^3):]
	}
}

// decode puts the values of entries into out.
func (fs *FS) decode(entries []attrEntry, area []byte, out attrs) error {
	var errs []error
	for _, e := range entries {
		name := e.fullName()
		if name == "" {
			continue
		}
		value, err := fs.attrValue(&e, area)
		if err == nil && (e.index == indexACL || e.index == indexDefaultACL) {
			value, err = kernelACL(value)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("attribute %s: %w", name, err))
			continue
		}
		out[name] = report.Raw(value)
	}
	return fsys.Reasons(errs...)
}

// attrValue finds a value in the area, or in an inode of its own.
func (fs *FS) attrValue(e *attrEntry, area []byte) ([]byte, error) {
	if e.inode == 0 || e.size == 0 {
		return e.value(area)
	}
	if e.size > attrMaxValue {
		return nil, fmt.Errorf("%d bytes are more than the kernel reads", e.size)
	}
	ino, err := fs.readInode(e.inode)
	if err != nil {
		return nil, err
	}
	if ino.flags&flagEAInode == 0 || ino.size != int64(e.size) {
		return nil, fmt.Errorf("inode %d does not hold it", e.inode)
	}
	c, err := fs.content(ino)
	if err != nil {
		return nil, err
	}
	value := make([]byte, e.size)
	if _, err := io.ReadFull(io.NewSectionReader(c, 0, int64(e.size)), value); err != nil {
		return nil, err
	}
	return value, nil
}

// The forms of a POSIX ACL: fs/ext4/acl.h on disk, posix_acl_xattr.h in the
// attribute that the kernel shows.
const (
	aclDiskVersion = 1
	aclVersion     = 2
	aclUser        = 0x02
	aclGroup       = 0x08
)

// kernelACL turns an ACL on disk, whose entries have an id only where it means
// something, into the kernel's, where each has one.
func kernelACL(b []byte) ([]byte, error) {
	if len(b) < 4 || le.Uint32(b) != aclDiskVersion {
		return nil, fmt.Errorf("%d bytes are no access control list", len(b))
	}
	out := bytes.NewBuffer(le.AppendUint32(nil, aclVersion))
	for b = b[4:]; len(b) > 0; {
		if len(b) < 4 {
			return nil, errors.New("the last entry is cut off")
		}
		id, size := ^uint32(0), 4
		if tag := le.Uint16(b); tag == aclUser || tag == aclGroup {
			if len(b) < 8 {
				return nil, errors.New("the last entry is cut off")
			}
			id, size = le.Uint32(b[4:]), 8
		}
		out.Write(b[:4])
		out.Write(le.AppendUint32(nil, id))
		b = b[size:]
	}
	return out.Bytes(), nil
}
