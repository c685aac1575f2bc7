package erofs

import (
	"fmt"
)

// The bits of a record's size: struct z_erofs_extent.
const (
	recordSize    = maxCluster<<1 - 1
	recordPartial = 1 << 27
	recordMethod  = 28
)

// A recorder makes extents of records. The smallest records, of 4 and 8 bytes,
// have one for each logical cluster; the others say where they start.
type recorder struct {
	fs   *FS
	ino  *inode
	h    *mapHeader
	size int // of a record
	next int64
	out  []extent
}

// recordedExtents reads extents that are recorded one by one.
func (fs *FS) recordedExtents(ino *inode, area area, h *mapHeader) ([]extent, error) {
	r := recorder{fs: fs, ino: ino, h: h, size: 4 << (h.advise >> 1 & 3)}
	at := (h.at + int64(r.size) - 1) &^ (int64(r.size) - 1)
	h.bits = fs.blockBits + uint(h.raw[7]&0xf)
	count := int64(le.Uint32(h.raw)) | int64(le.Uint16(h.raw[6:]))<<32
	if r.size <= 8 {
		count = (ino.length-1)>>h.bits + 1
	}
	if r.size == 4 { // the first address stands before them
		first := make([]byte, 8)
		if err := area.read(first, at); err != nil {
			return nil, err
		}
		r.next = int64(le.Uint64(first))
		at += 8
	}
	t := table{area: area, at: at, left: count}
	for n := range count {
		b, err := t.next(r.size)
		if err != nil {
			return nil, fmt.Errorf("record of an extent: %w", err)
		}
		if err := r.add(n, count, b); err != nil {
			return nil, fmt.Errorf("record %d: %w", n, err)
		}
	}
	return r.finish()
}

// add takes a record: the size and bits, the address, the offset.
func (r *recorder) add(n, count int64, b []byte) error {
	word := le.Uint32(b)
	e := extent{size: word & recordSize, partial: word&recordPartial != 0}
	e.offset, e.at = r.place(n, b)
	if e.offset > r.ino.length || len(r.out) > 0 && e.offset <= r.out[len(r.out)-1].offset {
		return fmt.Errorf("it starts at byte %d, which is not in the order", e.offset)
	}
	r.close(e.offset)
	switch format := word >> recordMethod; {
	case n == count-1 && r.h.advise&adviseFragment != 0:
		e = extent{offset: e.offset, at: int64(word), method: fragment}
		if r.size > 4 {
			e.at |= int64(uint64(le.Uint32(b[4:]))<<32) &^ (-1 << 63)
		}
	case e.size == 0:
		e.method = hole
	case format > 0:
		e.method = lz4 + method(format-1)
	}
	r.out = append(r.out, e)
	return nil
}

// place is where a record's extent starts in the content, and on the device.
func (r *recorder) place(n int64, b []byte) (offset, at int64) {
	switch r.size {
	case 4:
		at = r.next
		r.next += int64(le.Uint32(b) & recordSize)
		return n << r.h.bits, at
	case 8:
		return n << r.h.bits, int64(le.Uint32(b[4:]))
	}
	offset = int64(le.Uint32(b[12:]))
	if r.size == 32 {
		offset |= int64(le.Uint32(b[16:])) << 32
	}
	return offset, int64(le.Uint64(b[4:]))
}

// close ends the last extent before a byte.
func (r *recorder) close(end int64) {
	if len(r.out) > 0 {
		last := &r.out[len(r.out)-1]
		last.length = end - last.offset
	}
}

// finish ends the last extent and leaves out the holes.
func (r *recorder) finish() ([]extent, error) {
	r.close(r.ino.length)
	var out []extent
	for _, e := range r.out {
		if e.method == hole || e.length == 0 {
			continue
		}
		if e.method != stored {
			out = append(out, e)
			continue
		}
		parts, err := unfold(e, r.h.advise&adviseInterlaced != 0 && (e.at|int64(e.size))&(r.fs.blockSize-1) == 0, r.fs.blockSize)
		if err != nil {
			return nil, fmt.Errorf("content at byte %d: %w", e.offset, err)
		}
		out = append(out, parts...)
	}
	return out, r.fs.checkExtents(r.ino, out)
}
