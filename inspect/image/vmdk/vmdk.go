// Package vmdk reads VMware's disks, versions 1 to 3 of the sparse format:
// monolithicSparse, streamOptimized, and those of several files
// (monolithicFlat, twoGbMaxExtentFlat, twoGbMaxExtentSparse) where the
// caller lets it open the files beside the descriptor.
//
// A disk with a parent is refused: its content is not in it alone. So are the
// extents of ESX' own snapshots (COWD, VMFSSPARSE, SESPARSE) and devices. Of a grain
// directory and its copy the first counts; the copy serves when the first lies
// outside of the file, and [Image.Problems] says so.
//
// The format is that of VMware's "Virtual Disk Format 5.0"; what that leaves
// open (the zeroed grain, capacity 0) is as in QEMU's block/vmdk.c.
package vmdk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

var le = binary.LittleEndian

const (
	// Magic starts a sparse extent, descriptorMagic a descriptor.
	magic           = "KDMV"
	descriptorMagic = "# disk descriptorfile"

	sector = 512
	// maxSize bounds a claimed size; VMware's own limit is 62 TiB.
	maxSize = 1 << 60
	// maxExtents bounds the files of one disk: each stays open.
	maxExtents = 1024
	// maxDescriptor bounds a descriptor, as QEMU does.
	maxDescriptor = 1 << 20
)

// Detect tells whether the first bytes of a file are a sparse extent's or a
// descriptor's.
func Detect(head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) || isDescriptor(head) }

func isDescriptor(head []byte) bool {
	return len(head) >= len(descriptorMagic) && strings.EqualFold(string(head[:len(descriptorMagic)]), descriptorMagic)
}

// A Beside opens a file of the directory that the image lies in. The name is
// the image's word: whoever opens it decides whether it may.
type Beside func(name string) (io.ReaderAt, int64, error)

// An Image is the guest-visible content. It implements fsys.Device, and may be
// used concurrently.
type Image struct {
	*blockmap.Device
	problems []error
}

// Problems tells what is wrong although the disk can be read.
func (i *Image) Problems() []error { return append(i.problems, i.Device.Problems()...) }

// Open reads the image in the first length bytes of r.
func Open(r io.ReaderAt, length int64, beside Beside) (*Image, error) {
	head := make([]byte, len(descriptorMagic))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, fmt.Errorf("vmdk header: %w", blockmap.Short(err))
	}
	d := &disk{beside: beside, media: []blockmap.Medium{{R: r, Size: length}}}
	var err error
	if isDescriptor(head) {
		err = d.openDescriptor(0, length)
	} else {
		err = d.openSelf()
	}
	if err != nil {
		return nil, fmt.Errorf("vmdk %w", err)
	}
	return &Image{blockmap.New("vmdk", d.size, d, d.media...), d.problems}, nil
}

// A disk is one or more extents in a row. It implements blockmap.Map.
type disk struct {
	beside   Beside
	media    []blockmap.Medium // the first is the file itself
	parts    []part
	size     int64
	problems []error
}

// A part is one extent: zeros, a run of a file, or grains.
type part struct {
	start, size int64 // in the guest
	medium      int
	flat        bool
	offset      int64 // of flat
	grains      *grains
}

func (d *disk) add(p part) error {
	if p.size < 0 || p.size > maxSize-d.size {
		return fmt.Errorf("extent %d: size %d is impossible", len(d.parts)+1, uint64(p.size))
	}
	p.start = d.size
	d.size += p.size
	d.parts = append(d.parts, p)
	return nil
}

// openSelf takes a sparse extent that is the whole disk, or holds the
// descriptor of one.
func (d *disk) openSelf() error {
	m := d.media[0]
	h, err := readHeader(m.R, m.Size)
	if err != nil {
		return err
	}
	if h.descriptorSize > 0 {
		if h.capacity == 0 {
			return d.openDescriptor(h.descriptor, h.descriptorSize)
		}
		text, err := readDescriptor(m, h.descriptor, h.descriptorSize)
		if err != nil {
			return err
		}
		if err := text.check(); err != nil {
			return err
		}
	}
	g, err := d.openGrains(m, h)
	if err != nil {
		return err
	}
	return d.add(part{size: h.capacity, grains: g})
}

