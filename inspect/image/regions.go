package image

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/partition"
	"github.com/assay-os/assay/report"
)

const (
	sector = 512
	// bootCode is where a boot record's code ends and its table begins.
	bootCode = 440
)

// findRegions lists the bytes that belong to no filesystem and are not all
// zero: boot code, the table, blocks without a filesystem, the gaps. Each is
// one range, cut to the sectors from the first to the last that is not zero.
// Digests are left to whoever reads the device.
func (i *Image) findRegions(table *partition.Table, blocks []*block) error {
	scan, err := newScanner(i.Device, "")
	if err != nil {
		return err
	}
	if i.Disk.PartitionTable != "none" {
		i.addTable(scan, table)
	}
	for _, b := range blocks {
		if !b.mapped {
			for _, p := range b.unowned {
				i.addRegion(scan, p.role, b.start+p.offset, p.length)
			}
		}
	}
	slices.SortStableFunc(i.Disk.Regions, func(a, b report.Region) int { return cmp.Compare(a.Offset, b.Offset) })
	if scan.err != nil {
		return scan.err
	}
	return i.findMappedRegions(blocks)
}

// addTable adds the boot code, the table itself, and what lies between the
// partitions.
func (i *Image) addTable(scan *scanner, table *partition.Table) {
	i.addRegion(scan, "boot code", 0, bootCode)
	taken := []fsys.Extent{{Length: bootCode}}
	for _, s := range table.Structures {
		i.addRegion(scan, "partition table", s.Offset, s.Length)
		taken = append(taken, s)
	}
	for _, p := range i.Disk.Partitions {
		if !partition.Extended(p) {
			taken = append(taken, fsys.Extent{Offset: p.Start, Length: p.Size})
		}
	}
	i.addGaps(scan, taken)
}

// findMappedRegions lists what no filesystem holds of the mapped devices, one
// device after the other. A device that cannot be read is told, not left out.
func (i *Image) findMappedRegions(blocks []*block) error {
	for _, b := range blocks {
		if !b.mapped || len(b.unowned) == 0 {
			continue
		}
		scan, err := newScanner(b.Device, b.name)
		if err != nil {
			return err
		}
		for _, p := range b.unowned {
			i.addRegion(scan, p.role, p.offset, p.length)
		}
		if scan.err != nil {
			i.Problems = append(i.Problems, fmt.Errorf("%s: %w", b.name, scan.err))
		}
	}
	return nil
}

// addGaps adds what lies between the parts that are taken.
func (i *Image) addGaps(scan *scanner, taken []fsys.Extent) {
	slices.SortFunc(taken, func(a, b fsys.Extent) int { return cmp.Compare(a.Offset, b.Offset) })
	last := int64(0)
	for _, p := range i.Disk.Partitions {
		last = max(last, p.Start+p.Size)
	}
	at := int64(0)
	for _, t := range append(taken, fsys.Extent{Offset: i.Device.Size()}) {
		role := "gap"
		if at >= last {
			role = "after last partition"
		}
		if t.Offset > at {
			i.addRegion(scan, role, at, t.Offset-at)
		}
		at = max(at, t.Offset+t.Length)
	}
}

func (i *Image) addRegion(scan *scanner, role string, offset, length int64) {
	offset, length = scan.trim(offset, length)
	if length > 0 {
		i.Disk.Regions = append(i.Disk.Regions, report.Region{Role: role, Device: scan.name, Offset: offset, Length: length})
	}
}

// A scanner finds what is not zero, without reading holes.
type scanner struct {
	dev  Device
	name string // of a mapped device
	runs []fsys.Extent
	err  error
}

func newScanner(dev Device, name string) (*scanner, error) {
	runs, err := dev.Extents()
	if err != nil {
		return nil, fmt.Errorf("find what the disk holds: %w", err)
	}
	return &scanner{dev: dev, name: name, runs: runs}, nil
}

// trim cuts a range to the sectors that are not zero at its ends; a range
// of zeros becomes empty. What lies beyond the device is left out.
func (s *scanner) trim(offset, length int64) (int64, int64) {
	end := min(offset+length, s.dev.Size())
	first := s.search(offset, end, false)
	if first < 0 {
		return offset, 0
	}
	last := s.search(offset, end, true)
	start := max(offset, first/sector*sector)
	return start, min(end, (last/sector+1)*sector) - start
}

// search returns the offset of the first or the last byte in a range that is not
// zero, or -1.
func (s *scanner) search(start, end int64, last bool) int64 {
	runs := s.runs
	if last {
		runs = slices.Clone(runs)
		slices.Reverse(runs)
	}
	for _, r := range runs {
		from, to := max(r.Offset, start), min(r.Offset+r.Length, end)
		if from >= to {
			continue
		}
		if at := s.searchRun(from, to, last); at >= 0 || s.err != nil {
			return at
		}
	}
	return -1
}

// searchRun reads one run piece by piece, from the end that is asked for.
func (s *scanner) searchRun(from, to int64, last bool) int64 {
	buf := make([]byte, min(1<<20, to-from))
	for from < to {
		n := min(int64(len(buf)), to-from)
		at := from
		if last {
			at = to - n
		}
		if got, err := s.dev.ReadAt(buf[:n], at); int64(got) < n {
			s.err = fmt.Errorf("read at byte %d: %w", at, err)
			return -1
		}
		if i := notZero(buf[:n], last); i >= 0 {
			return at + int64(i)
		}
		if last {
			to = at
		} else {
			from += n
		}
	}
	return -1
}

func notZero(b []byte, last bool) int {
	if !last {
		return slices.IndexFunc(b, func(c byte) bool { return c != 0 })
	}
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0 {
			return i
		}
	}
	return -1
}
