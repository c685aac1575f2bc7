// Package partition reads the partition table of a disk: GPT (sectors of 512
// to 4096 bytes, the backup where the primary is broken) and MBR with logical
// partitions.
//
// It tells what the table says and where the table itself lies. It does not look into
// partitions. A table is believed under the rules of the kernel's
// block/partitions: a GPT needs valid checksums, an MBR sound boot flags.
package partition

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

var le = binary.LittleEndian

// A Table is what was found on a disk.
type Table struct {
	// Kind is "gpt", "mbr" or "none".
	Kind string
	// ID is the disk's own, as report.Disk has it.
	ID         string
	SectorSize int
	// Partitions are sorted by their index.
	Partitions []report.Partition
	// Structures are the bytes of the table itself: headers, entries, the
	// boot records of logical partitions.
	Structures []fsys.Extent
	// Problems are what is wrong with the table although it could be read.
	Problems []error
}

// Read finds the partition table of a disk. It fails when the device cannot be
// read, or when there is a table and no part of it is sound.
func Read(dev fsys.Device) (*Table, error) {
	head := make([]byte, mbrSize)
	if dev.Size() < mbrSize {
		return none(), nil
	}
	if err := readFull(dev, head, 0); err != nil {
		return nil, fmt.Errorf("read boot sector: %w", err)
	}
	signed := le.Uint16(head[510:]) == mbrSignature
	t, err := readTable(dev, head, signed)
	if err != nil {
		return nil, err
	}
	t.findOverlaps()
	return t, nil
}

func readTable(dev fsys.Device, head []byte, signed bool) (*Table, error) {
	protective := signed && isProtective(head)
	if protective || !signed {
		t, err := readGPT(dev, protective)
		if t != nil || err != nil {
			return t, err
		}
	}
	if signed {
		return readMBR(dev, head)
	}
	return none(), nil
}

// findOverlaps tells of partitions that share bytes: what one filesystem writes
// would be another's content.
func (t *Table) findOverlaps() {
	parts := slices.DeleteFunc(slices.Clone(t.Partitions), Extended)
	slices.SortFunc(parts, func(a, b report.Partition) int { return cmp.Compare(a.Start, b.Start) })
	for i := 1; i < len(parts); i++ {
		if before := parts[i-1]; before.Start+before.Size > parts[i].Start {
			t.problem("partitions %d and %d overlap", before.Index, parts[i].Index)
		}
	}
}

func none() *Table { return &Table{Kind: "none", SectorSize: 512} }

func (t *Table) problem(format string, args ...any) {
	t.Problems = append(t.Problems, fmt.Errorf(format, args...))
}

// readFull reads b whole. The error names the place.
func readFull(dev fsys.Device, b []byte, off int64) error {
	if off < 0 || off > dev.Size() || int64(len(b)) > dev.Size()-off {
		return fmt.Errorf("bytes %d to %d lie beyond the end of the image (%d bytes): it is truncated", uint64(off), uint64(off)+uint64(len(b)), dev.Size())
	}
	if n, err := dev.ReadAt(b, off); n < len(b) {
		return fmt.Errorf("read at byte %d: %w", off, err)
	}
	return nil
}
