package squashfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/assay-os/assay/report"
)

const (
	superSize = 96
	magic     = 0x73717368 // "hsqs"
	magicBig  = 0x68737173 // "sqsh": big-endian, only before version 4

	minBlock = 4 << 10
	maxBlock = 1 << 20
	// metaSize is what a block of metadata holds at most.
	metaSize = 8 << 10

	none32 = ^uint32(0)
	none64 = ^uint64(0)
)

// le reads all fields: version 4 is little-endian everywhere.
var le = binary.LittleEndian

// errNoFS says that there is no superblock of squashfs.
var errNoFS = errors.New("no squashfs superblock at byte 0")

// A superblock is struct squashfs_super_block.
type superblock struct {
	major, minor uint16

	inodes      uint32
	created     uint32
	blockSize   int64
	blockLog    uint16
	fragments   uint32
	compression uint16
	flags       uint16
	ids         uint16
	root        reference
	// used is the size of the filesystem, the others are where tables start.
	used          int64
	idTable       int64
	attrTable     int64 // -1 for none
	inodeTable    int64
	dirTable      int64
	fragmentTable int64 // -1 for none
	exportTable   int64 // -1 for none
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
	var order binary.ByteOrder = le
	switch le.Uint32(b) {
	case magic:
	case magicBig:
		order = binary.BigEndian
	default:
		return superblock{}, errNoFS
	}
	sb := superblock{
		inodes: le.Uint32(b[4:]), created: le.Uint32(b[8:]), blockSize: int64(le.Uint32(b[12:])), fragments: le.Uint32(b[16:]),
		compression: le.Uint16(b[20:]), blockLog: le.Uint16(b[22:]), flags: le.Uint16(b[24:]), ids: le.Uint16(b[26:]),
		major: order.Uint16(b[28:]), minor: order.Uint16(b[30:]),
		root: reference(le.Uint64(b[32:])), used: int64(le.Uint64(b[40:])),
		idTable: int64(le.Uint64(b[48:])), attrTable: int64(le.Uint64(b[56:])), inodeTable: int64(le.Uint64(b[64:])),
		dirTable: int64(le.Uint64(b[72:])), fragmentTable: int64(le.Uint64(b[80:])), exportTable: int64(le.Uint64(b[88:])),
	}
	if sb.fragments == 0 {
		sb.fragmentTable = -1 // the kernel does not look at it
	}
	if order == binary.BigEndian && sb.major >= 4 {
		return superblock{}, errNoFS // version 4 has no such form
	}
	return sb, nil
}

// check refuses what cannot be read, and tables that contradict each other or
// the device's size.
func (sb *superblock) check(size int64) error {
	switch {
	case sb.major != 4 || sb.minor != 0:
		return fmt.Errorf("superblock: version %d.%d is not read, only 4.0; unsquashfs(1) unpacks older ones", sb.major, sb.minor)
	case sb.blockSize < minBlock || sb.blockSize > maxBlock || bits.OnesCount64(uint64(sb.blockSize)) != 1,
		sb.blockLog > 20 || sb.blockSize != 1<<sb.blockLog:
		return fmt.Errorf("superblock: block size %d (2^%d) is impossible", sb.blockSize, sb.blockLog)
	case sb.used < superSize:
		return fmt.Errorf("superblock: a size of %d bytes is impossible", sb.used)
	case sb.used > size:
		return fmt.Errorf("superblock: the filesystem has %d bytes, the device only %d: it is truncated", sb.used, size)
	case sb.ids == 0:
		return errors.New("superblock: it has no owners")
	}
	return sb.checkTables()
}

// checkTables requires the order of the tables, as the kernel does.
func (sb *superblock) checkTables() error {
	end := sb.used
	for _, t := range []struct {
		name  string
		start int64
		may   bool
	}{
		{"attributes", sb.attrTable, true}, {"owners", sb.idTable, false}, {"exports", sb.exportTable, true},
		{"fragments", sb.fragmentTable, sb.fragments == 0}, {"directories", sb.dirTable, false}, {"inodes", sb.inodeTable, false},
	} {
		if t.start == -1 && t.may {
			continue
		}
		if t.start < superSize || t.start > end {
			return fmt.Errorf("superblock: the table of %s at byte %d is out of place", t.name, t.start)
		}
		end = t.start
	}
	return nil
}

// The flags of a superblock by their bits, in the words of unsquashfs -s.
func flagNames() []string {
	return []string{"uncompressed_inodes", "uncompressed_data", "check", "uncompressed_fragments", "no_fragments", "always_fragments",
		"duplicates", "exportable", "uncompressed_xattrs", "no_xattrs", "compressor_options", "uncompressed_ids"}
}

// features are the names of the flags.
func (sb *superblock) features() []string {
	var out []string
	names := flagNames()
	for bit := range 16 {
		switch {
		case sb.flags>>bit&1 == 0:
		case bit < len(names):
			out = append(out, names[bit])
		default:
			out = append(out, fmt.Sprintf("flag_%#x", 1<<bit))
		}
	}
	slices.Sort(out)
	return out
}

// describe has the names of libblkid, which knows neither UUID nor label here.
func (sb *superblock) describe() report.Filesystem {
	version := fmt.Sprintf("%d.%d", sb.major, sb.minor)
	if sb.major < 4 { // the fields are others
		return report.Filesystem{Type: "squashfs3", Settings: map[string]string{"version": version}}
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return report.Filesystem{
		Type:     "squashfs",
		Features: sb.features(),
		Settings: map[string]string{
			"version":     version,
			"compression": codecName(sb.compression),
			"block_size":  number(sb.blockSize),
			"bytes":       number(sb.used),
			"inodes":      number(int64(sb.inodes)),
			"fragments":   number(int64(sb.fragments)),
			"owners":      number(int64(sb.ids)),
			"created":     time.Unix(int64(sb.created), 0).UTC().Format(time.RFC3339),
		},
	}
}
