package vhdx

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

const (
	logSector      = 4 << 10
	entryHeader    = 64
	descriptorLen  = 32
	maxLog         = 1 << 30
	maxDescriptors = 1 << 20
	// maxGrowth bounds how much longer than the file what the log describes may be.
	maxGrowth = 4 << 30
)

// A log is the ring of entries.
type log struct {
	blockmap.Medium
	*header
	// budget bounds the work, in bytes that are looked at: entries that are not
	// sound may claim any length.
	budget int64
}

// An entry is a sound one.
type entry struct {
	at, length  int64 // in the ring
	tail        int64
	sequence    uint64
	descriptors uint32
	flushed     int64
	last        int64
}

// replay gives the file as it is when the log was written to its places. The
// problem is a log in which nothing is to be replayed.
func replay(m blockmap.Medium, h *header) (out blockmap.Medium, problem, err error) {
	if h.logLength < mib || h.logLength%mib != 0 || h.logLength > maxLog || h.logOffset < mib || h.logOffset%mib != 0 {
		return m, nil, fmt.Errorf("%d bytes at byte %d are impossible", h.logLength, uint64(h.logOffset))
	}
	if h.logOffset > m.Size-h.logLength {
		return m, nil, fmt.Errorf("it goes to byte %d, the file ends at byte %d: it is truncated", h.logOffset+h.logLength, m.Size)
	}
	l := &log{Medium: m, header: h, budget: 16*h.logLength + 64*mib}
	active, err := l.active()
	if err != nil {
		return m, nil, err
	}
	if len(active) == 0 {
		return m, errors.New("it says that it has to be replayed, but holds no whole sequence of entries"), nil
	}
	p := &patched{base: m.R, size: m.Size}
	for _, e := range active {
		if err := l.apply(p, e); err != nil {
			return m, nil, fmt.Errorf("entry at byte %d: %w", h.logOffset+e.at, err)
		}
	}
	head := active[len(active)-1]
	if head.flushed > m.Size {
		return m, nil, fmt.Errorf("the file had %d bytes, but ends at byte %d: it is truncated", uint64(head.flushed), m.Size)
	}
	if head.last < 0 || head.last > m.Size+maxGrowth {
		return m, nil, fmt.Errorf("a file of %d bytes is impossible", uint64(head.last))
	}
	return blockmap.Medium{R: p, Size: max(m.Size, head.last)}, nil, nil
}

// active finds the entries that count: those from the tail of the last entry up to
// itself, whose numbers follow each other. Of several such the one with the
// highest number counts.
func (l *log) active() ([]entry, error) {
	found := map[int64]entry{}
	var heads []entry
	for at := int64(0); at < l.logLength; {
		e, ok, err := l.entry(at)
		if err != nil {
			return nil, err
		}
		if !ok {
			at += logSector
			continue
		}
		found[at] = e
		heads = append(heads, e)
		at += e.length // past the end of the ring, where it wraps
	}
	slices.SortStableFunc(heads, func(a, b entry) int { return -cmp.Compare(a.sequence, b.sequence) })
	for _, head := range heads {
		if s := l.sequence(found, head); s != nil {
			return s, nil
		}
		if l.budget < 0 {
			return nil, errBroken
		}
	}
	return nil, nil
}

// sequence lists the entries that lead to head; nil when they are not all there.
func (l *log) sequence(found map[int64]entry, head entry) []entry {
	var out []entry
	e, ok := found[head.tail]
	for ok && len(out) <= len(found) && l.budget >= 0 {
		l.budget -= entryHeader
		if n := len(out); n > 0 && e.sequence != out[n-1].sequence+1 {
			return nil
		}
		out = append(out, e)
		if e.at == head.at {
			return out
		}
		e, ok = found[(e.at+e.length)%l.logLength]
	}
	return nil
}

var errBroken = errors.New("it holds too many entries that are broken")

// read fills b from the ring.
func (l *log) read(b []byte, at int64) error {
	for len(b) > 0 {
		at %= l.logLength
		n := int(min(int64(len(b)), l.logLength-at))
		if got, err := l.R.ReadAt(b[:n], l.logOffset+at); got < n {
			return blockmap.Short(err)
		}
		b, at = b[n:], at+int64(n)
	}
	return nil
}

