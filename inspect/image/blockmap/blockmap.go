// Package blockmap makes a device of a map of blocks: what all formats of
// disk images have in common. A format tells where the block of a byte lies
// ([Map]); the [Device] reads it, joins what follows each other, skips what
// is zero, keeps the blocks that were decompressed last, and refuses maps
// that use one place of the file for two blocks.
//
// It knows no format.
package blockmap

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// A Kind says what a piece is.
type Kind byte

// The kinds of pieces.
const (
	Zero   Kind = iota // no place: it reads as zeros
	Data               // bytes as they lie in a medium
	Packed             // a part of a block that is compressed
)

// A Piece is where a run of the guest's bytes comes from.
type Piece struct {
	Kind Kind
	// Medium is the index of the file that the bytes lie in.
	Medium int
	// Offset is, in the medium, that of the first byte of Data, and where the
	// compressed block of Packed begins.
	Offset int64
	// Within is the offset in the decompressed block.
	Within int64
	// Length is how many bytes the piece holds for, at least 1.
	Length int64
}

// A Map tells where the guest's bytes come from. Its methods may be called
// concurrently.
type Map interface {
	// Find tells where the byte at off comes from.
	Find(off int64) (Piece, error)
	// Unpack decompresses the block of a packed piece, whole; it is that of the
	// guest's byte at start. The result is in dst where that has the capacity.
	Unpack(p Piece, start int64, dst []byte) ([]byte, error)
}

// A Medium is a file that holds data.
type Medium struct {
	R    io.ReaderAt
	Size int64
}

// A Device is the guest-visible content. It implements fsys.Device, and may
// be used concurrently.
type Device struct {
	format string
	size   int64
	blocks Map
	media  []Medium
	cache  Cache
	shelf  shelf
}

// New makes a device of size bytes. Format starts the texts of its errors.
func New(format string, size int64, blocks Map, media ...Medium) *Device {
	return &Device{format: format, size: size, blocks: blocks, media: media}
}

// Size is the guest-visible size in bytes.
func (d *Device) Size() int64 { return d.size }

// ReadAt implements io.ReaderAt.
func (d *Device) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read at negative offset %d", off)
	}
	if off >= d.size {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), d.size-off))
	for done := 0; done < want; {
		n, err := d.readRun(p[done:want], off+int64(done))
		done += n
		if err != nil {
			return done, err
		}
	}
	if want < len(p) {
		return want, io.EOF
	}
	return want, nil
}

// readRun reads a piece and all that follows it of the same kind: data without
// a gap at once, compressed blocks on all cores.
func (d *Device) readRun(p []byte, off int64) (int, error) {
	first, err := d.blocks.Find(off)
	if err != nil {
		return 0, err
	}
	length := min(first.Length, int64(len(p)))
	pieces := []Piece{first}
	for first.Kind != Zero && length < int64(len(p)) {
		next, err := d.blocks.Find(off + length)
		if err != nil || next.Kind != first.Kind || first.Kind == Data && (next.Medium != first.Medium || next.Offset != first.Offset+length) {
			break // an error comes back when its place is read
		}
		if first.Kind == Packed {
			pieces = append(pieces, next)
		}
		length = min(length+next.Length, int64(len(p)))
	}
	switch first.Kind {
	case Data:
		return d.readData(p[:length], first)
	case Packed:
		return d.readPacked(p[:length], off, pieces)
	default:
		clear(p[:length])
		return int(length), nil
	}
}

