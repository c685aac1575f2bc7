package btrfs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
)

// The profiles of a chunk: BTRFS_BLOCK_GROUP_* in uapi/linux/btrfs_tree.h.
const (
	profileRAID0   = 0x8
	profileRAID1   = 0x10
	profileDUP     = 0x20
	profileRAID10  = 0x40
	profileRAID5   = 0x80
	profileRAID6   = 0x100
	profileRAID1C3 = 0x200
	profileRAID1C4 = 0x400
)

const (
	chunkSize    = 48
	stripeSize   = 32
	stripeLength = 64 << 10 // of striped profiles; the kernel knows no other
	chunkTreeID  = 256      // the object of all chunks
	kindChunk    = 228
	noDevice     = ^uint64(0)
)

// A chunk maps a run of logical addresses to stripes on devices.
type chunk struct {
	logical, length uint64
	profile         uint64
	sub             int // stripes that hold the same, of RAID10
	stripes         []stripe
}

// A stripe is a run on a device; offset is noDevice when that is another one.
type stripe struct {
	device uint64
	uuid   []byte
	offset uint64
}

// A space is all logical addresses of a filesystem, and the device below.
type space struct {
	r      io.ReaderAt
	sb     *superblock
	chunks []chunk // sorted, not overlapping
}

// add decodes a chunk and puts it in its place. One that is known already must be the
// same.
func (s *space) add(logical uint64, b []byte) error {
	c, err := s.decode(logical, b)
	if err != nil {
		return fmt.Errorf("chunk at %d: %w", logical, err)
	}
	i := sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].logical >= logical })
	switch {
	case i < len(s.chunks) && s.chunks[i].logical == logical && s.chunks[i].length == c.length:
		s.chunks[i] = c
		return nil
	case i < len(s.chunks) && s.chunks[i].logical < logical+c.length,
		i > 0 && s.chunks[i-1].logical+s.chunks[i-1].length > logical:
		return fmt.Errorf("chunk at %d: it overlaps another", logical)
	}
	s.chunks = slices.Insert(s.chunks, i, c)
	return nil
}

func (s *space) decode(logical uint64, b []byte) (chunk, error) {
	if len(b) < chunkSize {
		return chunk{}, fmt.Errorf("%d bytes are too short", len(b))
	}
	c := chunk{logical: logical, length: le.Uint64(b), profile: le.Uint64(b[24:]) &^ 7, sub: int(le.Uint16(b[46:]))}
	count := int(le.Uint16(b[44:]))
	if count == 0 || len(b) != chunkSize+count*stripeSize {
		return chunk{}, fmt.Errorf("%d stripes do not lie in %d bytes", count, len(b))
	}
	sector := uint64(s.sb.sectorSize)
	if c.length == 0 || c.length%sector != 0 || logical%sector != 0 || logical+c.length < logical || c.length > 1<<62 {
		return chunk{}, fmt.Errorf("its length %d is impossible", c.length)
	}
	if err := c.checkProfile(count, le.Uint64(b[16:])); err != nil {
		return chunk{}, err
	}
	for b = b[chunkSize:]; len(b) > 0; b = b[stripeSize:] {
		st := stripe{device: le.Uint64(b), offset: noDevice, uuid: b[16:32]}
		if st.device == s.sb.deviceID && bytes.Equal(st.uuid, s.sb.deviceUUID()) {
			st.offset = le.Uint64(b[8:])
			if on := c.perStripe(count); st.offset > s.sb.deviceSize || on > s.sb.deviceSize-st.offset {
				return chunk{}, fmt.Errorf("its stripe of %d bytes at byte %d is outside of the device", on, st.offset)
			}
		}
		c.stripes = append(c.stripes, st)
	}
	return c, nil
}

// checkProfile refuses combinations that no mkfs makes, which would divide by zero.
func (c *chunk) checkProfile(count int, length uint64) error {
	if c.profile&(c.profile-1) != 0 || c.profile&^0x7f8 != 0 {
		return fmt.Errorf("its profile %#x is unknown", c.profile)
	}
	if length != stripeLength {
		return fmt.Errorf("its stripes are of %d bytes, not 64 KiB", length)
	}
	if c.profile == profileRAID10 && (c.sub < 1 || count%c.sub != 0) || c.profile == 0 && count != 1 {
		return fmt.Errorf("%d stripes in sets of %d are impossible", count, c.sub)
	}
	return nil
}

