package image

import (
	"cmp"
	"slices"

	"github.com/assay-os/assay/inspect/image/fat"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/iso9660"
	"github.com/assay-os/assay/inspect/image/partition"
	"github.com/assay-os/assay/report"
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

// The start of an ISO image: what its makers leave to boot loaders, and the size
// of its sectors.
const (
	isoSystemArea = 32 << 10
	isoSector     = 2048
)

// hybrid finds the partition that stands for the whole of an ISO image which can
// be written to a disk, too: it holds the image's descriptors, and starts at
// one of its sectors. It is nil for other disks, also those on which an ISO image
// was before they were partitioned.
func hybrid(dev Device, table *partition.Table) *report.Partition {
	if _, ok := iso9660.Probe(dev); !ok {
		return nil
	}
	for i := range table.Partitions {
		p := &table.Partitions[i]
		if p.Start <= isoSystemArea && p.Start%isoSector == 0 && p.Size > isoSystemArea-p.Start {
			return p
		}
	}
	return nil
}

// shareWith takes from what the ISO image leaves to others the bytes that
// belong to the partition table, and those that are after the partition
// which stands for the image.
func (b *block) shareWith(table *partition.Table, cover *report.Partition) {
	taken := append([]fsys.Extent{{Length: bootCode}}, table.Structures...)
	slices.SortFunc(taken, func(a, b fsys.Extent) int { return cmp.Compare(a.Offset, b.Offset) })
	taken = append(taken, fsys.Extent{Offset: cover.Start + cover.Size, Length: b.Size()})
	var out []part
	for _, p := range b.unowned {
		at, end := p.offset, p.offset+p.length
		for _, t := range taken {
			if t.Offset > at {
				if n := min(t.Offset, end) - at; n > 0 {
					out = append(out, part{p.role, at, n})
				}
			}
			at = max(at, t.Offset+t.Length)
		}
		if at < end {
			out = append(out, part{p.role, at, end - at})
		}
	}
	b.unowned = out
}
