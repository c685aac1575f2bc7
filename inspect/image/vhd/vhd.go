// Package vhd reads the virtual hard disks of Virtual PC, Hyper-V before 2012,
// Azure and XenServer: fixed and dynamic.
//
// A differencing disk is refused: its content is not in it alone. The checksums
// of footer and header are verified. What a dynamic disk's footer at the end
// says must be what its copy at the start says; when one is broken, the other
// serves and [Image.Problems] says so. The bitmap of a block's sectors is not
// looked at: in a disk without a parent a sector whose bit is off is zero.
//
// The size is a disk's current size, as Hyper-V, Azure and VirtualBox have it,
// but for disks that Virtual PC, Virtual Server and QEMU by default made: there it
// is the geometry's, as it is for these programs and for qemu-img(1), unless the
// geometry is the largest possible.
//
// The format is that of Microsoft's "Virtual Hard Disk Image Format
// Specification" 1.0.
package vhd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

var be = binary.BigEndian

const (
	cookie        = "conectix"
	dynamicCookie = "cxsparse"
	footerLen     = 512
	// oldFooterLen is what Virtual PC before 2004 wrote.
	oldFooterLen = 511
	dynamicLen   = 1024

	kindFixed        = 2
	kindDynamic      = 3
	kindDifferencing = 4

	sector = 512
	// maxSize is 2040 GiB, where blocks of 2 MiB and sectors of 32 bits end.
	maxSize = 2040 << 30
	// largestGeometry is what a disk has that is larger than its geometry can say.
	largestGeometry = 65535 * 16 * 255
	unused          = 0xffffffff
)

// A footer describes a disk.
type footer struct {
	kind    uint32
	header  int64 // of a dynamic disk
	size    int64 // guest-visible
	current int64
	raw     []byte
}

// Detect tells whether a file of the given length is a disk: it starts with a
// footer, or ends with a sound one, whose size is that of the file when it is fixed.
// Another file that ends with a footer is a raw disk; [Leftover] tells of it.
func Detect(r io.ReaderAt, length int64) bool {
	if bytes.HasPrefix(read(r, 0, len(cookie)), []byte(cookie)) {
		return true
	}
	f, at, err := lastFooter(r, length)
	return err == nil && (f.kind != kindFixed || f.fits(at))
}

// Leftover tells whether a file that is no disk ends with a footer.
func Leftover(r io.ReaderAt, length int64) bool {
	return !Detect(r, length) && bytes.Equal(read(r, length-footerLen, len(cookie)), []byte(cookie))
}

// fits tells whether a fixed disk is as long as what lies before its footer.
func (f *footer) fits(data int64) bool { return f.size == data || f.current == data }

// lastFooter finds the footer at the end, and where it begins.
func lastFooter(r io.ReaderAt, length int64) (*footer, int64, error) {
	var first error
	for _, n := range []int64{footerLen, oldFooterLen} {
		f, err := parseFooter(read(r, length-n, int(n)))
		if err == nil {
			return f, length - n, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, 0, first
}

// read gives n bytes; those that are not there are zero.
func read(r io.ReaderAt, off int64, n int) []byte {
	b := make([]byte, n)
	if off < 0 {
		return b
	}
	if got, err := r.ReadAt(b, off); err != nil {
		clear(b[got:])
	}
	return b
}

func parseFooter(b []byte) (*footer, error) {
	if string(b[:8]) != cookie {
		return nil, errors.New("the cookie is missing")
	}
	if want, got := be.Uint32(b[64:]), checksum(b, 64); want != got {
		return nil, fmt.Errorf("its checksum is %08x, it says %08x", got, want)
	}
	f := &footer{kind: be.Uint32(b[60:]), header: int64(be.Uint64(b[16:])), current: int64(be.Uint64(b[48:])), raw: b}
	sectors := int64(be.Uint16(b[56:])) * int64(b[58]) * int64(b[59])
	f.size = f.current
	switch app := string(b[28:32]); {
	case sectors == largestGeometry:
	case app == "vpc " || app == "vs  " || app == "qemu":
		f.size = sectors * sector
	}
	switch {
	case be.Uint32(b[12:])>>16 != 1:
		return nil, fmt.Errorf("version %#x is not known", be.Uint32(b[12:]))
	case f.kind == kindDifferencing:
		return nil, errDifferencing
	case f.kind != kindFixed && f.kind != kindDynamic:
		return nil, fmt.Errorf("type %d is not known", f.kind)
	case f.size < 0 || f.size > maxSize || f.current < 0:
		return nil, fmt.Errorf("size %d is impossible", uint64(f.size))
	}
	f.size = f.size &^ (sector - 1)
	return f, nil
}

var errDifferencing = errors.New("it is a differencing disk, which holds the changes to another: not read")

// checksum is the complement of the sum of all bytes but those of the sum itself.
func checksum(b []byte, field int) uint32 {
	sum := uint32(0)
	for i, c := range b {
		if i < field || i >= field+4 {
			sum += uint32(c)
		}
	}
	return ^sum
}

// An Image is the guest-visible content. It implements fsys.Device, and may be
// used concurrently.
type Image struct {
	*blockmap.Device
	problems []error
}

// Problems tells what is wrong although the disk can be read.
func (i *Image) Problems() []error { return append(i.problems, i.Device.Problems()...) }

// Open reads a disk in the first length bytes of r.
func Open(r io.ReaderAt, length int64) (*Image, error) {
	f, at, problems, err := findFooter(r, length)
	if err != nil {
		return nil, fmt.Errorf("vhd footer: %w", err)
	}
	var blocks blockmap.Map = fixed{f.size}
	if f.kind == kindDynamic {
		if blocks, err = openDynamic(r, length, f); err != nil {
			return nil, err
		}
	} else if !f.fits(at) {
		return nil, fmt.Errorf("vhd footer: a fixed disk of %d bytes, but there are %d: it is truncated or broken", f.size, at)
	}
	medium := blockmap.Medium{R: r, Size: at}
	return &Image{blockmap.New("vhd", f.size, blocks, medium), problems}, nil
}

// findFooter gives the footer that counts, and where the data ends.
func findFooter(r io.ReaderAt, length int64) (*footer, int64, []error, error) {
	end, at, endErr := lastFooter(r, length)
	if endErr == nil && end.kind == kindFixed {
		return end, at, nil, nil
	}
	start, startErr := parseFooter(read(r, 0, footerLen))
	switch {
	case startErr != nil && endErr != nil:
		return nil, 0, nil, startErr
	case startErr != nil:
		return end, at, []error{fmt.Errorf("vhd footer: the copy at the start: %w", startErr)}, nil
	case endErr != nil:
		return start, length, []error{fmt.Errorf("vhd footer: at the end: %w", endErr)}, nil
	case !bytes.Equal(start.raw[:oldFooterLen], end.raw[:oldFooterLen]):
		return start, at, []error{errors.New("vhd footer: the one at the end is not that at the start")}, nil
	}
	return start, at, nil, nil
}

// fixed is the map of a disk that lies in the file as it is.
type fixed struct{ size int64 }

// Find implements blockmap.Map.
func (f fixed) Find(off int64) (blockmap.Piece, error) {
	return blockmap.Piece{Kind: blockmap.Data, Offset: off, Length: f.size - off}, nil
}

// Unpack implements blockmap.Map.
func (fixed) Unpack(blockmap.Piece, int64, []byte) ([]byte, error) { return nil, errPacked }

var errPacked = errors.New("vhd knows no compression")
