package squashfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/therootcompany/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/assay-os/assay/inspect/image/lzo"
	"github.com/assay-os/assay/inspect/inflate"
)

// A codec unpacks one block into dst and returns its length. It never makes
// more than len(dst) bytes, and may be used concurrently.
type codec func(dst, src []byte) (int, error)

// errTooLarge says that a block unpacks to more than there may be.
var errTooLarge = errors.New("it unpacks to more than a block")

// The compressions by their numbers in the superblock.
const (
	compGzip = 1 + iota
	compLzma
	compLzo
	compXz
	compLz4
	compZstd
)

// codecName is what unsquashfs -s calls a compression.
func codecName(id uint16) string {
	names := [...]string{compGzip: "gzip", compLzma: "lzma", compLzo: "lzo", compXz: "xz", compLz4: "lz4", compZstd: "zstd"}
	if id == 0 || int(id) >= len(names) {
		return fmt.Sprint("unknown ", id)
	}
	return names[id]
}

func newCodec(id uint16) (codec, error) {
	switch id {
	case compGzip:
		return newZlib(), nil
	case compLzma:
		return unpackLzma, nil
	case compLzo:
		return lzo.Decompress, nil
	case compXz:
		return streams(func(r io.Reader) (io.ReadCloser, error) {
			z, err := xz.NewReader(r, maxBlock)
			return xzReader{z}, err
		}), nil
	case compLz4:
		return func(dst, src []byte) (int, error) { return lz4.UncompressBlock(src, dst) }, nil
	case compZstd:
		return newZstd()
	}
	return nil, fmt.Errorf("superblock: compression %d is not known", id)
}

// A resetter is a decompressor that can begin anew, as zlib's.
type resetter interface {
	io.Reader
	Reset(r io.Reader, dict []byte) error
}

// xzReader gives xz's reader the form of zlib's.
type xzReader struct{ *xz.Reader }

func (x xzReader) Reset(r io.Reader, _ []byte) error { return x.Reader.Reset(r) }
func (x xzReader) Close() error                      { return nil }

// streams makes a codec of a decompressor of streams. The decompressors are used
// again: making one costs more than unpacking a small block.
func streams(open func(io.Reader) (io.ReadCloser, error)) codec {
	pool := new(sync.Pool)
	return func(dst, src []byte) (int, error) {
		in := bytes.NewReader(src)
		var z io.Reader
		var err error
		if old, ok := pool.Get().(resetter); ok {
			z, err = old, old.Reset(in, nil)
		} else {
			z, err = open(in)
		}
		if err != nil {
			return 0, err
		}
		n, err := readBlock(z, dst)
		if err == nil {
			pool.Put(z)
		}
		return n, err
	}
}

// readBlock reads a stream up to its end, which must come within dst.
func readBlock(z io.Reader, dst []byte) (int, error) {
	n, idle := 0, 0
	for {
		buf := dst[n:]
		if len(buf) == 0 {
			buf = make([]byte, 1) // the end must be read, with its checksum
		}
		got, err := z.Read(buf)
		if n += got; n > len(dst) {
			return 0, errTooLarge
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		if idle++; got > 0 {
			idle = 0
		}
		if idle > 100 {
			return 0, io.ErrNoProgress
		}
	}
}

func newZlib() codec {
	pool := sync.Pool{New: func() any { return new(inflate.Decoder) }}
	return func(dst, src []byte) (int, error) {
		d := pool.Get().(*inflate.Decoder) //nolint:forcetypeassert,errcheck // the pool holds nothing else
		defer pool.Put(d)
		n, err := d.Zlib(dst, src)
		if errors.Is(err, inflate.ErrTooLarge) {
			return 0, errTooLarge
		}
		return n, err
	}
}

func newZstd() (codec, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return func(dst, src []byte) (int, error) {
		out, err := d.DecodeAll(src, dst[:0:len(dst)])
		return len(out), err
	}, nil
}

// unpackLzma reads the form of LZMA alone: a byte of properties, the size of the
// dictionary, the size of the content. No dictionary need be larger than the
// content.
func unpackLzma(dst, src []byte) (int, error) {
	const header, smallest = 13, 4096
	if len(src) < header {
		return 0, io.ErrUnexpectedEOF
	}
	head := bytes.Clone(src[:header])
	le.PutUint32(head[1:], uint32(max(len(dst), smallest)))
	z, err := lzma.ReaderConfig{DictCap: maxBlock}.NewReader(io.MultiReader(bytes.NewReader(head), bytes.NewReader(src[header:])))
	if err != nil {
		return 0, err
	}
	return readBlock(z, dst)
}
