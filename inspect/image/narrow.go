package image

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/report"
)

// Narrow leaves of the image what one partition or mapped device holds, as if
// that had been opened alone. It is named by its number or its name.
func (i *Image) Narrow(ctx context.Context, partition string) error {
	if dev := i.Mapped[partition]; dev != nil {
		i.Trees, i.Problems, i.Mapped, i.Proofs = nil, nil, nil, nil
		return i.openDisk(ctx, dev, i.Disk.Format)
	}
	p, err := i.partition(partition)
	if err != nil {
		return err
	}
	part, err := newSection(i.Device, p.Start, p.Size)
	if err != nil {
		return fmt.Errorf("partition %d: %w", p.Index, err)
	}
	i.Trees, i.Problems, i.Mapped, i.Proofs = nil, nil, nil, nil
	if err := i.openDisk(ctx, part, i.Disk.Format); err != nil {
		return fmt.Errorf("partition %d: %w", p.Index, err)
	}
	return nil
}

// mappedNames lists the names that [Image.Narrow] knows, for an error.
func (i *Image) mappedNames() string {
	if len(i.Mapped) == 0 {
		return ""
	}
	return "; there are: " + strings.Join(slices.Sorted(maps.Keys(i.Mapped)), ", ")
}

func (i *Image) partition(number string) (*report.Partition, error) {
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 {
		return nil, fmt.Errorf("partition %q: neither a number from 1 on nor the name of a mapped device%s", number, i.mappedNames())
	}
	if i.Disk == nil || i.Disk.PartitionTable == "none" {
		return nil, fmt.Errorf("partition %d: there is no partition table", n)
	}
	for k := range i.Disk.Partitions {
		if p := &i.Disk.Partitions[k]; uint64(p.Index) == n {
			return p, nil
		}
	}
	return nil, fmt.Errorf("partition %d: the table has no such partition", n)
}

// A section is a run of a device as one of its own.
type section struct {
	*io.SectionReader
	extents []Extent
}

func newSection(dev Device, start, size int64) (*section, error) {
	if start > dev.Size() || size > dev.Size()-start {
		return nil, fmt.Errorf("it goes to byte %d, but the image ends at byte %d: it is truncated", start+size, dev.Size())
	}
	all, err := dev.Extents()
	if err != nil {
		return nil, err
	}
	s := &section{SectionReader: io.NewSectionReader(dev, start, size)}
	for _, x := range all {
		from, to := max(x.Offset, start), min(x.Offset+x.Length, start+size)
		if from >= to {
			continue
		}
		part := Extent{Offset: from - start, Length: to - from, Physical: -1}
		if x.Physical >= 0 {
			part.Physical = x.Physical + from - x.Offset
		}
		s.extents = append(s.extents, part)
	}
	return s, nil
}

// Extents implements fsys.Device.
func (s *section) Extents() ([]Extent, error) { return s.extents, nil }
