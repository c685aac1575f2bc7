package image

import (
	"github.com/assay-os/assay/inspect/image/fat"
	"github.com/assay-os/assay/inspect/image/partition"
)

// readTable reads the partition table of a disk. The boot sector of a FAT has
// the signature of an MBR, and mkfs.fat fills in a partition that is the
// filesystem itself: as for the kernel and blkid(8), it is no table.
func readTable(dev Device) (*partition.Table, error) {
	table, err := partition.Read(dev)
	if err != nil || table.Kind != "mbr" {
		return table, err
	}
	if _, ok := fat.Probe(dev); ok {
		return &partition.Table{Kind: "none"}, nil
	}
	return table, nil
}