// readPacked unpacks blocks that follow each other.
func (d *Device) readPacked(p []byte, off int64, pieces []Piece) (int, error) {
	if len(pieces) == 1 {
		return d.readBlock(p, off, pieces[0])
	}
	errs := make([]error, len(pieces))
	ends := make([]int, len(pieces)+1)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, piece := range pieces {
		start := ends[n]
		ends[n+1] = min(start+int(min(piece.Length, int64(len(p)))), len(p))
		group.Go(func() error {
			_, errs[n] = d.readBlock(p[start:ends[n+1]], off+int64(start), piece)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	for n, err := range errs {
		if err != nil {
			return ends[n], err
		}
	}
	return len(p), nil
}

// readBlock reads within one compressed block.
func (d *Device) readBlock(p []byte, off int64, from Piece) (int, error) {
	var room []byte
	if from.Within == 0 {
		room = p[:0:len(p)]
	}
	block, err := d.unpack(from, off-from.Within, room)
	if err != nil {
		return 0, fmt.Errorf("%s block of byte %d: %w", d.format, off, err)
	}
	if from.Within+int64(len(p)) > int64(len(block)) {
		return 0, fmt.Errorf("%s block of byte %d: it unpacks to %d bytes only", d.format, off, len(block))
	}
	if len(p) > 0 && &block[from.Within] == &p[0] {
		return len(p), nil
	}
	return copy(p, block[from.Within:]), nil
}

func (d *Device) readData(p []byte, from Piece) (int, error) {
	m := d.media[from.Medium]
	n := int(min(int64(len(p)), max(m.Size-from.Offset, 0)))
	n, err := m.R.ReadAt(p[:n], from.Offset)
	if n < len(p) {
		return n, fmt.Errorf("%s data at byte %d: %w", d.format, from.Offset+int64(n), Short(err))
	}
	return n, nil
}

// unpack gives a block. Who has room for all of it does not come back for the rest:
// it is decompressed there, and not kept.
func (d *Device) unpack(p Piece, start int64, room []byte) ([]byte, error) {
	key := Key{p.Medium, p.Offset}
	if b := d.cache.Get(key); b != nil {
		return b, nil
	}
	if b := d.shelf.get(start); b != nil {
		return b, nil
	}
	b, err := d.blocks.Unpack(p, start, room)
	if err == nil && !within(b, room) {
		d.cache.Put(key, b)
		d.shelf.put(start, b)
	}
	return b, err
}

// within tells whether b lies at the start of room.
func within(b, room []byte) bool {
	return len(b) > 0 && cap(room) > 0 && &b[0] == &room[:1][0]
}

// Short is what it means that there were fewer bytes than needed.
func Short(err error) error {
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("the file ends before it: it is truncated")
	}
	return err
}

// ErrTwice says that a map uses a place for two blocks, which no program
// writes: a small file could hold a disk of any size so.
var ErrTwice = errors.New("it is used for two blocks")

// Extents implements fsys.Device. It reads the whole map, and fails when a place
// is used twice.
func (d *Device) Extents() ([]fsys.Extent, error) {
	s, err := d.survey()
	if err != nil {
		return nil, err
	}
	return s.runs, nil
}

// Problems tells of data that the file has no more.
func (d *Device) Problems() []error {
	s, err := d.survey()
	if err != nil || s.missing == 0 {
		return nil // the error comes back from Extents
	}
	return []error{fmt.Errorf("%s: data at byte %d and in %d more bytes lies beyond the end of the file: it is truncated", d.format, s.first, s.missing-1)}
}

// A survey is what a map as a whole says.
type survey struct {
	device *Device
	runs   []fsys.Extent
	packed []int64
	bases  []int64 // where each medium begins when they follow each other
	budget int64
	// missing is how many bytes lie beyond the end of their medium, first is
	// where the first of them lies.
	missing, first int64
}

// smallestPacked is the least that a compressed block takes in a file: some
// formats pack them byte by byte.
const smallestPacked = 4

func (d *Device) survey() (*survey, error) {
	s := &survey{device: d}
	total := int64(0)
	for _, m := range d.media {
		s.bases = append(s.bases, total)
		total += m.Size
	}
	// What lies beyond the end is counted too, up to as much again: a truncated
	// image has some, and only a hostile one has more.
	s.budget = 2*total + 64<<20
	for at := int64(0); at < d.size; {
		p, err := d.blocks.Find(at)
		if err != nil {
			return nil, err
		}
		p.Length = min(p.Length, d.size-at)
		if err := s.add(at, p); err != nil {
			return nil, err
		}
		at += p.Length
	}
	if err := s.overlaps(); err != nil {
		return nil, err
	}
	return s, s.skipHoles()
}

func (s *survey) add(at int64, p Piece) error {
	size := s.device.media[p.Medium].Size
	switch p.Kind {
	case Zero:
		return nil
	case Packed:
		s.budget -= smallestPacked
		s.packed = append(s.packed, s.bases[p.Medium]+p.Offset)
		Append(&s.runs, fsys.Extent{Offset: at, Length: p.Length, Physical: -1})
		if p.Offset >= size {
			s.miss(p.Offset, 1)
		}
	case Data:
		s.budget -= p.Length
		Append(&s.runs, fsys.Extent{Offset: at, Length: p.Length, Physical: s.bases[p.Medium] + p.Offset})
		if end := p.Offset + p.Length; end > size {
			s.miss(max(size, p.Offset), min(p.Length, end-size))
		}
	}
	if s.budget < 0 {
		return fmt.Errorf("%s map at byte %d: the blocks before it take more than the file has: it is truncated, or a place of it is used twice", s.device.format, at)
	}
	return nil
}

func (s *survey) miss(at, length int64) {
	if s.missing == 0 {
		s.first = at
	}
	s.missing += length
}

// overlaps fails when two blocks have bytes in common.
func (s *survey) overlaps() error {
	runs := slices.Clone(s.runs)
	for _, at := range s.packed {
		runs = append(runs, fsys.Extent{Length: 1, Physical: at})
	}
	slices.SortFunc(runs, func(a, b fsys.Extent) int { return int(max(-1, min(1, a.Physical-b.Physical))) })
	end := int64(0)
	for _, r := range runs {
		if r.Physical < 0 {
			continue
		}
		if r.Physical < end {
			return fmt.Errorf("%s data at byte %d: %w", s.device.format, r.Physical, ErrTwice)
		}
		end = r.Physical + r.Length
	}
	return nil
}

// Append adds an extent, or joins it with the last when it follows that without a
// gap.
func Append(out *[]fsys.Extent, e fsys.Extent) {
	if n := len(*out) - 1; n >= 0 {
		last := &(*out)[n]
		follows := last.Physical == -1 && e.Physical == -1 || last.Physical >= 0 && last.Physical+last.Length == e.Physical
		if last.Offset+last.Length == e.Offset && follows {
			last.Length += e.Length
			return
		}
	}
	*out = append(*out, e)
}
