package xfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strings"

	"github.com/assay-os/assay/report"
)

const (
	superMagic = "XFSB"
	// superSize is what is read of a superblock; the smallest sector has no more.
	superSize = 512
	// maxBlockLog is XFS_MAX_BLOCKSIZE_LOG: 64 KiB.
	maxBlockLog = 16
)

// errNoFS says that there is no superblock of XFS.
var errNoFS = errors.New("no XFS superblock at byte 0")

// A superblock is what the reader needs of struct xfs_dsb.
type superblock struct {
	raw []byte

	version    int
	blockSize  int64
	blocks     uint64
	agBlocks   uint32
	agCount    uint32
	agBlockLog byte
	sectorSize int
	inodeSize  int
	inodeLog   byte // inodes in a block, as a power of two
	dirLog     byte // blocks in a block of a directory
	root       uint64
	logStart   uint64
	logBlocks  uint32

	bits, features2                         uint32
	compat, roCompat, incompat, logIncompat uint32
}

// readSuperblock decodes the fields and judges none of them but the magic.
func readSuperblock(r io.ReaderAt) (superblock, error) {
	b := make([]byte, superSize)
	if n, err := r.ReadAt(b, 0); n < superSize {
		if err == io.EOF {
			return superblock{}, errNoFS
		}
		return superblock{}, fmt.Errorf("read superblock: %w", err)
	}
	if string(b[:4]) != superMagic {
		return superblock{}, errNoFS
	}
	sb := superblock{
		raw:        b,
		version:    int(b[101] & 0xf),
		blockSize:  int64(be.Uint32(b[4:])),
		blocks:     be.Uint64(b[8:]),
		logStart:   be.Uint64(b[48:]),
		root:       be.Uint64(b[56:]),
		agBlocks:   be.Uint32(b[84:]),
		agCount:    be.Uint32(b[88:]),
		logBlocks:  be.Uint32(b[96:]),
		bits:       uint32(be.Uint16(b[100:])) &^ 0xf,
		sectorSize: int(be.Uint16(b[102:])),
		inodeSize:  int(be.Uint16(b[104:])),
		inodeLog:   b[123],
		agBlockLog: b[124],
		dirLog:     b[192],
	}
	if sb.bits&bitMore != 0 {
		sb.features2 = be.Uint32(b[200:]) | be.Uint32(b[204:]) // some kernels wrote it to the wrong place
	}
	if sb.version == 5 {
		sb.compat, sb.roCompat = be.Uint32(b[208:]), be.Uint32(b[212:])
		sb.incompat, sb.logIncompat = be.Uint32(b[216:]), be.Uint32(b[220:])
	}
	return sb, nil
}

// check refuses what cannot be read, and geometry that contradicts itself or
// the device's size.
func (sb *superblock) check(size int64) error {
	if err := sb.checkFeatures(); err != nil {
		return fmt.Errorf("superblock: %w", err)
	}
	if err := sb.checkSizes(); err != nil {
		return fmt.Errorf("superblock: %w", err)
	}
	if err := sb.checkGroups(); err != nil {
		return fmt.Errorf("superblock: %w", err)
	}
	if have := uint64(size / sb.blockSize); sb.blocks > have {
		return fmt.Errorf("superblock: the filesystem has %d blocks of %d bytes, the device only %d: it is truncated", sb.blocks, sb.blockSize, have)
	}
	return nil
}

func (sb *superblock) checkFeatures() error {
	if sb.version != 4 && sb.version != 5 {
		return fmt.Errorf("version %d is not read", sb.version)
	}
	if sb.bits&bitDirV2 == 0 {
		return errors.New("directories of version 1 are not read")
	}
	if sb.incompat&incompatNeedsRepair != 0 {
		return errors.New("it is marked as damaged (needsrepair): run xfs_repair on a copy")
	}
	if unknown := sb.incompat &^ readable; unknown != 0 {
		return fmt.Errorf("features that are not read: %s", strings.Join(incompatNames(unknown), ", "))
	}
	if sb.raw[126] != 0 {
		return errors.New("mkfs.xfs did not finish")
	}
	return nil
}

