package image

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/partition"
	"github.com/assay-os/assay/report"
)

// errNoImage says that nothing was found in a file.
var errNoImage = errors.New("it is no image: neither an archive, nor a partition table, nor a filesystem was found in it")

// openDisk finds the partitions and filesystems of a device.
func (i *Image) openDisk(ctx context.Context, dev Device, format string) error {
	i.Device = dev
	i.Disk = &report.Disk{Format: format, Size: dev.Size(), PartitionTable: "none", SectorSize: 512, Partitions: []report.Partition{}}
	i.Subject = report.Subject{Kind: "disk", Format: format}
	table, err := partition.Read(dev)
	if err != nil || table.Kind == "none" {
		found := i.openBare(ctx)
		if err != nil && found {
			i.Problems = append(i.Problems, err)
		}
		switch {
		case found:
			return i.findRegions(table)
		case err != nil:
			return err
		default:
			return errNoImage
		}
	}
	i.Disk.PartitionTable, i.Disk.ID, i.Disk.SectorSize = table.Kind, table.ID, table.SectorSize
	i.Disk.Partitions = append(i.Disk.Partitions, table.Partitions...)
	i.Problems = append(i.Problems, table.Problems...)
	for n := range i.Disk.Partitions {
		i.openPartition(ctx, &i.Disk.Partitions[n])
	}
	return i.findRegions(table)
}

// openBare takes the whole device as one filesystem.
func (i *Image) openBare(ctx context.Context) bool {
	f, ok := probe(i.Device)
	if !ok {
		return false
	}
	i.Subject.Kind = "filesystem"
	v := openFilesystem(ctx, i.Device, i.Device.Size(), f)
	i.Disk.Filesystem = &v.Filesystem
	i.Trees = append(i.Trees, v)
	return true
}

// openPartition looks into one partition. What it cannot read it says in
// the volume.
func (i *Image) openPartition(ctx context.Context, p *report.Partition) {
	size := i.Device.Size()
	if p.Start >= size || p.Size > size-p.Start {
		err := fmt.Errorf("it goes to byte %d, but the image ends at byte %d: it is truncated", p.Start+p.Size, size)
		i.Trees = append(i.Trees, Volume{Partition: p.Index, Err: fmt.Errorf("partition %d: %w", p.Index, err)})
		return
	}
	if partition.Extended(*p) {
		return
	}
	content := io.NewSectionReader(i.Device, p.Start, p.Size)
	f, ok := probe(content)
	if !ok {
		return
	}
	p.Filesystem = &f
	if f.Type == "swap" {
		return // it holds no files
	}
	v := openFilesystem(ctx, content, p.Size, f)
	v.Partition, v.start = p.Index, p.Start
	if v.Err != nil {
		v.Err = fmt.Errorf("partition %d: %w", p.Index, v.Err)
	}
	i.Trees = append(i.Trees, v)
}
