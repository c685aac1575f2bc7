package fat

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// Describe is what blkid(8) tells of the filesystem, and its own settings. A
// label that is not ASCII is read as code page 437, of which blkid shows the
// bare bytes.
func (fs *FS) Describe() report.Filesystem {
	f := report.Filesystem{Type: "vfat", Label: fs.label(), Settings: fs.settings()}
	if serial := le.Uint32(fs.raw[fs.serialAt():]); serial != 0 {
		f.UUID = fmt.Sprintf("%04X-%04X", serial>>16, serial&0xffff)
	}
	return f
}

// serialAt is where the serial number lies; the label follows it.
func (b *boot) serialAt() int {
	if b.bits == 32 {
		return 0x43
	}
	return 0x27
}

// label is the name of the first entry of the root directory that is one; that
// in the boot sector, which nothing keeps up, is a setting.
func (fs *FS) label() string {
	if fs.bits != 32 {
		return fs.labelAt(fs.rootStart(), fs.rootEntries*direntSize)
	}
	const most = 100 // clusters, for blkid
	n := fs.rootCluster
	for range most {
		if !fs.table.valid(n) {
			break
		}
		if label := fs.labelAt(fs.clusterAt(n), fs.clusterSize); label != "" {
			return label
		}
		next, err := fs.table.next(n)
		if err != nil {
			break
		}
		n = next
	}
	return ""
}

func (fs *FS) labelAt(at, size int64) string {
	data := make([]byte, size)
	got, _ := fs.r.ReadAt(data, at) // what is missing has no label
	for data = data[:got]; len(data) >= direntSize && data[0] != 0; data = data[direntSize:] {
		used := data[0] != 0xe5 && data[11] != attrLong
		if used && data[11]&(attrVolume|attrDirectory) == attrVolume && le.Uint16(data[20:]) == 0 && le.Uint16(data[26:]) == 0 {
			return labelText(data[:11])
		}
	}
	return ""
}

func labelText(b []byte) string { return strings.TrimRight(string(decode437(b)), " ") }

// settings are the fields of the boot sector that are not the place of something.
// Who boots from it reads them all.
func (fs *FS) settings() map[string]string {
	raw := fs.raw[:]
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	m := map[string]string{
		"version":           fmt.Sprint("FAT", fs.bits),
		"sector_size":       number(fs.sectorSize),
		"cluster_size":      number(fs.clusterSize),
		"clusters":          number(int64(fs.clusters)),
		"sectors":           number(fs.sectors),
		"tables":            number(fs.tables),
		"table_size":        number(fs.tableSize),
		"reserved_sectors":  number(fs.reserved),
		"root_entries":      number(fs.rootEntries),
		"media":             fmt.Sprintf("%#x", raw[0x15]),
		"sectors_per_track": number(int64(le.Uint16(raw[0x18:]))),
		"heads":             number(int64(le.Uint16(raw[0x1a:]))),
		"hidden_sectors":    number(int64(le.Uint32(raw[0x1c:]))),
		"drive":             fmt.Sprintf("%#x", raw[fs.serialAt()-3]),
		"boot_signature":    fmt.Sprintf("%#x", raw[fs.serialAt()-1]),
	}
	if label := labelText(raw[fs.serialAt()+4:][:11]); fs.named() && label != "NO NAME" {
		m["boot_label"] = label
	}
	if fs.bits == 32 {
		m["info_sector"] = number(int64(le.Uint16(raw[0x30:])))
		m["backup_boot_sector"] = number(int64(le.Uint16(raw[0x32:])))
		m["root_cluster"] = number(int64(fs.rootCluster))
		m["fat32_version"] = fmt.Sprintf("%d.%d", raw[0x2b], raw[0x2a])
	}
	if fs.dirty() {
		m["state"] = "dirty"
	}
	if !fs.backupSame() {
		m["backup"] = "differs"
	}
	return m
}

// dirty tells whether somebody had the filesystem mounted last and did not end:
// Linux and Windows each have a flag of their own.
func (fs *FS) dirty() bool {
	if fs.raw[fs.serialAt()-2]&1 != 0 {
		return true
	}
	clean := map[int]uint32{16: 0x8000, 32: 0x08000000}[fs.bits]
	v, err := fs.table.entry(1)
	return err == nil && v&clean != clean
}

// named tells whether the boot sector has a serial number and a label: without
// the mark, code may stand there.
func (b *boot) named() bool { return b.raw[b.serialAt()-1]&^1 == 0x28 }

// bpb is where the fields are in a boot sector that Describe tells of.
func (b *boot) bpb() fsys.Extent {
	const first, nameLength = 0xb, 4 + 11
	end := b.serialAt()
	if b.named() {
		end += nameLength
	}
	return fsys.Extent{Offset: first, Length: int64(end) - first}
}

// backupSame tells whether the copy of the boot sector has the same fields, but
// for the flags of the first.
func (fs *FS) backupSame() bool {
	at := fs.backupSector()
	if at == 0 {
		return true
	}
	bpb := fs.bpb()
	other := make([]byte, bpb.Length)
	if got, _ := fs.r.ReadAt(other, at+bpb.Offset); got < len(other) {
		return false
	}
	own := bytes.Clone(fs.raw[bpb.Offset : bpb.Offset+bpb.Length])
	state := fs.serialAt() - 2 - int(bpb.Offset)
	own[state], other[state] = 0, 0
	return bytes.Equal(own, other)
}

// Reserved implements fsys.Filesystem: a boot loader's are the sectors before the
// first table, but for the fields that Describe tells and the counts of free
// clusters, which are no more than a hint.
func (fs *FS) Reserved() []fsys.Extent {
	taken := []fsys.Extent{fs.bpb(), {Offset: fs.tableStart()}}
	info, backup := fs.infoSector(), fs.backupSector()
	if backup != 0 {
		taken = append(taken, fsys.Extent{Offset: backup + fs.bpb().Offset, Length: fs.bpb().Length})
	}
	for _, sector := range []int64{info, backup + info} { // the copy has its own counts
		if info != 0 && sector+fs.sectorSize <= fs.tableStart() {
			taken = append(taken, fsys.Extent{Offset: sector + 0x1e8, Length: 8})
		}
	}
	slices.SortFunc(taken, func(a, b fsys.Extent) int { return cmp.Compare(a.Offset, b.Offset) })
	var out []fsys.Extent
	at := int64(0)
	for _, t := range taken {
		if t.Offset > at {
			out = append(out, fsys.Extent{Offset: at, Length: t.Offset - at})
		}
		at = max(at, t.Offset+t.Length)
	}
	return out
}
