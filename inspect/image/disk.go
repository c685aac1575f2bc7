package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/mapper"
	"github.com/assay-os/assay/inspect/image/partition"
	"github.com/assay-os/assay/inspect/image/pass"
	"github.com/assay-os/assay/report"
)

// errNoImage says that nothing was found in a file.
var errNoImage = errors.New("it is no image: neither an archive, nor a partition table, nor a filesystem was found in it")

// openDisk finds the partitions of a device, the devices that stand on them,
// and the filesystems on both.
func (i *Image) openDisk(ctx context.Context, dev Device, format string) error {
	dev = pass.Over(dev)
	i.Device = dev
	i.Disk = &report.Disk{Format: format, FormatVersion: i.formatVersion, BootCode: bootCodeOf(dev), Size: dev.Size(), PartitionTable: "none", SectorSize: 512, Partitions: []report.Partition{}}
	i.Subject = report.Subject{Kind: "disk", Format: format}
	table, err := readTable(dev)
	s := &stack{img: i}
	if err != nil || table.Kind == "none" {
		if _, found := probe(dev); !found && err != nil {
			return err
		} else if !found {
			return errNoImage
		}
		if err != nil {
			i.Problems = append(i.Problems, err)
		}
		s.push(&block{Device: dev, name: "disk", index: whole})
		s.run(ctx)
		return i.findRegions(&partition.Table{}, s.done)
	}
	i.Disk.PartitionTable, i.Disk.ID, i.Disk.SectorSize = table.Kind, table.ID, table.SectorSize
	i.Disk.Partitions = append(i.Disk.Partitions, table.Partitions...)
	i.Problems = append(i.Problems, table.Problems...)
	cover := hybrid(dev, table)
	if cover != nil {
		s.push(&block{Device: dev, name: "disk", index: whole})
	}
	for n := range i.Disk.Partitions {
		if cover == nil || i.Disk.Partitions[n].Index != cover.Index {
			s.pushPartition(n)
		}
	}
	s.run(ctx)
	if cover != nil && len(s.done) > 0 {
		i.Subject.Kind = "disk"
		s.done[0].shareWith(table, cover)
	}
	return i.findRegions(table, s.done)
}

// bootCodeOf tells whose program a disk begins with, as the name in its first
// sector says: GRUB's boot.S prints it. A sector that cannot be read is told where
// the table is read.
func bootCodeOf(dev Device) string {
	sector := make([]byte, 512)
	if n, err := dev.ReadAt(sector, 0); n == len(sector) || err == io.EOF {
		if bytes.Contains(sector[:n], []byte("GRUB")) {
			return "grub"
		}
	}
	return ""
}

// pushPartition has one partition looked into. What it cannot be read for it
// says in a volume.
func (s *stack) pushPartition(n int) {
	p := &s.img.Disk.Partitions[n]
	if size := s.img.Device.Size(); p.Start >= size || p.Size > size-p.Start {
		err := fmt.Errorf("partition %d: it goes to byte %d, but the image ends at byte %d: it is truncated", p.Index, p.Start+p.Size, size)
		s.img.Trees = append(s.img.Trees, Volume{Partition: p.Index, Err: err})
		return
	}
	if partition.Extended(*p) {
		return
	}
	name := fmt.Sprintf("partition %d", p.Index)
	content, err := mapper.Section(s.img.Device, p.Start, p.Size)
	if err != nil {
		s.img.Trees = append(s.img.Trees, Volume{Partition: p.Index, Err: fmt.Errorf("%s: %w", name, err)})
		return
	}
	s.push(&block{Device: content, name: name, start: p.Start, partition: p.Index, index: n})
}
