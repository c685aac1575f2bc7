package ext4

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"slices"
)

// The tags of a fast commit: fs/ext4/fast_commit.h.
const (
	fastAddRange = 1
	fastDelRange = 2
	fastCreate   = 3
	fastLink     = 4
	fastUnlink   = 5
	fastInode    = 6
	fastPad      = 7
	fastTail     = 8
	fastHead     = 9

	fastTagSize = 4
)

// errFastNames says which fast commits are not replayed. The kernel does not log
// the directory then, and gives it the time of the replay, which nobody knows
// beforehand.
var errFastNames = errors.New("it ends with fast commits that change names, which are not replayed: mount the filesystem once, or run e2fsck on a copy")

// A fastTagValue is one change that a fast commit logs.
type fastTagValue struct {
	tag   uint16
	value []byte
}

// A fastLog is what fast commits change in inodes, by number.
type fastLog struct {
	inodes map[uint32][]byte
	ranges map[uint32][]fastRange
}

// A fastRange is where blocks of a file lie by now. Physical is 0 of blocks that were
// removed, and of those that were not written to yet.
type fastRange struct {
	run
	removed bool
}

// fastCommits reads the fast commits that continue the log after the transaction
// before sequence. The area has no start of its own: what is in it counts as far
// as its ends match.
func (j *journal) fastCommits(sequence, first, last uint32) ([]fastTagValue, error) {
	var whole, open []fastTagValue
	crc := uint32(0)
	for n := first; n < last; n++ {
		b, err := j.block(n)
		if err != nil {
			return nil, err
		}
		if n == first && (le.Uint16(b) != fastHead || le.Uint32(b[8:]) != sequence) {
			return nil, nil
		}
		for len(b) >= fastTagSize {
			tag, size := le.Uint16(b), int(le.Uint16(b[2:]))
			if tag < fastAddRange || tag > fastHead || fastTagSize+size > len(b) {
				return whole, nil
			}
			value := b[fastTagSize : fastTagSize+size]
			switch tag {
			case fastTail:
				if size < 8 || le.Uint32(value) != sequence || crc32c(crc, b[:fastTagSize+4]) != le.Uint32(value[4:]) {
					return whole, incomplete(whole)
				}
				whole, open, crc = append(whole, open...), nil, 0
			case fastHead:
				if size < 8 || le.Uint32(value) != 0 {
					return nil, errors.New("fast commits with features that are not read")
				}
				fallthrough
			default:
				crc = crc32c(crc, b[:fastTagSize+size])
				open = append(open, fastTagValue{tag, value})
			}
			b = b[fastTagSize+size:]
		}
	}
	return whole, nil
}

// incomplete is the error of a first fast commit whose checksum is wrong; a later
// one ends the log.
func incomplete(before []fastTagValue) error {
	if len(before) > 0 {
		return nil
	}
	return errors.New("the checksum of the first fast commit does not match")
}

// newFastLog sorts changes by their inodes, in their order.
func newFastLog(tags []fastTagValue) (*fastLog, error) {
	log := &fastLog{inodes: map[uint32][]byte{}, ranges: map[uint32][]fastRange{}}
	for _, t := range tags {
		if t.tag == fastPad || t.tag == fastHead || t.tag == fastTail {
			continue
		}
		if t.tag == fastCreate || t.tag == fastLink || t.tag == fastUnlink {
			return nil, errFastNames
		}
		least := map[uint16]int{fastAddRange: 16, fastDelRange: 12, fastInode: 4 + 128}[t.tag]
		if len(t.value) < least {
			return nil, fmt.Errorf("fast commit: a change of kind %d has %d bytes", t.tag, len(t.value))
		}
		number, value := le.Uint32(t.value), t.value[4:]
		switch t.tag {
		case fastInode:
			log.inodes[number] = value
		case fastAddRange:
			log.ranges[number] = append(log.ranges[number], addedRange(value))
		case fastDelRange:
			log.ranges[number] = append(log.ranges[number], fastRange{run{logical: uint64(le.Uint32(value)), length: uint64(le.Uint32(value[4:]))}, true})
		}
	}
	return log, nil
}

// addedRange decodes a struct ext4_extent.
func addedRange(e []byte) fastRange {
	r := fastRange{run: run{logical: uint64(le.Uint32(e)), length: uint64(le.Uint16(e[4:]))}}
	if r.length > extentMaxLen {
		r.length -= extentMaxLen
		return r
	}
	r.physical = uint64(le.Uint16(e[6:]))<<32 | uint64(le.Uint32(e[8:]))
	return r
}

