// Package layout describes a disk as one value: its partition table, its
// partitions, and the filesystem on each.
//
// Whoever needs to know something of the disk reads it here, so that nothing
// is said twice: the assembler that makes it, the fstab that mounts it, the
// boot loader that finds its root by UUID. The package computes and checks; it
// runs no tool and writes no byte.
package layout

// Sizes in bytes that a layout is built from.
const (
	DefaultSectorSize = 512
	DefaultAlignment  = 1 << 20
	// backupGPT is what the second GPT takes at the end of the disk: 32
	// sectors of entries and one header, UEFI 2.10, 5.3.
	backupGPT = 33
	// primaryGPT is the first sector that GPT leaves to partitions.
	primaryGPT = 34
)

// The partition tables.
const (
	GPT = "gpt"
	MBR = "mbr"
)

// A Layout is a disk. Every length is in bytes.
type Layout struct {
	// Label is the kind of the partition table, [GPT] or [MBR].
	Label string `json:"label"`
	// UUID is GPT's disk GUID, or MBR's disk id as "0x14fc63d2".
	UUID string `json:"uuid"`
	// Size is the whole disk's, a multiple of the alignment.
	Size int64 `json:"size"`
	// SectorSize is 512 when it is zero.
	SectorSize int64 `json:"sector_size,omitempty"`
	// Alignment is 1 MiB when it is zero.
	Alignment int64 `json:"alignment,omitempty"`
	// Partitions are in the order of their numbers, which is that of the disk.
	Partitions []Partition `json:"partitions"`
}

// A Partition is one entry of the table.
type Partition struct {
	// Name is GPT's partition label; MBR has none.
	Name string `json:"name,omitempty"`
	// Type is a name of [Types], a GUID, or MBR's code as "0x83".
	Type string `json:"type"`
	// UUID is GPT's unique GUID of the partition; MBR has none.
	UUID string `json:"uuid,omitempty"`
	// Start is the next aligned place when it is zero.
	Start int64 `json:"start,omitempty"`
	// Size is the rest of the disk when it is zero; only the last may fill.
	Size int64 `json:"size,omitempty"`
	// Bootable is MBR's active flag, and GPT's attribute 2.
	Bootable bool `json:"bootable,omitempty"`
	// Attributes are the numbers of GPT's attribute bits that are set.
	Attributes []int       `json:"attributes,omitempty"`
	Filesystem *Filesystem `json:"filesystem,omitempty"`
}

// A Filesystem is what a partition holds.
type Filesystem struct {
	Type  string `json:"type"`
	UUID  string `json:"uuid"`
	Label string `json:"label,omitempty"`
	// Mountpoint is where the tree's part lies that fills the filesystem;
	// one without it stays empty.
	Mountpoint string `json:"mountpoint,omitempty"`
}

// A Mount is one filesystem with its place in the tree: what fstab needs.
type Mount struct {
	// Index counts from 1, as partitions do.
	Index int
	Filesystem
}

// Mounts returns the filesystems that have a mountpoint, a parent before what
// is mounted in it.
func (l *Layout) Mounts() []Mount {
	var out []Mount
	for i, p := range l.Partitions {
		if p.Filesystem != nil && p.Filesystem.Mountpoint != "" {
			out = append(out, Mount{i + 1, *p.Filesystem})
		}
	}
	sortMounts(out)
	return out
}

// Holding returns the filesystem in which path, absolute and clean, lies, and
// the path inside of it; false when no filesystem is mounted above it.
func (l *Layout) Holding(path string) (Mount, string, bool) {
	mounts := l.Mounts()
	for i := len(mounts) - 1; i >= 0; i-- {
		if inner, ok := inside(mounts[i].Mountpoint, path); ok {
			return mounts[i], inner, true
		}
	}
	return Mount{}, "", false
}

// OfType returns the index (from 1) of the first partition of a well-known
// type, and zero when there is none.
func (l *Layout) OfType(name string) int {
	for i, p := range l.Partitions {
		if code, ok := l.typeCode(p.Type); ok && code == typeCodes(l.Label)[name] {
			return i + 1
		}
	}
	return 0
}
