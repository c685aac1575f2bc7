package inspect

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// maxTableRegion bounds a region that is searched for a partition table's ids;
// arrays of entries are no larger.
const maxTableRegion = 8 << 20

// A roleSpan is a run of bytes that holds an identifier, or the checksum over one.
type roleSpan struct {
	offset int64
	length int
	role   string
}

// identitySpans finds the identifiers of the disk in a region. Only those at the
// places that a partition table and a swap area have for them count.
func (in *inspection) identitySpans(r report.Region, part *deviceRange) ([]roleSpan, error) {
	if f, start := in.contentOf(r); f != nil && f.Type == "swap" {
		return in.swapSpans(part, start-r.Offset)
	}
	if r.Role != "partition table" || r.Device != "" || r.Length > maxTableRegion {
		return nil, nil
	}
	b := make([]byte, r.Length)
	if err := readFull(part, b, 0); err != nil {
		return nil, err
	}
	switch {
	case in.report.Disk.PartitionTable == "mbr":
		return in.mbrSpans(r, b), nil
	case in.report.Disk.PartitionTable != "gpt":
		return nil, nil
	case len(b) >= 92 && string(b[:8]) == "EFI PART":
		return in.headerSpans(b, part.d), nil
	default:
		return in.entrySpans(b), nil
	}
}

// contentOf is what the record says is on the device that a region is all of,
// and where on the region's device it begins.
func (in *inspection) contentOf(r report.Region) (*report.Filesystem, int64) {
	for _, p := range in.report.Disk.Partitions {
		if r.Device == "" && r.Role == fmt.Sprintf("partition %d", p.Index) {
			return p.Filesystem, p.Start
		}
	}
	for _, m := range in.report.Disk.Mapped {
		if r.Device == m.Name && r.Role == m.Name {
			return m.Filesystem, 0
		}
	}
	return nil, 0
}

// swapSpans finds the UUID of a swap area: Linux, include/linux/swap.h, union
// swap_header. Start is where the area begins, from the region's start.
func (in *inspection) swapSpans(part *deviceRange, start int64) ([]roleSpan, error) {
	const at = 1024 + 12
	off := start + at
	if off < 0 || off+16 > part.size {
		return nil, nil
	}
	b := make([]byte, 16)
	if err := readFull(part, b, off); err != nil {
		return nil, err
	}
	if role := in.identities.Role(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])); role != "" {
		return []roleSpan{{off, 16, role}}, nil
	}
	return nil, nil
}

// mbrSpans finds the disk's id, four bytes from byte 440 on.
func (in *inspection) mbrSpans(r report.Region, b []byte) []roleSpan {
	at := 440 - r.Offset
	if at < 0 || at+4 > r.Length {
		return nil
	}
	role := in.identities.Role(fmt.Sprintf("0x%08x", binary.LittleEndian.Uint32(b[at:])))
	if role == "" {
		return nil
	}
	return []roleSpan{{at, 4, role}}
}

// headerSpans finds the disk's id in a GPT header, and the checksums over it and
// over the partitions' ids, where they are right: UEFI specification, 5.3.2.
func (in *inspection) headerSpans(b []byte, disk image.Device) []roleSpan {
	le := binary.LittleEndian
	var spans []roleSpan
	if size := int(le.Uint32(b[12:])); size >= 92 && size <= len(b) {
		h := append([]byte{}, b[:size]...)
		clear(h[16:20])
		if crc32.ChecksumIEEE(h) == le.Uint32(b[16:]) {
			spans = append(spans, roleSpan{16, 4, "checksum of the header"})
		}
	}
	if role := in.identities.Role(gptID(b[56:72])); role != "" {
		spans = append(spans, roleSpan{56, 16, role})
	}
	if sum, ok := in.entriesSum(b, disk); ok && sum == le.Uint32(b[88:]) {
		spans = append(spans, roleSpan{88, 4, "checksum of the entries"})
	}
	return spans
}

// entriesSum is the checksum of the entries that a header points to.
func (in *inspection) entriesSum(b []byte, disk image.Device) (uint32, bool) {
	le := binary.LittleEndian
	sector := uint64(in.report.Disk.SectorSize)
	at, size := le.Uint64(b[72:]), uint64(le.Uint32(b[80:]))*uint64(le.Uint32(b[84:]))
	if sector == 0 || size > maxTableRegion || at > uint64(disk.Size())/sector {
		return 0, false
	}
	entries := make([]byte, size)
	if err := readFull(disk, entries, int64(at*sector)); err != nil {
		return 0, false // the entries' own region tells of it
	}
	return crc32.ChecksumIEEE(entries), true
}

// entrySpans finds the partitions' ids in the entries of a GPT.
func (in *inspection) entrySpans(b []byte) []roleSpan {
	const entry = 128
	var spans []roleSpan
	for at := 0; at+entry <= len(b); at += entry {
		if role := in.identities.Role(gptID(b[at+16 : at+32])); role != "" {
			spans = append(spans, roleSpan{int64(at) + 16, 16, role})
		}
	}
	return spans
}

// gptID is the text of an id in GPT's order of bytes.
func gptID(b []byte) string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:16])
}

// A maskedRange reads zeros where the spans are.
type maskedRange struct {
	*deviceRange
	spans []roleSpan
}

func (m *maskedRange) ReadAt(p []byte, off int64) (int, error) {
	n, err := m.deviceRange.ReadAt(p, off)
	for _, s := range m.spans {
		from, to := max(s.offset, off), min(s.offset+int64(s.length), off+int64(n))
		if from < to {
			clear(p[from-off : to-off])
		}
	}
	return n, err
}

// sumByRole is the digest of a region with the spans' roles in their place.
func sumByRole(masked [sha256.Size]byte, spans []roleSpan) string {
	h := sha256.New()
	fmt.Fprint(h, "identity 1\n")
	h.Write(masked[:])
	for _, s := range spans {
		fmt.Fprintf(h, "%d %d %q\n", s.offset, s.length, s.role)
	}
	return hex.EncodeToString(h.Sum(nil))
}
