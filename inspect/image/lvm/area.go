package lvm

import (
	"errors"
	"fmt"
)

// The header of an area of metadata: struct mda_header.
const (
	areaMagic   = " LVM2 x[5A%r0N*>"
	areaHeader  = 512
	areaVersion = 1
	// ignoredFlag marks a copy that is not kept up to date.
	ignoredFlag = 1
	// maxText bounds the text; 5,000 logical volumes take 2 MiB.
	maxText = 4 << 20
)

// readAreas takes the newest of the copies. One that is broken is a problem.
func (p *Physical) readAreas() {
	for i, a := range p.areas {
		text, err := p.readArea(a)
		var g *group
		if err == nil && text != nil {
			if g, err = parseGroup(text); err != nil {
				err = fmt.Errorf("metadata: %w", err)
			}
		}
		switch {
		case err != nil:
			p.Problems = append(p.Problems, fmt.Errorf("copy %d of the metadata: %w", i+1, err))
		case g != nil && (p.group == nil || g.sequence > p.group.sequence):
			p.group = g
		}
	}
}

// readArea returns the text that an area holds; nil when there is none.
func (p *Physical) readArea(a area) ([]byte, error) {
	if a.size <= areaHeader {
		return nil, fmt.Errorf("an area of %d bytes is impossible", a.size)
	}
	b := make([]byte, areaHeader)
	if err := p.read(b, a.offset); err != nil {
		return nil, err
	}
	switch {
	case string(b[4:20]) != areaMagic:
		return nil, fmt.Errorf("there is no header at byte %d", a.offset)
	case checksum(b[4:]) != le.Uint32(b):
		return nil, errors.New("the checksum of the header does not match")
	case le.Uint32(b[20:]) != areaVersion:
		return nil, fmt.Errorf("version %d is not read", le.Uint32(b[20:]))
	case le.Uint64(b[24:]) != uint64(a.offset):
		return nil, fmt.Errorf("the header at byte %d says that it is at byte %d", a.offset, le.Uint64(b[24:]))
	}
	// The first location is what was committed last.
	loc := b[40:]
	offset, size, sum, flags := le.Uint64(loc), le.Uint64(loc[8:]), le.Uint32(loc[16:]), le.Uint32(loc[20:])
	if flags&ignoredFlag != 0 {
		p.ignored = true
		return nil, nil
	}
	if offset == 0 {
		return nil, nil
	}
	return p.readText(a, offset, size, sum)
}

// readText reads a text that goes on behind the header where the area ends:
// the area is a ring.
func (p *Physical) readText(a area, offset, size uint64, sum uint32) ([]byte, error) {
	ring := uint64(a.size) - areaHeader
	if offset < areaHeader || offset >= uint64(a.size) || size == 0 || size > ring {
		return nil, fmt.Errorf("a text of %d bytes at byte %d of an area of %d is impossible", size, offset, a.size)
	}
	if size > maxText {
		return nil, fmt.Errorf("a text of %d bytes is not read: %d are the limit", size, maxText)
	}
	text := make([]byte, size)
	first := min(size, uint64(a.size)-offset)
	if err := p.read(text[:first], a.offset+int64(offset)); err != nil {
		return nil, err
	}
	if err := p.read(text[first:], a.offset+areaHeader); err != nil {
		return nil, err
	}
	if checksum(text) != sum {
		return nil, errors.New("the checksum of the text does not match")
	}
	return text, nil
}

func (p *Physical) read(b []byte, off int64) error {
	if n, err := p.Device.ReadAt(b, off); n < len(b) {
		return fmt.Errorf("read at byte %d: %w", off, err)
	}
	return nil
}
