// Package inflate decompresses DEFLATE (RFC 1951), alone, in zlib's form (RFC
// 1950) and in gzip's (RFC 1952), from memory into memory and as a stream. It is
// there for speed: what an image is made of lies in blocks whose size is known,
// and one whole look at bits and bytes at once is twice as fast as a reader of
// readers.
//
// It does not compress, and knows no preset dictionaries. What it takes and what
// it refuses is what zlib does.
//
//	var d inflate.Decoder
//	n, err := d.Fill(block, packed)
package inflate

import (
	"encoding/binary"
	"errors"
	"hash/adler32"
	"io"
)

// The errors of data. A stream that is cut off is [io.ErrUnexpectedEOF].
var (
	ErrCorrupt  = errors.New("inflate: the data is no DEFLATE stream, or a broken one")
	ErrHeader   = errors.New("inflate: the header is wrong")
	ErrChecksum = errors.New("inflate: the checksum is wrong")
	ErrTooLarge = errors.New("inflate: there is more than the room for it")
)

// MaxRatio is more than one byte can stand for.
const MaxRatio = 1040

// A Decoder decompresses one stream after the other. The zero value is ready. It
// must not be used concurrently.
type Decoder struct {
	huffman
	bits uint64 // the next bits, from the lowest on
	n    uint   // how many of them there are
	// what the stream is in
	state state
	final bool
	left  int // bytes of a stored block, or of a copy that the room was too small for
	dist  int // of that copy
}

// A state is what comes next in a stream.
type state int

const (
	inHeader state = iota // of a block
	inStored
	inCodes
	inCopy
	atEnd
)

func (d *Decoder) reset() { d.bits, d.n, d.state, d.final = 0, 0, inHeader, false }

// Fill decompresses the stream that src begins with until dst is full or the
// stream ends, and returns how many bytes there are. What follows is not looked at.
func (d *Decoder) Fill(dst, src []byte) (int, error) {
	d.reset()
	w := window{in: src, last: true, out: dst}
	err := d.run(&w)
	return w.o, noInput(err)
}

// Whole decompresses the stream that src begins with into dst, up to the stream's
// end, and returns how many bytes there are, and how many of src were used. More
// than dst has room for is [ErrTooLarge].
func (d *Decoder) Whole(dst, src []byte) (n, used int, err error) {
	d.reset()
	w := window{in: src, last: true, out: dst}
	if err = d.run(&w); err == nil {
		err = d.finish(&w)
	}
	return w.o, w.i, noInput(err)
}

// noInput says of input that is used up that there is no more.
func noInput(err error) error {
	if err == errInput {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Zlib is [Decoder.Whole] for a stream with zlib's header and checksum.
func (d *Decoder) Zlib(dst, src []byte) (int, error) {
	if err := ZlibHeader(src); err != nil {
		return 0, err
	}
	n, used, err := d.Whole(dst, src[2:])
	if err != nil {
		return n, err
	}
	sum := src[2+used:]
	if len(sum) < 4 {
		return n, io.ErrUnexpectedEOF
	}
	if binary.BigEndian.Uint32(sum) != adler32.Checksum(dst[:n]) {
		return n, ErrChecksum
	}
	return n, nil
}

// ZlibHeader checks the two bytes before a stream: RFC 1950, section 2.2.
func ZlibHeader(src []byte) error {
	const deflate, maxWindow, dictionary = 8, 7, 0x20
	switch {
	case len(src) < 2:
		return io.ErrUnexpectedEOF
	case src[0]&15 != deflate, src[0]>>4 > maxWindow, src[1]&dictionary != 0, binary.BigEndian.Uint16(src)%31 != 0:
		return ErrHeader
	}
	return nil
}
