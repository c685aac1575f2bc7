package image

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/luks"
	"github.com/assay-os/assay/inspect/image/lvm"
	"github.com/assay-os/assay/inspect/image/swap"
	"github.com/assay-os/assay/inspect/image/verity"
	"github.com/assay-os/assay/report"
)

// maxStack bounds devices that stand on each other; a root on LVM on LUKS on an
// array is the fourth.
const maxStack = 8

// whole is the index of the block that is the whole disk.
const whole = -1

// A block is a device that is looked into: the disk without a table, a
// partition, a mapped device.
type block struct {
	Device
	// name is "disk", "partition 2", or the mapped device's.
	name string
	// partition is the number of the partition, 0 for others.
	partition int
	mapped    bool
	// index is the place in Disk.Partitions, or in Disk.Mapped; or whole.
	index int
	// start is where a partition lies on the disk.
	start int64
	// depth is how many devices it stands on.
	depth int
	// unowned is what no filesystem and no other device holds.
	unowned []part
}

// A part is a range of a block that a region may come from.
type part struct {
	role           string
	offset, length int64
}

// leave adds a part that belongs to nobody.
func (b *block) leave(what string, offset, length int64) {
	role := what
	switch {
	case what == "":
		role = b.name
	case b.index != whole:
		role = what + " of " + b.name
	}
	b.unowned = append(b.unowned, part{role, offset, length})
}

// A stack looks into blocks, one after the other, and puts those together
// that make up others, until nothing new comes of it.
type stack struct {
	img   *Image
	queue []*block
	done  []*block
	// physical are LVM's, with their blocks; grouped are the groups that were
	// put together.
	physical []*lvm.Physical
	lvmOn    map[string]*block
	grouped  map[string]bool
	trees    []hashTree
	members  []raidMember
}

// A layer is a kind of content that other devices are made of.
type layer struct {
	// probe tells whether it is on a device, at the cost of a few reads.
	probe func(io.ReaderAt) (report.Filesystem, bool)
	// open takes a block that it is on.
	open func(*stack, context.Context, *block, report.Filesystem)
}

// layers are in the order in which they are looked for, which is before
// filesystems: what such a device holds may begin at its first byte, too.
func layers() []layer {
	return []layer{
		{probeRAID, (*stack).addMember},
		{lvm.Probe, (*stack).addPhysical},
		{verity.Probe, (*stack).addHashTree},
		{luks.Probe, (*stack).addCrypt},
		{swap.Probe, (*stack).addSwap},
	}
}

func (s *stack) push(b *block) { s.queue = append(s.queue, b) }

// run empties the queue. What cannot be read becomes a volume with an error.
func (s *stack) run(ctx context.Context) {
	for {
		for len(s.queue) > 0 && ctx.Err() == nil {
			b := s.queue[0]
			s.queue = s.queue[1:]
			s.done = append(s.done, b)
			s.look(ctx, b)
		}
		if ctx.Err() != nil {
			return
		}
		if !s.joinMembers() && !s.assemble() {
			s.pairTrees(ctx)
			return
		}
	}
}

// look finds out what is on a block.
func (s *stack) look(ctx context.Context, b *block) {
	for _, l := range layers() {
		if f, ok := l.probe(b); ok {
			s.name(b, &f)
			l.open(s, ctx, b, f)
			return
		}
	}
	f, ok := probe(b)
	if !ok {
		b.leave("", 0, b.Size())
		return
	}
	s.name(b, &f)
	s.openFilesystem(ctx, b, f)
}

// addSwap leaves a swap area to those who compare bytes: it holds no files.
func (s *stack) addSwap(_ context.Context, b *block, f report.Filesystem) {
	b.leave("", 0, b.Size())
	if b.index == whole {
		s.refuse(b, f, errors.New("it holds no files"))
	}
}

// name writes into the report what is on a block.
func (s *stack) name(b *block, f *report.Filesystem) {
	switch {
	case b.index == whole:
		s.img.Disk.Filesystem = f
	case b.mapped:
		s.img.Disk.Mapped[b.index].Filesystem = f
	default:
		s.img.Disk.Partitions[b.index].Filesystem = f
	}
}

// settle adds settings to what is on a block.
func (s *stack) settle(b *block, settings map[string]string) {
	f := *s.content(b)
	f.Settings = settings
	s.name(b, &f)
}

// openFilesystem adds the volume of a filesystem.
func (s *stack) openFilesystem(ctx context.Context, b *block, f report.Filesystem) {
	if b.index == whole {
		s.img.Subject.Kind = "filesystem"
	}
	v := openFilesystem(ctx, b, b.Size(), f)
	if fs, ok := v.Tree.(fsys.Filesystem); ok {
		for _, r := range fs.Reserved() {
			b.leave("boot code", r.Offset, min(r.Length, b.Size()-r.Offset))
		}
		end := s.findTree(ctx, b, fs, s.content(b))
		b.leave("after the filesystem", end, b.Size()-end)
	}
	s.add(b, v)
}

// add adds a volume under the name of its block.
func (s *stack) add(b *block, v Volume) {
	v.Partition, v.start = b.partition, b.start
	if b.mapped {
		v.Mapped, v.start = b.name, -1
	}
	if v.Err != nil && b.index != whole {
		v.Err = fmt.Errorf("%s: %w", b.name, v.Err)
	}
	s.img.Trees = append(s.img.Trees, v)
}

// refuse adds a volume that cannot be read.
func (s *stack) refuse(b *block, f report.Filesystem, err error) {
	s.add(b, Volume{Filesystem: f, Err: fmt.Errorf("%s: %w", f.Type, err)})
}

// addMapped has a mapped device looked into; dev is nil when it cannot be read
// because of err.
func (s *stack) addMapped(m report.MappedDevice, dev Device, depth int, kind string, err error) {
	b := &block{Device: dev, name: m.Name, mapped: true, index: len(s.img.Disk.Mapped), depth: depth}
	s.img.Disk.Mapped = append(s.img.Disk.Mapped, m)
	if err == nil && depth > maxStack {
		err = fmt.Errorf("more than %d devices stand on each other", maxStack)
	}
	if err != nil {
		s.add(b, Volume{Filesystem: report.Filesystem{Type: kind}, Err: err})
		return
	}
	if s.img.Mapped == nil {
		s.img.Mapped = map[string]Device{}
	}
	s.img.Mapped[m.Name] = dev
	s.push(b)
}

// problem records what is wrong around a block.
func (s *stack) problem(b *block, err error) {
	s.img.Problems = append(s.img.Problems, fmt.Errorf("%s: %w", b.name, err))
}
