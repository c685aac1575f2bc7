package erofs

import (
	"errors"
	"fmt"
	"math"
)

// The kinds of an entry of an index.
const (
	kindPlain   = 0
	kindHead1   = 1
	kindNonhead = 2
	kindHead2   = 3
)

const (
	// isCount marks, in the distance of a cluster that is no head, the number
	// of blocks of its physical cluster.
	isCount     = 1 << 11
	partialHead = 1 << 15
)

// A lcluster is one entry of an index: what lies in one logical cluster.
type lcluster struct {
	kind    byte
	offset  int    // of a head: where it starts in the logical cluster
	block   uint64 // of a head: where the physical cluster starts
	partial bool
	// distance is, of what is no head, the way back to the head, or towards
	// it; or the number of blocks with isCount. 0 is not known.
	distance int
}

// An assembler makes extents of the entries of an index, in their order.
type assembler struct {
	fs      *FS
	ino     *inode
	h       *mapHeader
	cluster int64 // the entry that comes next
	head    lcluster
	since   int  // entries since the head
	waiting bool // for the number of blocks
	out     []extent
}

// count is how many logical clusters the content has.
func (a *assembler) count() int64 { return (a.ino.length-1)>>a.h.bits + 1 }

// full reads an index of 8 bytes for each cluster, and returns its end.
func (a *assembler) full(area area) (int64, error) {
	const entry, unused = 8, 8
	start := a.h.at + unused
	t := table{area: area, at: start, left: a.count()}
	for range a.count() {
		b, err := t.next(entry)
		if err != nil {
			return 0, err
		}
		advise := le.Uint16(b)
		l := lcluster{kind: byte(advise & 3), offset: int(le.Uint16(b[2:])), block: uint64(le.Uint32(b[4:])), partial: advise&partialHead != 0}
		if l.kind == kindNonhead {
			l = lcluster{kind: kindNonhead, distance: int(le.Uint16(b[4:]))}
			if l.distance == 0 {
				return 0, errors.New("it is no head and has none")
			}
		}
		if err := a.add(l); err != nil {
			return 0, err
		}
	}
	return start + a.count()*entry, nil
}

// add takes the next entry.
func (a *assembler) add(l lcluster) error {
	defer func() { a.cluster++ }()
	if l.kind == kindNonhead {
		return a.follow(l)
	}
	a.settle(1)
	if l.offset>>a.h.bits != 0 {
		return fmt.Errorf("it starts at byte %d of 2^%d", l.offset, a.h.bits)
	}
	at := a.cluster<<a.h.bits + int64(l.offset)
	if at >= a.ino.length {
		return nil // mkfs.erofs marks the end so
	}
	if len(a.out) == 0 && at != 0 {
		return errors.New("the first one does not start at byte 0")
	}
	if err := a.close(at); err != nil {
		return err
	}
	a.head, a.since = l, 0
	a.waiting = a.h.advise&a.big(l.kind) != 0 && (a.cluster+1)<<a.h.bits < a.ino.length
	e := extent{offset: at, at: a.byte(l.block), size: uint32(a.fs.blockSize), partial: l.partial}
	if l.kind != kindPlain {
		e.method = a.h.methods[l.kind>>1]
	}
	a.out = append(a.out, e)
	return nil
}

// byte is where a block starts; one that is nowhere stays outside of every device.
func (a *assembler) byte(block uint64) int64 {
	if block >= 1<<47 {
		return math.MaxInt64
	}
	return int64(block) << a.fs.blockBits
}

// big is the flag that says that clusters of a kind may have several blocks.
func (a *assembler) big(kind byte) uint16 {
	if kind == kindHead1 {
		return adviseBig1
	}
	return adviseBig2
}

// follow takes an entry that is no head.
func (a *assembler) follow(l lcluster) error {
	if len(a.out) == 0 {
		return errors.New("the first one is no head")
	}
	a.since++
	switch counted := l.distance&isCount != 0; {
	case counted && a.waiting:
		blocks := l.distance &^ isCount // 0 of a tail that lies elsewhere
		if int64(blocks)<<a.fs.blockBits > maxCluster {
			return fmt.Errorf("a cluster of %d blocks", blocks)
		}
		a.settle(blocks)
	case counted || a.waiting:
		return errors.New("the number of blocks is not where it must be")
	case l.distance > a.since:
		return fmt.Errorf("its head is %d clusters before, not %d", a.since, l.distance)
	}
	return nil
}

// settle sets how many blocks the last cluster has, once.
func (a *assembler) settle(blocks int) {
	if a.waiting {
		a.out[len(a.out)-1].size = uint32(blocks) << a.fs.blockBits
		a.waiting = false
	}
}

// close ends the last extent before a byte.
func (a *assembler) close(end int64) error {
	if len(a.out) == 0 {
		return nil
	}
	last := len(a.out) - 1
	e := &a.out[last]
	e.length = end - e.offset
	if e.method != stored {
		return nil
	}
	parts, err := unfold(*e, a.h.advise&adviseInterlaced != 0, a.fs.blockSize)
	a.out = append(a.out[:last], parts...)
	return err
}

// finish ends the index, whose end is where a packed tail lies.
func (a *assembler) finish(end int64) error {
	a.settle(1)
	if len(a.out) == 0 {
		return errors.New("its index has no head")
	}
	last := &a.out[len(a.out)-1]
	switch {
	case a.h.advise&adviseFragment != 0:
		at := a.h.packed
		if a.ino.layout == layoutFull {
			at |= int64(a.head.block&(1<<31-1)) << 32
		}
		*last = extent{offset: last.offset, length: a.ino.length - last.offset, at: at, method: fragment}
		return nil
	case a.h.tail > 0:
		if end&(a.fs.blockSize-1)+int64(a.h.tail) > a.fs.blockSize {
			return fmt.Errorf("a tail of %d bytes behind the index passes its block", a.h.tail)
		}
		last.at, last.size, last.box = end, uint32(a.h.tail), a.ino.box
	}
	return a.close(a.ino.length)
}

// unfold tells where the bytes of a cluster that is not compressed lie. Where
// they are interlaced, each keeps its place in the block: those up to the end
// of the first logical block are at the end of the cluster.
func unfold(e extent, interlaced bool, blockSize int64) ([]extent, error) {
	if e.length > int64(e.size) {
		return nil, fmt.Errorf("%d bytes lie in %d", e.length, e.size)
	}
	if !interlaced {
		return []extent{e}, nil
	}
	if int64(e.size)&(blockSize-1) != 0 {
		return nil, fmt.Errorf("%d bytes that are interlaced are no whole blocks", e.size)
	}
	first := blockSize - e.offset&(blockSize-1)
	head, rest := e, e
	head.at += int64(e.size) - first
	head.length = min(first, e.length)
	rest.offset += head.length
	rest.length -= head.length
	if rest.length == 0 {
		return []extent{head}, nil
	}
	return []extent{head, rest}, nil
}