// checkSizes holds the sizes against the logarithms that stand beside them:
// xfs_validate_sb_common in fs/xfs/libxfs/xfs_sb.c.
func (sb *superblock) checkSizes() error {
	blockLog, sectorLog, inodeLog := sb.raw[120], sb.raw[121], sb.raw[122]
	switch {
	case blockLog < 9 || blockLog > maxBlockLog || sb.blockSize != 1<<blockLog:
		return fmt.Errorf("block size %d is impossible", sb.blockSize)
	case sectorLog < 9 || sectorLog > 15 || sb.sectorSize != 1<<sectorLog || int64(sb.sectorSize) > sb.blockSize:
		return fmt.Errorf("sector size %d is impossible", sb.sectorSize)
	case inodeLog < 8 || inodeLog > 11 || sb.inodeSize != 1<<inodeLog || inodeLog > blockLog:
		return fmt.Errorf("inode size %d is impossible", sb.inodeSize)
	case sb.inodeLog != blockLog-inodeLog:
		return fmt.Errorf("2^%d inodes in a block are impossible", sb.inodeLog)
	case sb.dirLog > maxBlockLog-blockLog:
		return fmt.Errorf("directory block size 2^%d is impossible", int(blockLog)+int(sb.dirLog))
	}
	return nil
}

func (sb *superblock) checkGroups() error {
	switch {
	case sb.agCount == 0 || sb.agBlocks < 16:
		return fmt.Errorf("%d allocation groups of %d blocks are impossible", sb.agCount, sb.agBlocks)
	case int(sb.agBlockLog) != bits.Len32(sb.agBlocks-1):
		return fmt.Errorf("allocation groups of %d blocks are numbered with %d bits", sb.agBlocks, sb.agBlockLog)
	case sb.blocks > uint64(sb.agCount)*uint64(sb.agBlocks) || sb.blocks <= uint64(sb.agCount-1)*uint64(sb.agBlocks):
		return fmt.Errorf("%d blocks in %d allocation groups of %d", sb.blocks, sb.agCount, sb.agBlocks)
	case sb.blocks > 1<<62/uint64(sb.blockSize):
		return fmt.Errorf("%d blocks of %d bytes are impossible", sb.blocks, sb.blockSize)
	}
	return nil
}

// linear turns a filesystem block (the number of its group above the number
// in the group) into one that counts from the start of the device, and checks
// that length blocks from there on lie in one group.
func (sb *superblock) linear(fsb, length uint64) (uint64, error) {
	group, block := fsb>>sb.agBlockLog, fsb&(1<<sb.agBlockLog-1)
	n := group*uint64(sb.agBlocks) + block
	if group >= uint64(sb.agCount) || block >= uint64(sb.agBlocks) || length > uint64(sb.agBlocks)-block ||
		n >= sb.blocks || length > sb.blocks-n {
		return 0, fmt.Errorf("block %d of group %d, %d blocks long, is outside of the filesystem", block, group, length)
	}
	return n, nil
}

func (sb *superblock) checksummed() bool { return sb.version == 5 }

func (sb *superblock) uuid() []byte { return sb.raw[32:48] }

// metaUUID is what the blocks of version 5 bear: the UUID that mkfs gave.
func (sb *superblock) metaUUID() []byte {
	if sb.incompat&incompatMetaUUID != 0 {
		return sb.raw[248:264]
	}
	return sb.uuid()
}

func (sb *superblock) describe() report.Filesystem {
	label, _, _ := bytes.Cut(sb.raw[108:120], []byte{0})
	return report.Filesystem{
		Type:     "xfs",
		UUID:     formatUUID(sb.uuid()),
		Label:    strings.TrimRight(string(label), " \t\n\v\f\r"),
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
