package rpmdb

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// rpm's own bounds of a header (lib/header_internal.h, hdrchkTags and hdrchkData).
const (
	maxTags = 0xffff
	maxData = 0x0fffffff
	// MaxHeader is the size of the largest header.
	MaxHeader = introSize + maxTags*entrySize + maxData
)

// The parts of a stored header: two numbers, the index, the data.
const (
	introSize = 8
	entrySize = 16
)

// The kinds of a tag's values (rpmtag.h, rpmTagType).
const (
	Null = iota
	Char
	Int8
	Int16
	Int32
	Int64
	String
	Binary
	StringArray
	I18NString
)

// A Tag is one value of a header, as stored.
type Tag struct {
	ID, Type, Count uint32
	// Data are the values' bytes: numbers are big-endian, each string ends
	// with a NUL byte.
	Data []byte
	// Immutable says that the tag is of the package's file, in the region that
	// signatures cover; what rpm added at installation is not.
	Immutable bool
}

// A Header is one package's record.
type Header struct {
	// Tags are all of them in the order of the index, without the region's mark.
	Tags []Tag
	// RegionTag is the mark's number, 0 for a header without a region.
	RegionTag uint32
	// Region are the immutable region's bytes: its index entries, then its data.
	Region [2][]byte
}

// Parse reads a header as databases hold it. What it gives refers to blob.
func Parse(blob []byte) (*Header, error) {
	if len(blob) < introSize {
		return nil, malformed("a header of %d bytes", len(blob))
	}
	tags, size := binary.BigEndian.Uint32(blob), binary.BigEndian.Uint32(blob[4:])
	if tags == 0 || tags > maxTags || size > maxData {
		return nil, malformed("a header of %d tags and %d bytes of data", tags, size)
	}
	if want := introSize + entrySize*int(tags) + int(size); want != len(blob) {
		return nil, malformed("a header of %d bytes in %d", want, len(blob))
	}
	p := &parser{index: blob[introSize : introSize+entrySize*tags], data: blob[introSize+entrySize*tags:]}
	return p.header()
}

// A parser takes one header apart.
type parser struct {
	index, data []byte
	// taken is how many bytes of data the tags have; no two share any.
	taken int
}

func (p *parser) header() (*Header, error) {
	h := &Header{Tags: make([]Tag, 0, len(p.index)/entrySize)}
	immutable, err := p.region(h)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(p.index)/entrySize; i++ {
		if i == 0 && h.RegionTag != 0 {
			continue
		}
		tag, err := p.tag(i)
		if err != nil {
			return nil, fmt.Errorf("tag %d (%s): %w", i, TagName(tag.ID), err)
		}
		if tag.Immutable = i < immutable; tag.Immutable && p.end(i, tag) > len(h.Region[1])-entrySize {
			return nil, malformed("tag %d (%s) leaves the region", i, TagName(tag.ID))
		}
		h.Tags = append(h.Tags, tag)
	}
	return h, nil
}

// region reads the mark of an immutable region, which is the first tag where
// there is one, and gives the number of the region's tags. The mark's data,
// the trailer at the region's end, is an index entry once more, whose offset is
// the length of the region's index below zero (lib/header.c, hdrblobVerifyRegion).
func (p *parser) region(h *Header) (int, error) {
	e := p.entry(0)
	if e.id < 61 || e.id > 63 {
		return 0, nil
	}
	if e.kind != Binary || e.count != entrySize || int64(e.offset)+entrySize > int64(len(p.data)) {
		return 0, malformed("the region has no trailer")
	}
	trailer := p.data[e.offset : e.offset+entrySize]
	length := -int64(int32(binary.BigEndian.Uint32(trailer[8:])))
	if binary.BigEndian.Uint32(trailer[4:]) != Binary || binary.BigEndian.Uint32(trailer[12:]) != entrySize ||
		length <= 0 || length%entrySize != 0 || length > int64(len(p.index)) {
		return 0, malformed("the region's trailer covers %d bytes of an index of %d", length, len(p.index))
	}
	h.RegionTag = e.id
	h.Region = [2][]byte{p.index[:length], p.data[:e.offset+entrySize]}
	return int(length / entrySize), nil
}

// An entry is one line of the index.
type entry struct{ id, kind, offset, count uint32 }

func (p *parser) entry(i int) entry {
	b := p.index[i*entrySize:]
	return entry{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])}
}

// tag finds one tag's values. The tag's number is given with an error, too.
func (p *parser) tag(i int) (Tag, error) {
	e := p.entry(i)
	tag := Tag{ID: e.id, Type: e.kind, Count: e.count}
	if int64(e.offset) > int64(len(p.data)) || e.count == 0 && e.kind != Null {
		return tag, malformed("%d values at %d of %d bytes", e.count, e.offset, len(p.data))
	}
	data := p.data[e.offset:]
	length, err := valueSize(e, data)
	if err != nil {
		return tag, err
	}
	if p.taken += length; p.taken > len(p.data) {
		return tag, malformed("it shares its bytes with other tags")
	}
	tag.Data = data[:length]
	return tag, nil
}

// end is where a tag's values end.
func (p *parser) end(i int, t Tag) int { return int(p.entry(i).offset) + len(t.Data) }

// valueSize is how many bytes of data the values take.
func valueSize(e entry, data []byte) (int, error) {
	var size int64
	switch e.kind {
	case Null:
		return 0, nil
	case Char, Int8, Binary:
		size = int64(e.count)
	case Int16, Int32, Int64:
		width := int64(1) << (e.kind - Int8)
		if int64(e.offset)%width != 0 {
			return 0, malformed("numbers of %d bytes at %d", width, e.offset)
		}
		size = width * int64(e.count)
	case String:
		if e.count != 1 {
			return 0, malformed("%d strings in the place of one", e.count)
		}
		return stringsSize(1, data)
	case StringArray, I18NString:
		return stringsSize(e.count, data)
	default:
		return 0, malformed("values of the unknown type %d", e.kind)
	}
	if size > int64(len(data)) {
		return 0, malformed("%d values in %d bytes", e.count, len(data))
	}
	return int(size), nil
}

// stringsSize is how many bytes that many strings take.
func stringsSize(count uint32, data []byte) (int, error) {
	size := 0
	for ; count > 0; count-- {
		end := bytes.IndexByte(data[size:], 0)
		if end < 0 {
			return 0, malformed("a string without an end")
		}
		size += end + 1
	}
	return size, nil
}