// columns is over how many stripes the content is spread.
func (c *chunk) columns(count int) int {
	switch c.profile {
	case profileRAID0:
		return count
	case profileRAID10:
		return count / c.sub
	}
	return 1
}

func (c *chunk) perStripe(count int) uint64 { return c.length / uint64(c.columns(count)) }

// copies are where the byte at an offset of the chunk lies on this device, and how many bytes from
// there on are together.
func (c *chunk) copies(off uint64) (places []uint64, run uint64) {
	n := len(c.stripes)
	columns := uint64(c.columns(n))
	set, at, run := c.stripes, off, c.length-off
	if columns > 1 {
		row, width := off/stripeLength, n/int(columns)
		column := int(row % columns)
		set = c.stripes[column*width : (column+1)*width]
		at = row/columns*stripeLength + off%stripeLength
		run = min(run, stripeLength-off%stripeLength)
	}
	for _, st := range set {
		if st.offset != noDevice {
			places = append(places, st.offset+at)
		}
	}
	return places, run
}

// missing is an error when part of the chunk lies on no device that is here.
func (c *chunk) missing() error {
	if c.profile == profileRAID5 || c.profile == profileRAID6 {
		return errors.New("RAID5 and RAID6 are not read")
	}
	columns := c.columns(len(c.stripes))
	for column := range columns {
		if places, _ := c.copies(uint64(column) * stripeLength); len(places) > 0 {
			continue
		}
		st := c.stripes[column*len(c.stripes)/columns]
		return fmt.Errorf("device %d (UUID %s) holds a part of it and is not here: filesystems of several devices are not read", st.device, formatUUID(st.uuid))
	}
	return nil
}

// checkPlaces refuses chunks that share bytes of the device: where a content lies must tell what
// it is.
func (s *space) checkPlaces() error {
	type place struct{ start, end, logical uint64 }
	var places []place
	for i := range s.chunks {
		c := &s.chunks[i]
		for _, st := range c.stripes {
			if st.offset != noDevice {
				places = append(places, place{st.offset, st.offset + c.perStripe(len(c.stripes)), c.logical})
			}
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.start, b.start) })
	for i := 1; i < len(places); i++ {
		if places[i].start < places[i-1].end {
			return fmt.Errorf("the chunks at %d and %d lie in the same place of the device", places[i-1].logical, places[i].logical)
		}
	}
	return nil
}

// find returns the chunk that an address lies in.
func (s *space) find(logical uint64) (*chunk, error) {
	i := sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].logical > logical })
	if i == 0 || logical-s.chunks[i-1].logical >= s.chunks[i-1].length {
		return nil, fmt.Errorf("address %d is in no chunk", logical)
	}
	return &s.chunks[i-1], nil
}

// copiesAt is how many copies of an address this device holds.
func (s *space) copiesAt(logical uint64) int {
	c, err := s.find(logical)
	if err != nil {
		return 1 // reading tells the error
	}
	places, _ := c.copies(logical - c.logical)
	return len(places)
}

// read fills p from one copy of what is at a logical address.
func (s *space) read(p []byte, logical uint64, number int) error {
	for len(p) > 0 {
		c, err := s.find(logical)
		if err != nil {
			return err
		}
		places, run := c.copies(logical - c.logical)
		if len(places) == 0 {
			return fmt.Errorf("address %d: %w", logical, c.missing())
		}
		n := int(min(run, uint64(len(p))))
		at := int64(places[min(number, len(places)-1)])
		if got, err := s.r.ReadAt(p[:n], at); got < n {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("read at byte %d: %w", at, err)
		}
		p, logical = p[n:], logical+uint64(n)
	}
	return nil
}

// physical is where an address lies on the device; -1 when nowhere.
func (s *space) physical(logical uint64) int64 {
	c, err := s.find(logical)
	if err != nil {
		return -1
	}
	if places, _ := c.copies(logical - c.logical); len(places) > 0 {
		return int64(places[0])
	}
	return -1
}
