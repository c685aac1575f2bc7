// Package lzma2 decompresses LZMA2, the data in .xz files, as a stream. It is there
// for speed: kernel modules are packed so, thousands in an image.
//
// It does not compress, and knows neither the container around the data nor filters.
// What it takes and what it refuses is what liblzma does; the size of the dictionary
// is the caller's to bound.
//
// The format is that of the LZMA SDK's lzma-specification.txt, and for the chunks
// around it of xz-embedded.
package lzma2

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// ErrCorrupt says that the data is no LZMA2 data, or broken. Data that is cut off is
// [io.ErrUnexpectedEOF].
var ErrCorrupt = errors.New("lzma2: the data is broken")

// The sizes of a chunk, packed and not.
const (
	maxPacked = 64 << 10
	maxPlain  = 2 << 20
)

// A Source is what data is read from.
type Source interface {
	io.Reader
	io.ByteReader
}

var _ Source = (*bufio.Reader)(nil)

// A Reader decompresses. It must not be used concurrently.
type Reader struct {
	decoder
	src  Source
	dict int
	// out is what copies may reach back to, up to o; from at on it is not handed out.
	out    []byte
	o, at  int
	packed []byte
	err    error
	// What a chunk must bring: a new dictionary, new properties.
	needDict, needProps bool
}

// NewReader reads from src up to the end of the data, and not a byte further. Dict is
// how far copies reach back.
func NewReader(src Source, dict int) *Reader {
	r := new(Reader)
	r.Reset(src, dict)
	return r
}

// Reset begins anew.
func (r *Reader) Reset(src Source, dict int) {
	r.src, r.dict, r.err = src, dict, nil
	r.o, r.at, r.needDict, r.needProps = 0, 0, true, true
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	for r.at == r.o {
		if r.err == nil {
			r.err = r.chunk()
		}
		if r.err != nil {
			return 0, r.err
		}
	}
	n := copy(p, r.out[r.at:r.o])
	r.at += n
	return n, nil
}

// The first byte of a chunk.
const (
	endOfData     = 0x00
	plainNewDict  = 0x01
	plainSameDict = 0x02
	packedChunk   = 0x80 // and what it brings:
	newState      = 0xa0
	newProperties = 0xc0
	newDictionary = 0xe0
)

// chunk decompresses the next chunk; io.EOF is the end of the data.
func (r *Reader) chunk() error {
	control, err := r.src.ReadByte()
	if err != nil {
		return noEOF(err)
	}
	switch {
	case control == endOfData:
		return io.EOF
	case control >= newDictionary, control == plainNewDict:
		r.pos, r.needDict, r.needProps = 0, false, true
	case r.needDict, control > plainSameDict && control < packedChunk:
		return ErrCorrupt
	}
	if control < packedChunk {
		return r.plain()
	}
	return r.packedChunk(control)
}

// plain takes a chunk that is not compressed.
func (r *Reader) plain() error {
	var h [2]byte
	if _, err := io.ReadFull(r.src, h[:]); err != nil {
		return noEOF(err)
	}
	size := int(binary.BigEndian.Uint16(h[:])) + 1
	r.room(size)
	if _, err := io.ReadFull(r.src, r.out[r.o:r.o+size]); err != nil {
		return noEOF(err)
	}
	r.o += size
	r.pos += size
	return nil
}

func (r *Reader) packedChunk(control byte) error {
	var h [4]byte
	if _, err := io.ReadFull(r.src, h[:]); err != nil {
		return noEOF(err)
	}
	size := int(control&0x1f)<<16 + int(binary.BigEndian.Uint16(h[:])) + 1
	packed := int(binary.BigEndian.Uint16(h[2:])) + 1
	switch {
	case control >= newProperties:
		props, err := r.src.ReadByte()
		if err != nil {
			return noEOF(err)
		}
		if !r.setProperties(props) {
			return ErrCorrupt
		}
		r.needProps = false
		r.reset()
	case r.needProps:
		return ErrCorrupt
	case control >= newState:
		r.reset()
	}
	if r.packed == nil {
		r.packed = make([]byte, maxPacked+padding)
	}
	if _, err := io.ReadFull(r.src, r.packed[:packed]); err != nil {
		return noEOF(err)
	}
	clear(r.packed[packed : packed+padding])
	r.room(size)
	if !r.decode(r.packed[:packed+padding], r.out, r.o, r.o+size, r.dict) {
		return ErrCorrupt
	}
	r.o += size
	return nil
}

// room makes room for n bytes, of a chunk. What is further back than the dictionary is forgotten.
func (r *Reader) room(n int) {
	if r.o+n+slack <= len(r.out) {
		return
	}
	most := r.dict + max(2*maxPlain, r.dict/4) + slack
	if size := min(most, max(2*len(r.out), r.o+n+slack)); size > len(r.out) {
		out := make([]byte, size)
		copy(out, r.out[:r.o])
		r.out = out
	}
	if r.o+n+slack > len(r.out) {
		keep := min(r.o, r.dict)
		copy(r.out, r.out[r.o-keep:r.o])
		r.o, r.at = keep, keep // all was handed out before the next chunk
	}
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
