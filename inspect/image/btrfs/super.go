package btrfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assay-os/assay/report"
)

const (
	superSize  = 4096
	superMagic = "_BHRfS_M"

	maxLevel      = 8
	sysArrayStart = 0x32b
	sysArrayMax   = 2048
)

// superOffsets are where the superblock lies, and its copies where the device is
// large enough.
func superOffsets() []int64 { return []int64{64 << 10, 64 << 20, 256 << 30} }

// le reads the fields of all structures.
var le = binary.LittleEndian

// errNoFS says that there is no superblock of btrfs.
var errNoFS = errors.New("no btrfs superblock at byte 65536")

// A rootPointer leads to the top node of a tree.
type rootPointer struct {
	logical    uint64
	generation uint64
	level      int
}

// A superblock is what the reader needs of struct btrfs_super_block.
type superblock struct {
	raw []byte
	// problem says why this is a copy and not the first superblock.
	problem string

	sum        checksum
	sectorSize int
	nodeSize   int
	incompat   uint64
	roCompat   uint64
	flags      uint64
	devices    uint64
	root       rootPointer
	chunks     rootPointer
	log        rootPointer

	deviceID   uint64
	deviceSize uint64
}

// readSuperblock returns the first superblock, or, when that is broken, the first copy that
// is whole. The size bounds where copies are looked for. The error is that of
// the first.
func readSuperblock(r io.ReaderAt, size int64) (superblock, error) {
	first, err := superblockAt(r, superOffsets()[0])
	if err == nil {
		return first, nil
	}
	for _, off := range superOffsets()[1:] {
		if off+superSize > size {
			break
		}
		if sb, copyErr := superblockAt(r, off); copyErr == nil {
			sb.problem = fmt.Sprintf("the copy at byte %d, because of the first: %v", off, err)
			return sb, nil
		}
	}
	return superblock{}, err
}

// superblockAt decodes a superblock that is whole: its magic, place and checksum are right.
func superblockAt(r io.ReaderAt, off int64) (superblock, error) {
	b := make([]byte, superSize)
	if n, err := r.ReadAt(b, off); n < superSize {
		if err == io.EOF {
			return superblock{}, errNoFS
		}
		return superblock{}, fmt.Errorf("read superblock: %w", err)
	}
	if string(b[0x40:0x48]) != superMagic {
		return superblock{}, errNoFS
	}
	if at := le.Uint64(b[0x30:]); at != uint64(off) {
		return superblock{}, fmt.Errorf("superblock at byte %d: it says that it lies at byte %d", off, at)
	}
	sum, err := checksumOf(le.Uint16(b[0xc4:]))
	if err != nil {
		return superblock{}, fmt.Errorf("superblock at byte %d: %w", off, err)
	}
	if !sum.matches(b[32:], b) {
		return superblock{}, fmt.Errorf("superblock at byte %d: the checksum does not match", off)
	}
	return decodeSuperblock(b, sum), nil
}

func decodeSuperblock(b []byte, sum checksum) superblock {
	generation := le.Uint64(b[0x48:])
	return superblock{
		raw:        b,
		sum:        sum,
		sectorSize: int(le.Uint32(b[0x90:])),
		nodeSize:   int(le.Uint32(b[0x94:])),
		roCompat:   le.Uint64(b[0xb4:]),
		incompat:   le.Uint64(b[0xbc:]),
		flags:      le.Uint64(b[0x38:]),
		devices:    le.Uint64(b[0x88:]),
		root:       rootPointer{le.Uint64(b[0x50:]), generation, int(b[0xc6])},
		chunks:     rootPointer{le.Uint64(b[0x58:]), le.Uint64(b[0xa4:]), int(b[0xc7])},
		log:        rootPointer{le.Uint64(b[0x60:]), generation + 1, int(b[0xc8])},
		deviceID:   le.Uint64(b[0xc9:]),
		deviceSize: le.Uint64(b[0xd1:]),
	}
}

// check refuses what cannot be read, and geometry that contradicts itself or
// the device's size.
func (sb *superblock) check(size int64) error {
	if unread := sb.incompat &^ readable; unread != 0 {
		return fmt.Errorf("superblock: features that are not read: %s", strings.Join(incompatNames(unread), ", "))
	}
	if unknown := sb.flags &^ knownFlags; unknown != 0 {
		return fmt.Errorf("superblock: flags %#x say that a conversion of the filesystem was not finished", unknown)
	}
	sector, node := sb.sectorSize, sb.nodeSize
	switch {
	case sector < 4096 || sector > 64<<10 || sector&(sector-1) != 0:
		return fmt.Errorf("superblock: sector size %d is impossible", sector)
	case node < sector || node > 64<<10 || node&(node-1) != 0:
		return fmt.Errorf("superblock: node size %d is impossible with sectors of %d", node, sector)
	case sb.root.level >= maxLevel || sb.chunks.level >= maxLevel || sb.log.level >= maxLevel:
		return errors.New("superblock: a tree has more than 8 levels")
	case le.Uint32(sb.raw[0xa0:]) > sysArrayMax:
		return fmt.Errorf("superblock: %d bytes of chunks are impossible", le.Uint32(sb.raw[0xa0:]))
	case sb.deviceSize == 0 || sb.deviceSize > 1<<62:
		return fmt.Errorf("superblock: device size %d is impossible", sb.deviceSize)
	case sb.deviceSize > uint64(size):
		return fmt.Errorf("superblock: the filesystem has %d bytes, the device only %d: it is truncated", sb.deviceSize, size)
	}
	return nil
}

// sysChunks is the array of chunks that the chunk tree itself lies in.
func (sb *superblock) sysChunks() []byte {
	return sb.raw[sysArrayStart : sysArrayStart+int(le.Uint32(sb.raw[0xa0:]))]
}

func (sb *superblock) uuid() []byte { return sb.raw[0x20:0x30] }

// deviceUUID is that of the device which the superblock lies on.
func (sb *superblock) deviceUUID() []byte { return sb.raw[0x10b:0x11b] }

// nodeUUID stands in every node: it outlives a change of the filesystem's UUID.
func (sb *superblock) nodeUUID() []byte {
	if sb.incompat&incompatMetadataUUID != 0 {
		return sb.raw[0x23b:0x24b]
	}
	return sb.uuid()
}

func (sb *superblock) label() string {
	label, _, _ := bytes.Cut(sb.raw[0x12b:0x22b], []byte{0})
	return string(label)
}

func (sb *superblock) describe() report.Filesystem {
	return report.Filesystem{
		Type:     "btrfs",
		UUID:     formatUUID(sb.uuid()),
		Label:    sb.label(),
		Features: sb.features(),
		Settings: sb.settings(),
	}
}

func formatUUID(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