// inode puts what was logged of an inode over it: all but the map of blocks, which
// ranges change, unless it holds content. It tells whether there was something, and
// whether the inode has extents since.
func (l *fastLog) inode(number uint32, raw []byte) (found, converted bool) {
	logged, ok := l.inodes[number]
	if !ok {
		return false, false
	}
	before := le.Uint32(raw[0x20:])
	const area, generation = 0x28, 0x64
	copy(raw[:area], logged)
	copy(raw[generation:], logged[generation:])
	switch flags := le.Uint32(raw[0x20:]); {
	case flags&flagExtents != 0 && le.Uint16(raw[area:]) != extentMagic:
		empty := []byte{extentMagic & 0xff, extentMagic >> 8, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0}
		copy(raw[area:], empty) // a tree of no extents
	case flags&flagExtents == 0 && flags&flagInline != 0:
		copy(raw[area:generation], logged[area:generation])
	}
	return true, before&flagExtents == 0 && le.Uint32(raw[0x20:])&flagExtents != 0
}

// runs changes where the content of an inode lies.
func (l *fastLog) runs(fs *FS, ino *inode, runs []run) ([]run, error) {
	ranges := l.ranges[ino.number]
	if len(ranges) == 0 {
		return runs, nil
	}
	if ino.flags&flagExtents == 0 || ino.converted {
		return nil, errors.New("a fast commit puts content to blocks that was in the inode or in a block map: the kernel's replay loses it")
	}
	added := slices.Clone(runs)
	for _, r := range ranges {
		if r.physical > 0 && (r.physical >= fs.blocks || r.length > fs.blocks-r.physical) {
			return nil, fmt.Errorf("a fast commit puts %d blocks to block %d of %d", r.length, r.physical, fs.blocks)
		}
		runs = append(runs, r.run)
		if !r.removed {
			added = append(added, r.run)
		}
	}
	end := fs.blockCount(ino)
	runs = below(end, laterWins(runs))
	if !slices.Equal(runs, below(end, laterWins(added))) {
		return nil, errFastHole
	}
	return runs, nil
}

// errFastHole says which files are not read for now. Linux 6.18 leaves what was
// cut off where it was, and shows it again when the file grows.
var errFastHole = errors.New("a fast commit takes blocks out below its end, which the kernel's replay and e2fsck's do not do alike: run e2fsck on a copy")

// below cuts runs to the blocks before end, and joins those that are one piece.
func below(end uint64, runs []run) []run {
	var out []run
	for _, r := range runs {
		if r.logical >= end {
			break
		}
		r.length = min(r.length, end-r.logical)
		if n := len(out) - 1; n >= 0 && out[n].logical+out[n].length == r.logical && out[n].physical+out[n].length == r.physical {
			out[n].length += r.length
			continue
		}
		out = append(out, r)
	}
	return out
}

// laterWins joins runs that may overlap to such that do not, in order: of each block
// the last one tells. Runs without a place are holes.
func laterWins(runs []run) []run {
	var edges []uint64
	order := make([]int, len(runs)) // by where they start
	for i, r := range runs {
		edges = append(edges, r.logical, r.logical+r.length)
		order[i] = i
	}
	slices.Sort(edges)
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(runs[a].logical, runs[b].logical) })
	var out []run
	var over latest // those that start before an edge
	for i, at := range slices.Compact(edges) {
		for len(order) > 0 && runs[order[0]].logical <= at {
			heap.Push(&over, order[0])
			order = order[1:]
		}
		for len(over) > 0 && runs[over[0]].logical+runs[over[0]].length <= at {
			heap.Pop(&over)
		}
		if len(over) == 0 || runs[over[0]].physical == 0 {
			continue
		}
		r := runs[over[0]]
		out = append(out, run{at, r.physical + at - r.logical, edges[i+1] - at})
	}
	return out
}

// latest is a heap of the numbers of runs, the last one first.
type latest []int

func (h latest) Len() int           { return len(h) }
func (h latest) Less(i, j int) bool { return h[i] > h[j] }
func (h latest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *latest) Push(x any) { *h = append(*h, x.(int)) } //nolint:forcetypeassert // laterWins pushes nothing else

// Pop implements heap.Interface.
func (h *latest) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
