package erofs

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
	superSize   = 128 // without further slots
	slotSize    = 16
	superMagic  = 0xe0f5e1e2
)

// le reads the fields of all structures.
var le = binary.LittleEndian

// errNoFS says that there is no superblock of EROFS.
var errNoFS = errors.New("no EROFS superblock at byte 1024")

// A superblock is what the reader needs of struct erofs_super_block.
type superblock struct {
	raw []byte

	compat, incompat uint32
	blockBits        uint
	blockSize        int64
	blocks           uint64
	root             uint64
	packedNID        uint64
	boxNID           uint64
	epoch            int64
	nanoseconds      uint32
	// meta and shared are where inodes and shared attributes are counted from.
	meta, shared int64
	algorithms   uint16
}

// readSuperblock decodes the fields and judges none of them but the magic.
func readSuperblock(r io.ReaderAt) (superblock, error) {
	b := make([]byte, superSize+slotSize)
	if n, err := r.ReadAt(b, superOffset); n < superSize {
		if err == io.EOF {
			return superblock{}, errNoFS
		}
		return superblock{}, fmt.Errorf("read superblock: %w", err)
	}
	if le.Uint32(b) != superMagic {
		return superblock{}, errNoFS
	}
	sb := superblock{
		raw:         b,
		compat:      le.Uint32(b[8:]),
		incompat:    le.Uint32(b[80:]),
		blockBits:   uint(b[12]),
		root:        uint64(le.Uint16(b[14:])),
		epoch:       int64(le.Uint64(b[24:])),
		nanoseconds: le.Uint32(b[32:]),
		blocks:      uint64(le.Uint32(b[36:])),
		packedNID:   le.Uint64(b[96:]),
	}
	if root := le.Uint64(b[112:]); sb.incompat&incompat48Bit != 0 && root != 0 {
		sb.root = root
		sb.blocks |= uint64(le.Uint16(b[14:])) << 32
	}
	return sb, nil
}

// check refuses what cannot be read, and numbers that contradict themselves or
// the device's size. It sets what depends on the block size.
func (sb *superblock) check(r io.ReaderAt, size int64) error {
	if sb.blockBits < 9 || sb.blockBits > 16 {
		return fmt.Errorf("superblock: block size 2^%d is not between 512 and 65536", sb.blockBits)
	}
	sb.blockSize = 1 << sb.blockBits
	if err := sb.checkSum(r); err != nil {
		return err
	}
	if unknown := sb.incompat &^ readable; unknown != 0 {
		_, names := featureNames()
		return fmt.Errorf("superblock: features that are not read: %s", strings.Join(namesOf(names, "FEATURE_I", unknown), ", "))
	}
	if bits := sb.raw[90]; bits != 0 {
		return fmt.Errorf("superblock: directories in blocks of their own size (2^%d blocks) are not read", bits)
	}
	if have := uint64(max(size, 0)) >> sb.blockBits; sb.blocks > have {
		return fmt.Errorf("superblock: the filesystem has %d blocks of %d bytes, the device only %d: it is truncated", sb.blocks, sb.blockSize, have)
	}
	if sb.nanoseconds >= 1e9 {
		return fmt.Errorf("superblock: %d nanoseconds are more than a second", sb.nanoseconds)
	}
	sb.meta = int64(le.Uint32(sb.raw[40:])) << sb.blockBits
	sb.shared = int64(le.Uint32(sb.raw[44:])) << sb.blockBits
	return fsErrors(sb.checkMetabox(), sb.checkAlgorithms())
}

// checkSum verifies what covers the rest of the superblock's block.
func (sb *superblock) checkSum(r io.ReaderAt) error {
	if sb.compat&compatChecksum == 0 {
		return nil
	}
	b := make([]byte, sb.blockSize)
	if sb.blockSize > superOffset {
		b = b[superOffset:]
	}
	if n, err := r.ReadAt(b, superOffset); n < len(b) {
		return fmt.Errorf("superblock: its block is cut off: %w", err)
	}
	clear(b[4:8])
	// The format takes the sum without the inversion at its end.
	if ^crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) != le.Uint32(sb.raw[4:]) {
		return errors.New("superblock: the checksum does not match")
	}
	return nil
}

// checkMetabox reads the field that stands in a further slot.
func (sb *superblock) checkMetabox() error {
	if sb.incompat&incompatMetabox == 0 {
		return nil
	}
	if sb.raw[13] == 0 {
		return errors.New("superblock: it is too short to name its metabox")
	}
	sb.boxNID = le.Uint64(sb.raw[superSize:])
	return nil
}

// checkAlgorithms finds which compressions the files may use.
func (sb *superblock) checkAlgorithms() error {
	if sb.incompat&incompatConfigs == 0 {
		sb.algorithms = 1 // LZ4 was there from the first
		return nil
	}
	const known = 1<<len(algorithmNames) - 1
	sb.algorithms = le.Uint16(sb.raw[84:])
	if unknown := sb.algorithms &^ known; unknown != 0 {
		return fmt.Errorf("superblock: compressions that are not read: bits %#x", unknown)
	}
	return nil
}

// fsErrors is the first of errs that is not nil.
func fsErrors(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (sb *superblock) describe() report.Filesystem {
	label, _, _ := bytes.Cut(sb.raw[64:80], []byte{0})
	return report.Filesystem{
		Type:     "erofs",
		UUID:     formatUUID(sb.raw[48:64]),
		Label:    string(label),
		Features: sb.features(),
		Settings: sb.settings(),
	}
}

// settings are what the superblock says of the filesystem's size and age.
func (sb *superblock) settings() map[string]string {
	return map[string]string{
		"block_size": strconv.FormatUint(1<<(sb.blockBits&63), 10),
		"blocks":     strconv.FormatUint(sb.blocks, 10),
		"inodes":     strconv.FormatUint(le.Uint64(sb.raw[16:]), 10),
	}
}

func formatUUID(b []byte) string {
	if bytes.Count(b, []byte{0}) == len(b) {
		return ""
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
