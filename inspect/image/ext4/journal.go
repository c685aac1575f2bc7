package ext4

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// be reads the structures of the journal: include/linux/jbd2.h, and
// Documentation/filesystems/ext4/journal.rst.
var be = binary.BigEndian

const (
	journalMagic = 0xc03b3998

	blockDescriptor = 1
	blockCommit     = 2
	blockSuperV1    = 3
	blockSuperV2    = 4
	blockRevoke     = 5

	journalRevoke      = 0x1
	journal64Bit       = 0x2
	journalAsync       = 0x4
	journalCsumV2      = 0x8
	journalCsumV3      = 0x10
	journalFastCommit  = 0x20
	journalKnown       = journalRevoke | journal64Bit | journalCsumV2 | journalCsumV3 | journalFastCommit
	journalHeaderSize  = 12
	defaultFastCommits = 256

	tagEscaped  = 0x1
	tagSameUUID = 0x2
	tagLast     = 0x8
)

// A journal is the log of a filesystem that was not unmounted.
type journal struct {
	fs       *FS
	content  fsys.Content
	incompat uint32
	seed     uint32
	first    uint32 // block of the log
	last     uint32 // one beyond the log
	end      uint32 // one beyond the blocks for fast commits
	sequence uint32 // of the first transaction
	start    uint32 // its block; 0 for an empty log
}

// A logged block is a block of the filesystem as a transaction wrote it.
type logged struct {
	target   uint64
	at       uint32 // in the journal
	escaped  bool
	checksum uint32
}

// A transaction is one that was committed.
type transaction struct {
	sequence uint32
	blocks   []logged
	revoked  []uint64
}

// replay returns the device as it will look when the journal has been replayed.
// Nothing is written; only the places are kept in memory, and what fast commits say of inodes.
func (fs *FS) replay(ctx context.Context, r io.ReaderAt) (io.ReaderAt, *fastLog, error) {
	if fs.compat&compatHasJournal == 0 || fs.journal == 0 {
		return nil, nil, errors.New("it is not in this filesystem")
	}
	ino, err := fs.readInode(fs.journal)
	if err != nil {
		return nil, nil, err
	}
	content, err := fs.content(ino)
	if err != nil {
		return nil, nil, err
	}
	j := &journal{fs: fs, content: content}
	if err := j.open(); err != nil {
		return nil, nil, err
	}
	if j.start == 0 {
		return r, nil, nil
	}
	log, next, err := j.scan(ctx)
	if err != nil {
		return nil, nil, err
	}
	tags, err := j.fastCommits(next, j.last+1, j.end)
	if err != nil {
		return nil, nil, err
	}
	fast, err := newFastLog(tags)
	if err != nil {
		return nil, nil, err
	}
	over, err := j.overlay(r, log)
	return over, fast, err
}

// open reads the journal's superblock.
func (j *journal) open() error {
	b, err := j.block(0)
	if err != nil {
		return err
	}
	kind := be.Uint32(b[4:])
	if be.Uint32(b) != journalMagic || kind != blockSuperV1 && kind != blockSuperV2 {
		return errors.New("it has no superblock")
	}
	length := be.Uint32(b[0x10:])
	j.first, j.last, j.end = be.Uint32(b[0x14:]), length, length
	j.sequence, j.start = be.Uint32(b[0x18:]), be.Uint32(b[0x1c:])
	if kind == blockSuperV2 {
		j.incompat = be.Uint32(b[0x28:])
		j.seed = crc32c(^uint32(0), b[0x30:0x40])
	}
	if err := j.check(b[:superSize], length); err != nil {
		return err
	}
	if j.incompat&journalFastCommit != 0 {
		fast := be.Uint32(b[0x54:])
		if fast == 0 {
			fast = defaultFastCommits
		}
		if fast >= length {
			return fmt.Errorf("%d of %d blocks are for fast commits", fast, length)
		}
		j.last -= fast
	}
	if j.first == 0 || j.first >= j.last || j.start != 0 && (j.start < j.first || j.start >= j.last) {
		return fmt.Errorf("the log goes from block %d to %d and starts at %d", j.first, j.last, j.start)
	}
	return nil
}

func (j *journal) check(super []byte, length uint32) error {
	switch {
	case int64(be.Uint32(super[0xc:])) != j.fs.blockSize:
		return fmt.Errorf("its blocks have %d bytes, the filesystem's %d", be.Uint32(super[0xc:]), j.fs.blockSize)
	case int64(length) > j.content.Size()/j.fs.blockSize:
		return fmt.Errorf("it claims %d blocks, its inode has %d", length, j.content.Size()/j.fs.blockSize)
	case j.incompat&^journalKnown != 0:
		return fmt.Errorf("incompatible features %#x are not read", j.incompat&^uint32(journalKnown))
	case j.checksummed() && !zeroedSound(^uint32(0), super, 0xfc):
		return errors.New("the checksum of its superblock does not match")
	}
	return nil
}

func (j *journal) checksummed() bool { return j.incompat&(journalCsumV2|journalCsumV3) != 0 }

// zeroedSound verifies a checksum within the bytes that it covers, where it counts
// as zero.
func zeroedSound(seed uint32, b []byte, at int) bool {
	crc := crc32c(seed, b[:at])
	crc = crc32c(crc, make([]byte, 4))
	return crc32c(crc, b[at+4:]) == be.Uint32(b[at:])
}

// block reads one block of the journal.
func (j *journal) block(n uint32) ([]byte, error) {
	b := make([]byte, j.fs.blockSize)
	if got, err := j.content.ReadAt(b, int64(n)*j.fs.blockSize); got < len(b) {
		return nil, fmt.Errorf("block %d: %w", n, noEOF(err))
	}
	return b, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// next is the block after n; the log is a ring.
func (j *journal) next(n uint32) uint32 {
	if n++; n >= j.last {
		return j.first
	}
	return n
}
