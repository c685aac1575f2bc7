package xfs

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/assay-os/assay/inspect/image/pieces"
)

// A device is what the filesystem lies on, with what was read last of it.
type device struct {
	*pieces.Cache
	r io.ReaderAt
	// verifies is off for tests alone, which want to see what is behind the checksums.
	verifies bool
	over     *overlay // nil where no log was replayed
}

func newDevice(r io.ReaderAt, verifies bool) *device {
	return &device{r: r, verifies: verifies, Cache: pieces.New(r)}
}

// replayed is the device with the changes of its log.
func (d *device) replayed(over *overlay) *device {
	out := newDevice(over, d.verifies)
	out.over = over
	return out
}

// superblock reads and checks the superblock.
func (d *device) superblock(size int64) (superblock, error) {
	sb, err := readSuperblock(d.r)
	if err != nil {
		return sb, err
	}
	if err := sb.check(size); err != nil {
		return sb, err
	}
	if !sb.checksummed() {
		return sb, nil
	}
	b := make([]byte, sb.sectorSize)
	if err := d.Read(b, 0); err != nil {
		return sb, fmt.Errorf("superblock: %w", err)
	}
	if err := d.sound(b, 0, superCRC); err != nil {
		return sb, fmt.Errorf("superblock: %w", err)
	}
	return sb, nil
}

// castagnoli is a table, not state: hash/crc32 makes it once.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sound verifies the checksum at byte at of b, which lies at off: CRC-32C with the
// checksum itself as zeros, little-endian.
func (d *device) sound(b []byte, off int64, at int) error {
	if !d.verifies || checksum(b, at) == le.Uint32(b[at:]) || d.over != nil && d.over.stale(off, int64(len(b))) {
		return nil
	}
	return errors.New("the checksum does not match")
}

// checksum is that of b with four bytes at byte at as zeros.
func checksum(b []byte, at int) uint32 {
	crc := crc32.Update(0, castagnoli, b[:at])
	crc = crc32.Update(crc, castagnoli, make([]byte, 4))
	return crc32.Update(crc, castagnoli, b[at+4:])
}

// superCRC is where a superblock's checksum stands, inodeCRC an inode's.
const (
	superCRC = 224
	inodeCRC = 100
)

// A header says where a kind of block of version 5 keeps what it is known by.
type header struct{ crc, uuid, owner, place int }

// headerOf is for the kinds of struct xfs_btree_block (long), xfs_dir3_blk_hdr,
// xfs_da3_blkinfo, and xfs_attr3_rmt_hdr, which xfs_dsymlink_hdr equals.
func headerOf(kind blockKind) header {
	return [...]header{
		mapBlock:    {crc: 64, uuid: 40, owner: 56, place: 24},
		nameBlock:   {crc: 4, uuid: 24, owner: 40, place: 8},
		indexBlock:  {crc: 12, uuid: 32, owner: 48, place: 16},
		remoteBlock: {crc: 12, uuid: 16, owner: 32, place: 40},
	}[kind]
}

// A blockKind is a kind of header.
type blockKind int

const (
	mapBlock blockKind = iota
	nameBlock
	indexBlock
	remoteBlock
)

// verify checks a block of version 5 that lies at byte off: that it is whole, of
// this filesystem, where it belongs, and the inode's.
func (fs *FS) verify(kind blockKind, b []byte, off int64, ino uint64) error {
	if !fs.checksummed() {
		return nil
	}
	h := headerOf(kind)
	if err := fs.dev.sound(b, off, h.crc); err != nil {
		return err
	}
	switch {
	case !bytes.Equal(b[h.uuid:h.uuid+16], fs.metaUUID()):
		return errors.New("it belongs to another filesystem")
	case be.Uint64(b[h.place:]) != uint64(off/512):
		return fmt.Errorf("it says that it lies at sector %d, not %d", be.Uint64(b[h.place:]), off/512)
	case be.Uint64(b[h.owner:]) != ino && !fs.adopted[ino]:
		return fmt.Errorf("it says that it belongs to inode %d", be.Uint64(b[h.owner:]))
	}
	return nil
}
