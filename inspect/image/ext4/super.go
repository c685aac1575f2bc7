package ext4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/assay-os/assay/report"
)

const (
	superOffset = 1024
	superSize   = 1024
	superMagic  = 0xef53
)

// le reads the fields of all structures of ext4; only the journal's are big-endian.
var le = binary.LittleEndian

// errNoFS says that there is no superblock of ext.
var errNoFS = errors.New("no ext2, ext3 or ext4 superblock at byte 1024")

// A superblock is what the reader needs of struct ext4_super_block.
type superblock struct {
	raw []byte

	inodes         uint32
	blocks         uint64
	firstData      uint32
	blockSize      int64
	blocksPerGroup uint32
	inodesPerGroup uint32
	inodeSize      int
	firstInode     uint32
	descSize       int
	firstMetaBG    uint32
	backups        [2]uint32
	journal        uint32

	compat, incompat, roCompat uint32

	logBlock, logCluster uint32
}

// readSuperblock decodes the fields and judges none of them but the magic.
func readSuperblock(r io.ReaderAt) (superblock, error) {
	b := make([]byte, superSize)
	if n, err := r.ReadAt(b, superOffset); n < superSize {
		if err == io.EOF {
			return superblock{}, errNoFS
		}
		return superblock{}, fmt.Errorf("read superblock: %w", err)
	}
	if le.Uint16(b[0x38:]) != superMagic {
		return superblock{}, errNoFS
	}
	sb := superblock{
		raw:            b,
		inodes:         le.Uint32(b),
		blocks:         uint64(le.Uint32(b[0x4:])),
		firstData:      le.Uint32(b[0x14:]),
		logBlock:       le.Uint32(b[0x18:]),
		logCluster:     le.Uint32(b[0x1c:]),
		blocksPerGroup: le.Uint32(b[0x20:]),
		inodesPerGroup: le.Uint32(b[0x28:]),
		inodeSize:      128,
		firstInode:     11,
		descSize:       32,
		journal:        le.Uint32(b[0xe0:]),
		compat:         le.Uint32(b[0x5c:]),
		incompat:       le.Uint32(b[0x60:]),
		roCompat:       le.Uint32(b[0x64:]),
		firstMetaBG:    le.Uint32(b[0x104:]),
		backups:        [2]uint32{le.Uint32(b[0x24c:]), le.Uint32(b[0x250:])},
	}
	if le.Uint32(b[0x4c:]) > 0 { // EXT4_DYNAMIC_REV
		sb.firstInode = le.Uint32(b[0x54:])
		sb.inodeSize = int(le.Uint16(b[0x58:]))
	}
	if sb.incompat&incompat64Bit != 0 {
		sb.blocks |= uint64(le.Uint32(b[0x150:])) << 32
		sb.descSize = int(le.Uint16(b[0xfe:]))
	}
	return sb, nil
}

// check refuses what cannot be read, and geometry that contradicts itself or
// the device's size. It sets the block size.
func (sb *superblock) check(size int64) error {
	if sb.roCompat&roMetadataCsum != 0 && crc32c(^uint32(0), sb.raw[:0x3fc]) != le.Uint32(sb.raw[0x3fc:]) {
		return errors.New("superblock: the checksum does not match")
	}
	if sb.incompat&incompatJournalDev != 0 {
		return errors.New("superblock: this is an external journal, not a filesystem")
	}
	if unknown := sb.incompat &^ readable; unknown != 0 {
		return fmt.Errorf("superblock: features that are not read: %s", strings.Join(namesOf(1, unknown), ", "))
	}
	if sb.logBlock > 6 {
		return fmt.Errorf("superblock: block size 2^%d is more than 64 KiB", uint64(sb.logBlock)+10)
	}
	sb.blockSize = 1024 << sb.logBlock
	if err := sb.checkGroups(); err != nil {
		return fmt.Errorf("superblock: %w", err)
	}
	if have := uint64(size / sb.blockSize); sb.blocks > have {
		return fmt.Errorf("superblock: the filesystem has %d blocks of %d bytes, the device only %d: it is truncated", sb.blocks, sb.blockSize, have)
	}
	return nil
}

func (sb *superblock) checkGroups() error {
	bits := uint32(sb.blockSize) * 8 // a bitmap is one block
	clusterRatio := uint64(1)
	if sb.roCompat&roBigalloc != 0 {
		if sb.logCluster < sb.logBlock || sb.logCluster > 20 {
			return fmt.Errorf("cluster size 2^%d is impossible", uint64(sb.logCluster)+10)
		}
		clusterRatio = 1 << (sb.logCluster - sb.logBlock)
	}
	switch {
	case sb.inodeSize < 128 || int64(sb.inodeSize) > sb.blockSize || sb.inodeSize&(sb.inodeSize-1) != 0:
		return fmt.Errorf("inode size %d is impossible", sb.inodeSize)
	case sb.descSize < 32 || sb.descSize > 1024 || sb.descSize&(sb.descSize-1) != 0,
		sb.incompat&incompat64Bit != 0 && sb.descSize < 64:
		return fmt.Errorf("group descriptor size %d is impossible", sb.descSize)
	case sb.blocksPerGroup < 8 || uint64(sb.blocksPerGroup) > uint64(bits)*clusterRatio:
		return fmt.Errorf("%d blocks in a group are impossible", sb.blocksPerGroup)
	case sb.inodesPerGroup == 0 || sb.inodesPerGroup > bits:
		return fmt.Errorf("%d inodes in a group are impossible", sb.inodesPerGroup)
	case uint64(sb.firstData) >= sb.blocks:
		return fmt.Errorf("first data block %d of %d blocks", sb.firstData, sb.blocks)
	case uint64(sb.inodes) != sb.groups()*uint64(sb.inodesPerGroup):
		return fmt.Errorf("%d inodes in %d groups of %d", sb.inodes, sb.groups(), sb.inodesPerGroup)
	}
	return nil
}

func (sb *superblock) groups() uint64 {
	return (sb.blocks - uint64(sb.firstData) + uint64(sb.blocksPerGroup) - 1) / uint64(sb.blocksPerGroup)
}

// seed starts every checksum of metadata.
func (sb *superblock) seed() uint32 {
	if sb.incompat&incompatCsumSeed != 0 {
		return le.Uint32(sb.raw[0x270:])
	}
	return crc32c(^uint32(0), sb.uuid())
}

func (sb *superblock) uuid() []byte { return sb.raw[0x68:0x78] }

func (sb *superblock) describe() report.Filesystem {
	label, _, _ := bytes.Cut(sb.raw[0x78:0x88], []byte{0})
	return report.Filesystem{
		Type:     sb.kind(),
		UUID:     formatUUID(sb.uuid()),
		Label:    string(label),
		Features: sb.features(),
		Settings: sb.settings(),
	}
}

func formatUUID(b []byte) string {
	if bytes.Count(b, []byte{0}) == len(b) {
		return ""
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func itoa(i int) string { return strconv.Itoa(i) }

// castagnoli is a table, not state: hash/crc32 makes it once.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crc32c continues a checksum as the kernel does, without the inversions at
// both ends that hash/crc32 adds.
func crc32c(crc uint32, data []byte) uint32 { return ^crc32.Update(^crc, castagnoli, data) }

// crc16 is that of lib/crc16.c (polynomial 0xa001, reflected).
func crc16(crc uint16, data []byte) uint16 {
	for _, b := range data {
		crc ^= uint16(b)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xa001
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
