package btrfs

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/assay-os/assay/inspect/image/lzo"
	"github.com/assay-os/assay/inspect/inflate"
)

// The compressions of an extent: BTRFS_COMPRESS_*; what is not below compressions is unknown.
const (
	compressNone = 0
	compressZlib = 1
	compressLZO  = 2
	compressZSTD = 3
	compressions = 4
)

// An unpacker decompresses extents. It may be used concurrently.
type unpacker struct {
	sector  int
	inflate sync.Pool // of *inflate.Decoder
	zstd    func() (*zstd.Decoder, error)
}

func newUnpacker(sector int) *unpacker {
	return &unpacker{sector: sector, zstd: sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(mostEncoded), zstd.WithDecoderMaxWindow(mostEncoded))
	})}
}

// unpack returns at most size bytes. A stream may hold less, the kernel
// goes on with zeros then, and more, which is not wanted.
func (u *unpacker) unpack(compression byte, packed []byte, size int) ([]byte, error) {
	switch compression {
	case compressZlib:
		return u.zlib(packed, size)
	case compressLZO:
		return u.lzo(packed, size)
	case compressZSTD:
		return u.zstandard(packed, size)
	}
	return packed[:min(size, len(packed))], nil
}

// zlib skips the header and ignores the checksum at the end, as the kernel does: extents
// have their own.
func (u *unpacker) zlib(packed []byte, size int) ([]byte, error) {
	if err := inflate.ZlibHeader(packed); err != nil {
		return nil, fmt.Errorf("zlib: %w", err)
	}
	d, ok := u.inflate.Get().(*inflate.Decoder)
	if !ok {
		d = new(inflate.Decoder)
	}
	defer u.inflate.Put(d)
	out := make([]byte, size)
	n, err := d.Fill(out, packed[2:])
	if err != nil {
		return nil, fmt.Errorf("zlib: %w", err)
	}
	return out[:n], nil
}

// lzo reads a chain of segments, each of one sector before it was compressed:
// fs/btrfs/lzo.c. No header of a segment crosses the end of a sector.
func (u *unpacker) lzo(packed []byte, size int) ([]byte, error) {
	const header = 4
	if len(packed) < header || int64(le.Uint32(packed)) > int64(len(packed)) {
		return nil, errors.New("lzo: its length is wrong")
	}
	packed = packed[:le.Uint32(packed)]
	out := make([]byte, size+u.sector) // room for the last segment
	n := 0
	for at := header; at+header <= len(packed) && n < size; {
		length := int(le.Uint32(packed[at:]))
		at += header
		if length > len(packed)-at {
			return nil, fmt.Errorf("lzo: a segment of %d bytes is cut off", length)
		}
		got, err := lzo.Decompress(out[n:min(n+u.sector, len(out))], packed[at:at+length])
		if err != nil {
			return nil, err
		}
		n, at = n+got, at+length
		if left := u.sector - at%u.sector; left < header {
			at += left
		}
	}
	return out[:min(n, size)], nil
}

// zstandard reads one frame; what follows in the last sector is padding.
func (u *unpacker) zstandard(packed []byte, size int) ([]byte, error) {
	frame, err := zstdFrame(packed)
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	d, err := u.zstd()
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	out, err := d.DecodeAll(frame, make([]byte, 0, size))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return out[:min(size, len(out))], nil
}

// zstdFrame cuts off what follows the first frame: RFC 8878, 3.1.1.
func zstdFrame(b []byte) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return nil, err
	}
	at := h.HeaderSize
	for last := false; !last; {
		const header, rle = 3, 1
		if at+header > len(b) {
			return nil, io.ErrUnexpectedEOF
		}
		block := int(b[at]) | int(b[at+1])<<8 | int(b[at+2])<<16
		last = block&1 != 0
		size := block >> 3
		if block>>1&3 == rle {
			size = 1
		}
		at += header + size
	}
	if h.HasCheckSum {
		at += 4
	}
	if at > len(b) {
		return nil, io.ErrUnexpectedEOF
	}
	return b[:at], nil
}
