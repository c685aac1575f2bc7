// Package rpmdbtest makes headers and databases for tests: those that no
// program at hand writes any more, and broken ones.
package rpmdbtest

import (
	"encoding/binary"
	"hash/adler32"
	"slices"
)

// A Tag is one tag of a header to make. Values are a string, []string, []byte,
// []uint32, []uint16, Chars, or nil.
type Tag struct {
	ID    uint32
	Value any
}

// Chars are values of the type char.
type Chars []byte

// T makes a tag.
func T(id uint32, value any) Tag { return Tag{ID: id, Value: value} }

// Header makes a header whose tags of immutable are in a region.
func Header(immutable, beside []Tag) []byte {
	var index, data []byte
	add := func(list []Tag) {
		for _, t := range list {
			kind, count, width, value := encode(t.Value)
			for len(data)%width != 0 {
				data = append(data, 0)
			}
			index = append(index, words(t.ID, kind, uint32(len(data)), count)...)
			data = append(data, value...)
		}
	}
	add(immutable)
	if immutable != nil {
		length := uint32(len(index) + 16)
		index = append(words(63, 7, uint32(len(data)), 16), index...)
		data = append(data, words(63, 7, -length, 16)...)
	}
	add(beside)
	return slices.Concat(words(uint32(len(index)/16), uint32(len(data))), index, data)
}

func words(list ...uint32) []byte {
	var b []byte
	for _, w := range list {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

// encode gives a value's type, count, alignment and bytes.
func encode(value any) (kind, count uint32, width int, data []byte) {
	switch v := value.(type) {
	case string:
		return 6, 1, 1, append([]byte(v), 0)
	case []string:
		for _, s := range v {
			data = append(append(data, s...), 0)
		}
		return 8, uint32(len(v)), 1, data
	case []byte:
		return 7, uint32(len(v)), 1, v
	case Chars:
		return 1, uint32(len(v)), 1, v
	case []uint32:
		return 4, uint32(len(v)), 4, words(v...)
	case []uint16:
		for _, n := range v {
			data = binary.BigEndian.AppendUint16(data, n)
		}
		return 3, uint32(len(v)), 2, data
	}
	return 0, 0, 1, nil
}

// NDB makes a database in the form of rpm's lib/backend/ndb/rpmpkg.c.
func NDB(headers ...[]byte) []byte {
	le := binary.LittleEndian
	pages := (len(headers) + 2 + 255) / 256 // of slots; the first two are the file's own
	file := make([]byte, 4096*pages)
	copy(file, "RpmP")
	le.PutUint32(file[12:], uint32(pages))
	for i := 2; i < 256*pages; i++ {
		copy(file[16*i:], "Slot")
	}
	for i, h := range headers {
		number, start := uint32(i+1), len(file)/16
		blob := append([]byte("BlbS"), make([]byte, 12)...)
		le.PutUint32(blob[4:], number)
		le.PutUint32(blob[12:], uint32(len(h)))
		blob = append(blob, h...)
		for (len(blob)+12)%16 != 0 {
			blob = append(blob, 0)
		}
		sum := adler32.Checksum(blob)
		blob = le.AppendUint32(le.AppendUint32(blob, sum), uint32(len(h)))
		file = append(append(file, blob...), "BlbE"...)
		slot := file[32+16*i:]
		le.PutUint32(slot[4:], number)
		le.PutUint32(slot[8:], uint32(start))
		le.PutUint32(slot[12:], uint32(len(file)/16-start))
	}
	return file
}

// bdbPage is the size of the pages that BDB makes.
const bdbPage = 4096

// BDB makes a hash of one bucket in the form of libdb's src/dbinc/db_page.h. It
// has room for some 150 headers.
func BDB(order binary.ByteOrder, headers ...[]byte) []byte {
	b := &bdb{order: order, bucket: page(order, 1, 13), end: bdbPage}
	b.item(b.key(0))
	b.item([]byte{1, 0, 0, 0, 0})
	b.over = 2
	for i, h := range headers {
		b.item(b.key(uint32(i + 1)))
		value := make([]byte, 12)
		value[0] = 3
		order.PutUint32(value[4:], b.over)
		order.PutUint32(value[8:], uint32(len(h)))
		b.item(value)
		b.chain(h)
	}
	order.PutUint16(b.bucket[20:], uint16(b.count))
	order.PutUint16(b.bucket[22:], uint16(b.end))
	meta := page(order, 0, 8)
	order.PutUint32(meta[12:], 0x061561)
	order.PutUint32(meta[16:], 9)
	order.PutUint32(meta[20:], bdbPage)
	order.PutUint32(meta[32:], b.over-1)
	order.PutUint32(meta[76:], 1)
	for i := range 2 {
		order.PutUint32(meta[96+4*i:], 1)
	}
	return slices.Concat(meta, b.bucket, b.rest)
}

type bdb struct {
	order        binary.ByteOrder
	bucket, rest []byte
	end, count   int
	over         uint32
}

func page(order binary.ByteOrder, number uint32, kind byte) []byte {
	p := make([]byte, bdbPage)
	order.PutUint32(p[8:], number)
	p[25] = kind
	return p
}

func (b *bdb) key(number uint32) []byte {
	key := []byte{1, 0, 0, 0, 0}
	b.order.PutUint32(key[1:], number)
	return key
}

func (b *bdb) item(data []byte) {
	b.end -= len(data)
	copy(b.bucket[b.end:], data)
	b.order.PutUint16(b.bucket[26+2*b.count:], uint16(b.end))
	b.count++
}

// chain writes a header into pages of its own.
func (b *bdb) chain(h []byte) {
	for len(h) > 0 {
		p := page(b.order, b.over, 7)
		n := copy(p[26:], h)
		h = h[n:]
		b.order.PutUint16(p[22:], uint16(n))
		b.over++
		if len(h) > 0 {
			b.order.PutUint32(p[16:], b.over)
		}
		b.rest = append(b.rest, p...)
	}
}
