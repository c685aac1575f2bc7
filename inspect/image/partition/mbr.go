package partition

import (
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

const (
	mbrSize      = 512
	mbrEntries   = 446
	mbrEntrySize = 16
	mbrSignature = 0xaa55
	mbrSector    = 512

	typeProtective = 0xee
	// maxLogical bounds the chain of logical partitions; Linux follows 100.
	maxLogical = 256
)

// An mbrEntry is one of the four of a boot record.
type mbrEntry struct {
	boot, kind    byte
	start, length int64 // in sectors
}

func mbrEntriesOf(sector []byte) [4]mbrEntry {
	var out [4]mbrEntry
	for i := range out {
		b := sector[mbrEntries+i*mbrEntrySize:]
		out[i] = mbrEntry{boot: b[0], kind: b[4], start: int64(le.Uint32(b[8:])), length: int64(le.Uint32(b[12:]))}
	}
	return out
}

func (e mbrEntry) used() bool { return e.kind != 0 && e.length != 0 }

func (e mbrEntry) extended() bool { return e.kind == 0x05 || e.kind == 0x0f || e.kind == 0x85 }

// isProtective tells whether a boot record announces a GPT.
func isProtective(sector []byte) bool {
	for _, e := range mbrEntriesOf(sector) {
		if e.kind == typeProtective {
			return true
		}
	}
	return false
}

// readMBR reads the four primary partitions and the chain of logical ones.
// A boot sector without a sound entry is no table: the boot sector of a FAT has
// the signature too, and code where the entries would be.
func readMBR(dev fsys.Device, head []byte) (*Table, error) {
	entries := mbrEntriesOf(head)
	used := false
	for _, e := range entries {
		if e.boot&0x7f != 0 {
			return none(), nil
		}
		used = used || e.used()
	}
	if !used {
		return none(), nil
	}
	disk := le.Uint32(head[440:])
	t := &Table{Kind: "mbr", ID: fmt.Sprintf("0x%08x", disk), SectorSize: mbrSector,
		Structures: []fsys.Extent{{Offset: 440, Length: mbrSize - 440}}}
	for i, e := range entries {
		if e.used() {
			t.addMBR(disk, i+1, e, 0)
		}
	}
	for _, e := range entries {
		if e.used() && e.extended() {
			t.logical(dev, disk, e)
			break // DOS and Linux know one extended partition
		}
	}
	return t, nil
}

func (t *Table) addMBR(disk uint32, index int, e mbrEntry, base int64) {
	t.Partitions = append(t.Partitions, report.Partition{
		Index:    index,
		Start:    (base + e.start) * mbrSector,
		Size:     e.length * mbrSector,
		Type:     fmt.Sprintf("0x%02x", e.kind),
		UUID:     fmt.Sprintf("%08x-%02x", disk, index),
		Bootable: e.boot == 0x80,
	})
}

// logical follows the chain of boot records in an extended partition. Each
// holds one partition, relative to itself, and the next record, relative to
// the extended partition.
func (t *Table) logical(dev fsys.Device, disk uint32, extended mbrEntry) {
	seen := map[int64]bool{}
	at, index := extended.start, 5
	for range maxLogical {
		if seen[at] {
			t.problem("the chain of logical partitions leads back to sector %d", at)
			return
		}
		seen[at] = true
		sector := make([]byte, mbrSize)
		if err := readFull(dev, sector, at*mbrSector); err != nil {
			t.problem("logical partition %d: %w", index, err)
			return
		}
		if le.Uint16(sector[510:]) != mbrSignature {
			t.problem("logical partition %d: no boot record in sector %d", index, at)
			return
		}
		t.Structures = append(t.Structures, fsys.Extent{Offset: at * mbrSector, Length: mbrSize})
		next := int64(0)
		entries := mbrEntriesOf(sector)
		for _, e := range entries[:2] {
			switch {
			case !e.used():
			case e.extended():
				next = e.start
			default:
				t.addMBR(disk, index, e, at)
				index++
			}
		}
		if next == 0 {
			return
		}
		at = extended.start + next
	}
	t.problem("there are more than %d logical partitions", maxLogical)
}

// Extended tells whether a partition only holds others.
func Extended(p report.Partition) bool {
	return p.Type == "0x05" || p.Type == "0x0f" || p.Type == "0x85"
}
