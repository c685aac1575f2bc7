package partition

import (
	"errors"
	"fmt"
	"hash/crc32"
	"unicode/utf16"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// The layout of a GPT: UEFI specification, chapter 5.3.
const (
	gptSignature  = "EFI PART"
	gptHeaderSize = 92
	gptEntrySize  = 128
	// gptMaxArray bounds the entries: 128 of 128 bytes are usual, Linux takes
	// what the kernel can allocate.
	gptMaxArray = 4 << 20
)

// errNoGPT says that a sector does not even claim to be a header.
var errNoGPT = errors.New("no GPT header")

// A gptHeader is a header whose checksum matches.
type gptHeader struct {
	own, other uint64 // sectors of this header and of its copy
	disk       []byte
	entriesAt  uint64
	entryCount uint32
	entrySize  uint32
	entriesCRC uint32
}

// readGPT reads the primary table, or its backup at the end of the disk. It
// returns nil when there is no sign of a GPT but the protective boot record.
func readGPT(dev fsys.Device, protective bool) (*Table, error) {
	var claims []error
	for _, sector := range []int64{512, 4096, 2048, 1024} {
		t, err := gptAt(dev, 1, sector)
		if err == nil {
			return t.judge(dev, protective), nil
		}
		if !errors.Is(err, errNoGPT) {
			claims = append(claims, fmt.Errorf("primary GPT (sectors of %d bytes): %w", sector, err))
		}
	}
	for _, sector := range []int64{512, 4096, 2048, 1024} {
		t, err := gptAt(dev, dev.Size()/sector-1, sector)
		if err == nil {
			t.problem("the primary GPT is broken or missing: the backup was read")
			t.Problems = append(t.Problems, claims...)
			return t.judge(dev, protective), nil
		}
	}
	if len(claims) > 0 {
		return nil, fmt.Errorf("%w, and there is no sound backup at the end of the image", claims[0])
	}
	if protective {
		return nil, errors.New("the boot record announces a GPT, but there is none, neither the primary nor the backup")
	}
	return nil, nil
}

// gptAt reads the table whose header is in the given sector.
func gptAt(dev fsys.Device, at, sector int64) (*Table, error) {
	if at < 1 || (at+1)*sector > dev.Size() {
		return nil, errNoGPT
	}
	b := make([]byte, sector)
	if err := readFull(dev, b, at*sector); err != nil {
		return nil, err
	}
	h, err := parseHeader(b)
	if err != nil {
		return nil, err
	}
	if h.own != uint64(at) {
		return nil, fmt.Errorf("the header says that it is in sector %d, not %d", h.own, at)
	}
	size := uint64(h.entryCount) * uint64(h.entrySize)
	if h.entrySize < gptEntrySize || h.entrySize%8 != 0 || size > gptMaxArray || h.entriesAt > uint64(dev.Size()/sector) {
		return nil, fmt.Errorf("%d entries of %d bytes at sector %d are impossible", h.entryCount, h.entrySize, h.entriesAt)
	}
	array := make([]byte, size)
	if err := readFull(dev, array, int64(h.entriesAt)*sector); err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(array) != h.entriesCRC {
		return nil, errors.New("the checksum of the entries does not match")
	}
	return h.table(array, sector), nil
}

func parseHeader(b []byte) (*gptHeader, error) {
	if string(b[:8]) != gptSignature {
		return nil, errNoGPT
	}
	size := le.Uint32(b[12:])
	if size < gptHeaderSize || int(size) > len(b) {
		return nil, fmt.Errorf("a header of %d bytes is impossible", size)
	}
	want := le.Uint32(b[16:])
	clear(b[16:20])
	if crc32.ChecksumIEEE(b[:size]) != want {
		return nil, errors.New("the checksum of the header does not match")
	}
	return &gptHeader{
		own:        le.Uint64(b[24:]),
		other:      le.Uint64(b[32:]),
		disk:       b[56:72],
		entriesAt:  le.Uint64(b[72:]),
		entryCount: le.Uint32(b[80:]),
		entrySize:  le.Uint32(b[84:]),
		entriesCRC: le.Uint32(b[88:]),
	}, nil
}

// table decodes the entries. The structures are this header, its copy's, and
// both arrays of entries; the copy's lie just before the copy.
func (h *gptHeader) table(array []byte, sector int64) *Table {
	t := &Table{Kind: "gpt", ID: guid(h.disk), SectorSize: int(sector)}
	t.Structures = []fsys.Extent{
		{Offset: 440, Length: mbrSize - 440},
		{Offset: int64(h.own) * sector, Length: sector},
		{Offset: int64(h.entriesAt) * sector, Length: int64(len(array))},
	}
	const limit = 1 << 62
	if h.other < limit/uint64(sector) {
		other, size := int64(h.other)*sector, (int64(len(array))+sector-1)/sector*sector
		t.Structures = append(t.Structures, fsys.Extent{Offset: other, Length: sector})
		if h.own == 1 && other >= size {
			t.Structures = append(t.Structures, fsys.Extent{Offset: other - size, Length: size})
		} else if h.own != 1 {
			t.Structures = append(t.Structures, fsys.Extent{Offset: 2 * sector, Length: size})
		}
	}
	for i := 0; i < len(array); i += int(h.entrySize) {
		t.addGPT(i/int(h.entrySize)+1, array[i:i+int(h.entrySize)], sector)
	}
	return t
}

func (t *Table) addGPT(index int, e []byte, sector int64) {
	kind := guid(e[:16])
	if kind == "00000000-0000-0000-0000-000000000000" {
		return
	}
	first, last := le.Uint64(e[32:]), le.Uint64(e[40:])
	const limit = 1 << 50 // sectors; no product below overflows
	if first > last || last >= limit {
		t.problem("partition %d: it goes from sector %d to %d", index, first, last)
		return
	}
	t.Partitions = append(t.Partitions, report.Partition{
		Index:      index,
		Start:      int64(first) * sector,
		Size:       int64(last-first+1) * sector,
		Type:       kind,
		UUID:       guid(e[16:32]),
		Label:      utf16Text(e[56:128]),
		Attributes: le.Uint64(e[48:]),
	})
}

// judge adds what contradicts the disk.
func (t *Table) judge(dev fsys.Device, protective bool) *Table {
	if !protective {
		t.problem("there is no protective boot record: firmware and kernels may not see the GPT")
	}
	for _, s := range t.Structures {
		if s.Offset+s.Length > dev.Size() {
			t.problem("a part of the GPT lies at byte %d, but the image ends at byte %d: it is truncated", s.Offset, dev.Size())
			break
		}
	}
	return t
}

// guid formats the mixed-endian form of the UEFI specification.
func guid(b []byte) string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:16])
}

// utf16Text decodes a name up to its first NUL.
func utf16Text(b []byte) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		u := le.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}
