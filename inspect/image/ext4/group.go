package ext4

import (
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// inodeTable finds where the inodes of a group lie. With an error the block is
// still what the descriptor says, if it could be read.
func (fs *FS) inodeTable(group uint64) (block uint64, err error) {
	b := make([]byte, fs.descSize)
	if err := fs.dev.Read(b, fs.descriptor(group)); err != nil {
		return 0, fmt.Errorf("descriptor of group %d: %w", group, err)
	}
	block = uint64(le.Uint32(b[0x8:]))
	if fs.descSize >= 64 {
		block |= uint64(le.Uint32(b[0x28:])) << 32
	}
	if !fs.descriptorSound(group, b) {
		err = fmt.Errorf("descriptor of group %d: the checksum does not match", group)
	}
	if block == 0 || block >= fs.blocks {
		return 0, fsys.Reasons(err, fmt.Errorf("descriptor of group %d: inode table at block %d of %d", group, block, fs.blocks))
	}
	return block, err
}

// descriptor is the offset of a group's descriptor. With meta_bg the descriptors of
// a block's worth of groups lie in the first group of these.
func (fs *FS) descriptor(group uint64) int64 {
	perBlock := uint64(fs.blockSize) / uint64(fs.descSize)
	nr, at := group/perBlock, int64(group%perBlock)*int64(fs.descSize)
	super := uint64(superOffset / fs.blockSize) // 1 for blocks of 1 KiB, else 0
	if fs.incompat&incompatMetaBG == 0 || nr < uint64(fs.firstMetaBG) {
		return int64(super+nr+1)*fs.blockSize + at
	}
	first := nr * perBlock
	block := first*uint64(fs.blocksPerGroup) + uint64(fs.firstData)
	if fs.hasSuper(first) {
		block++
	}
	if fs.blockSize == 1024 && nr == 0 && fs.firstData == 0 {
		block++ // bigalloc counts from block 0, the superblock lies in block 1
	}
	return int64(block)*fs.blockSize + at
}

// hasSuper tells whether a group starts with a copy of the superblock.
func (fs *FS) hasSuper(group uint64) bool {
	switch {
	case group == 0:
		return true
	case fs.compat&compatSparseSuper2 != 0:
		return group == uint64(fs.backups[0]) || group == uint64(fs.backups[1])
	case group == 1 || fs.roCompat&roSparseSuper == 0:
		return true
	case group%2 == 0:
		return false
	}
	return powerOf(group, 3) || powerOf(group, 5) || powerOf(group, 7)
}

func powerOf(n, base uint64) bool {
	for n%base == 0 {
		n /= base
	}
	return n == 1
}

// descriptorSound verifies bg_checksum, at byte 0x1e, which both kinds of
// checksum leave out.
func (fs *FS) descriptorSound(group uint64, b []byte) bool {
	want := le.Uint16(b[0x1e:])
	number := le.AppendUint32(nil, uint32(group))
	switch {
	case fs.roCompat&roMetadataCsum != 0:
		crc := crc32c(fs.seed, number)
		crc = crc32c(crc, b[:0x1e])
		crc = crc32c(crc, []byte{0, 0})
		return uint16(crc32c(crc, b[0x20:])) == want
	case fs.roCompat&roGDTCsum != 0:
		crc := crc16(^uint16(0), fs.uuid())
		crc = crc16(crc, number)
		crc = crc16(crc, b[:0x1e])
		return crc16(crc, b[0x20:]) == want
	}
	return true
}