// entry reads the header at a place of the ring. Its second result is false where
// there is no sound entry of this log.
func (l *log) entry(at int64) (entry, bool, error) {
	b := make([]byte, entryHeader)
	if err := l.read(b, at); err != nil {
		return entry{}, false, err
	}
	e := entry{
		at: at, length: int64(le.Uint32(b[8:])), tail: int64(le.Uint32(b[12:])), sequence: le.Uint64(b[16:]),
		descriptors: le.Uint32(b[24:]), flushed: int64(le.Uint64(b[48:])), last: int64(le.Uint64(b[56:])),
	}
	switch {
	case string(b[:4]) != "loge" || guid(b[32:48]) != l.log || e.sequence == 0:
		return e, false, nil
	case e.length < logSector || e.length%logSector != 0 || e.length > l.logLength || e.tail%logSector != 0 || e.tail >= l.logLength:
		return e, false, nil
	case e.descriptors > maxDescriptors || e.dataAt() > e.length:
		return e, false, nil
	}
	if l.budget -= e.length; l.budget < 0 {
		return e, false, errBroken
	}
	sum, err := l.checksum(e)
	return e, err == nil && sum == le.Uint32(b[4:]), err
}

// dataAt is where the data of an entry begins in it.
func (e entry) dataAt() int64 {
	return (entryHeader + int64(e.descriptors)*descriptorLen + logSector - 1) / logSector * logSector
}

// checksum is the CRC-32C of an entry whose own field is zero.
func (l *log) checksum(e entry) (uint32, error) {
	table := crc32.MakeTable(crc32.Castagnoli)
	b := make([]byte, 64<<10)
	sum := uint32(0)
	for done := int64(0); done < e.length; {
		n := min(int64(len(b)), e.length-done)
		if err := l.read(b[:n], e.at+done); err != nil {
			return 0, err
		}
		if done == 0 {
			clear(b[4:8])
		}
		sum = crc32.Update(sum, table, b[:n])
		done += n
	}
	return sum, nil
}

// apply adds to p what an entry writes.
func (l *log) apply(p *patched, e entry) error {
	data := e.dataAt()
	b := make([]byte, descriptorLen)
	for n := range int64(e.descriptors) {
		if err := l.read(b, e.at+entryHeader+n*descriptorLen); err != nil {
			return err
		}
		c := change{offset: int64(le.Uint64(b[16:])), length: logSector}
		if le.Uint64(b[24:]) != e.sequence {
			return fmt.Errorf("descriptor %d is of another sequence", n)
		}
		switch string(b[:4]) {
		case "zero":
			c.length = int64(le.Uint64(b[8:]))
		case "desc":
			if data+logSector > e.length {
				return fmt.Errorf("descriptor %d: its data is missing", n)
			}
			if err := l.data(&c, b, e, data); err != nil {
				return fmt.Errorf("descriptor %d: %w", n, err)
			}
			data += logSector
		default:
			return fmt.Errorf("descriptor %d is of no known kind", n)
		}
		if c.offset < 0 || c.offset%logSector != 0 || c.length < 0 || c.length%logSector != 0 || c.length > 1<<62-c.offset {
			return fmt.Errorf("descriptor %d: %d bytes at byte %d are impossible", n, uint64(c.length), uint64(c.offset))
		}
		p.changes = append(p.changes, c)
	}
	return nil
}

// data finds the sector of a data descriptor. Twelve of its bytes stand in the
// descriptor: in their places the sector has its signature and number.
func (l *log) data(c *change, descriptor []byte, e entry, at int64) error {
	b := make([]byte, logSector)
	if err := l.read(b, e.at+at); err != nil {
		return err
	}
	number := uint64(le.Uint32(b[4:]))<<32 | uint64(le.Uint32(b[logSector-4:]))
	if string(b[:4]) != "data" || number != e.sequence {
		return errors.New("its data is of another sequence")
	}
	c.place = l.logOffset + (e.at+at)%l.logLength
	copy(c.leading[:], descriptor[8:16])
	copy(c.trailing[:], descriptor[4:8])
	return nil
}
