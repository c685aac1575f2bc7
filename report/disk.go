package report

// A Disk is what surrounds the filesystems of an image: its container, its
// partition table, and every byte that belongs to no filesystem.
type Disk struct {
	// Format is the container's: "raw", "qcow2", ...
	Format string `json:"format"`
	// FormatVersion is what qemu-img(1) calls compat of a qcow2 image: "0.10" or "1.1".
	FormatVersion string `json:"format_version,omitempty"`
	// BootCode is whose program the first sector holds: "grub", or empty where
	// it is none that is known.
	BootCode string `json:"boot_code,omitempty"`
	// Size is the guest-visible size in bytes.
	Size int64 `json:"size"`
	// Digest is the hex SHA-256 over the guest-visible content, in the form
	// that package inspect documents; empty when it was not computed.
	Digest string `json:"digest,omitempty"`
	// PartitionTable is "gpt", "mbr", or "none".
	PartitionTable string `json:"partition_table"`
	// ID is the disk's own: GPT's disk GUID (lower case) or MBR's "0x%08x".
	ID         string `json:"id,omitempty"`
	SectorSize int    `json:"sector_size"`
	// Filesystem is the one that takes the whole disk, where there is no table.
	Filesystem *Filesystem `json:"filesystem,omitempty"`
	Partitions []Partition `json:"partitions"`
	// Mapped are the devices that stand on partitions or on each other, in the
	// order in which they were put together.
	Mapped []MappedDevice `json:"mapped,omitempty"`
	// Regions are the non-zero runs outside of every partition, and the
	// content of partitions and mapped devices that hold no filesystem.
	Regions []Region `json:"regions,omitempty"`
}

// A Partition is one entry of the partition table. Start and Size are bytes.
type Partition struct {
	// Index counts from 1, as the kernel numbers partitions.
	Index int   `json:"index"`
	Start int64 `json:"start"`
	Size  int64 `json:"size"`
	// Type is GPT's type GUID (lower case) or MBR's "0x%02x".
	Type       string      `json:"type"`
	UUID       string      `json:"uuid,omitempty"`
	Label      string      `json:"label,omitempty"`
	Bootable   bool        `json:"bootable,omitempty"`
	Attributes uint64      `json:"attributes,omitempty"`
	Filesystem *Filesystem `json:"filesystem,omitempty"`
}

// A MappedDevice is a block device that a running system makes of others: a
// logical volume, an opened LUKS volume, a verified device, an array.
type MappedDevice struct {
	// Name is "GROUP/VOLUME" (LVM), "luks-UUID", "verity of partition 3",
	// "md/NAME"; unique within a report.
	Name string `json:"name"`
	// Type is "lvm2", "crypt", "verity" or "raid".
	Type string `json:"type"`
	UUID string `json:"uuid,omitempty"`
	// Size is in bytes.
	Size int64 `json:"size"`
	// Members are what it stands on: "partition 2", "disk", or the name of
	// another mapped device.
	Members []string `json:"members"`
	// Settings are what its own metadata says of how it is read, by the names
	// that the reader of its type gives them.
	Settings   map[string]string `json:"settings,omitempty"`
	Filesystem *Filesystem       `json:"filesystem,omitempty"`
}

// A Filesystem is what blkid(8) tells of one.
type Filesystem struct {
	Type  string `json:"type"`
	UUID  string `json:"uuid,omitempty"`
	Label string `json:"label,omitempty"`
	// Features are the names of the feature flags that change what a reader
	// may do with the filesystem, sorted.
	Features []string `json:"features,omitempty"`
	// Settings are what the filesystem itself says of how it is mounted and how
	// large it is, by the names that the reader of its type gives them.
	Settings map[string]string `json:"settings,omitempty"`
	// Mountpoint is where it lies in the report's tree: where the image's own
	// fstab or the partition's type puts it; empty when nowhere.
	Mountpoint string `json:"mountpoint,omitempty"`
}

// A Region is a run of bytes that belongs to no filesystem.
type Region struct {
	// Role is "boot code", "partition table", "gap", "partition 1", "after last partition".
	Role string `json:"role"`
	// Device is the name of the mapped device that Offset counts in; empty for
	// the disk itself.
	Device string `json:"device,omitempty"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	SHA256 string `json:"sha256"`
	// Roles is the hex SHA-256 of the bytes with the disk's identifiers
	// replaced by their roles, where they are those of a partition table or of
	// a swap area; empty where none is in it.
	Roles string `json:"roles,omitempty"`
}