// openGrains opens an extent's map, and notes what is wrong with it.
func (d *disk) openGrains(m blockmap.Medium, h *header) (*grains, error) {
	g, problem, err := openGrains(m, h)
	if problem != nil {
		d.problems = append(d.problems, fmt.Errorf("vmdk %w", problem))
	}
	return g, err
}

// openDescriptor opens the disk that the text at offset describes.
func (d *disk) openDescriptor(offset, length int64) error {
	text, err := readDescriptor(d.media[0], offset, length)
	if err != nil {
		return err
	}
	if err := text.check(); err != nil {
		return err
	}
	if len(text.extents) == 0 {
		return errors.New("descriptor: it names no extents")
	}
	if len(text.extents) > maxExtents {
		return fmt.Errorf("descriptor: %d extents are more than %d", len(text.extents), maxExtents)
	}
	opened := map[string]int{}
	for _, e := range text.extents {
		if err := d.addExtent(e, opened); err != nil {
			return err
		}
	}
	return nil
}

// addExtent opens the file of one extent, once even where several lie in it.
func (d *disk) addExtent(e extent, opened map[string]int) error {
	if e.kind == "ZERO" {
		return d.add(part{size: e.size})
	}
	n, ok := opened[e.file]
	if !ok {
		if d.beside == nil {
			return fmt.Errorf("descriptor: the data lies in %q beside it, and no file beside it may be opened", e.file)
		}
		r, size, err := d.beside(e.file)
		if err != nil {
			return fmt.Errorf("extent %q: %w", e.file, err)
		}
		n = len(d.media)
		opened[e.file] = n
		d.media = append(d.media, blockmap.Medium{R: r, Size: size})
	}
	if e.kind == "FLAT" {
		return d.add(part{size: e.size, medium: n, flat: true, offset: e.offset})
	}
	m := d.media[n]
	h, err := readHeader(m.R, m.Size)
	if err != nil {
		return fmt.Errorf("extent %q: %w", e.file, err)
	}
	if h.capacity != e.size {
		return fmt.Errorf("extent %q: it holds %d bytes, the descriptor says %d", e.file, h.capacity, e.size)
	}
	g, err := d.openGrains(m, h)
	if err != nil {
		return fmt.Errorf("extent %q: %w", e.file, err)
	}
	return d.add(part{size: e.size, medium: n, grains: g})
}

// at is the part that holds the byte at off.
func (d *disk) at(off int64) part {
	i, found := slices.BinarySearchFunc(d.parts, off, func(p part, off int64) int {
		switch {
		case p.start+p.size <= off:
			return -1
		case p.start > off:
			return 1
		}
		return 0
	})
	if !found {
		return part{start: off, size: d.size - off}
	}
	return d.parts[i]
}

// Find implements blockmap.Map.
func (d *disk) Find(off int64) (blockmap.Piece, error) {
	p := d.at(off)
	within := off - p.start
	piece := blockmap.Piece{Length: p.size - within}
	switch {
	case p.flat:
		piece.Kind, piece.Offset = blockmap.Data, p.offset+within
	case p.grains != nil:
		var err error
		if piece, err = p.grains.find(within); err != nil {
			return piece, err
		}
		piece.Length = min(piece.Length, p.size-within)
	}
	piece.Medium = p.medium
	return piece, nil
}

// Unpack implements blockmap.Map.
func (d *disk) Unpack(p blockmap.Piece, start int64, dst []byte) ([]byte, error) {
	in := d.at(start)
	if in.grains == nil {
		return nil, errors.New("it is not compressed")
	}
	return in.grains.unpack(p.Offset, start-in.start, dst)
}
