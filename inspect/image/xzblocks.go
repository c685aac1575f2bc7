package image

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"runtime"

	"github.com/therootcompany/xz"
	"golang.org/x/sync/errgroup"
)

// An xzBlock is a part of an xz stream that can be decompressed alone. Xz(1) makes
// more than one when it works on several cores.
type xzBlock struct {
	at, packed int64 // in the file; packed is without the padding
	to, plain  int64 // in what comes out
}

// The parts of a stream: https://tukaani.org/xz/xz-file-format.txt, section 2.
const (
	xzHeader = 12
	xzFooter = 12
	xzEnd    = "YZ"
	// maxIndex bounds the list of blocks, in bytes: what has more is read as a stream.
	maxIndex = 1 << 20
)

// xzBlocks reads the index of a file that is one stream of several blocks; of any
// other file it gives none, and whoever reads that finds what is wrong with it.
func xzBlocks(f Device) []xzBlock {
	footer := bytesAt(f, f.Size()-xzFooter, xzFooter)
	size := (int64(binary.LittleEndian.Uint32(footer[4:])) + 1) * 4
	start := f.Size() - xzFooter - size
	if f.Size() < xzHeader+xzFooter || string(footer[10:]) != xzEnd || size > maxIndex || start < xzHeader {
		return nil
	}
	index := bytesAt(f, start, int(size))
	if crc32.ChecksumIEEE(index[:size-4]) != binary.LittleEndian.Uint32(index[size-4:]) || index[0] != 0 {
		return nil
	}
	count, rest := xzNumber(index[1 : size-4])
	if rest == nil || count < 2 || count > uint64(len(rest)) {
		return nil
	}
	out := make([]xzBlock, 0, count)
	next := xzBlock{at: xzHeader}
	for range count {
		var packed, plain uint64
		packed, rest = xzNumber(rest)
		plain, rest = xzNumber(rest)
		if rest == nil || packed > uint64(start) || plain > 1<<60 || next.to > 1<<60 {
			return nil
		}
		b := xzBlock{next.at, int64(packed), next.to, int64(plain)}
		out = append(out, b)
		next = xzBlock{at: b.at + (b.packed+3)&^3, to: b.to + b.plain}
	}
	if next.at != start || len(rest) > 3 || len(bytes.Trim(rest, "\x00")) > 0 { // more streams, or a list that lies
		return nil
	}
	return out
}

// xzNumber takes a number off the front of b; the rest is nil where there is none
// in its only form.
func xzNumber(b []byte) (uint64, []byte) {
	v, n := binary.Uvarint(b)
	if n <= 0 || n > 9 || n > 1 && b[n-1] == 0 {
		return 0, nil
	}
	return v, b[n:]
}

// unpackXZ decompresses blocks on all cores, each to its place, and returns how
// many bytes there are.
func unpackXZ(ctx context.Context, out *os.File, f Device, blocks []xzBlock, limit int64) (int64, error) {
	last := blocks[len(blocks)-1]
	size := last.to + last.plain
	if size > limit {
		return 0, errLimit(limit)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for n, b := range blocks {
		g.Go(func() error {
			r, err := xz.NewReader(b.stream(f), maxWindow)
			if err != nil {
				return fmt.Errorf("block %d: %w", n, err)
			}
			got, err := copyAt(ctx, io.NewOffsetWriter(out, b.to), r, b.plain)
			if err == nil && got != b.plain {
				err = fmt.Errorf("it holds %d bytes, the index says %d", got, b.plain)
			}
			if err != nil {
				return fmt.Errorf("block %d: %w", n, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	return size, out.Truncate(size)
}

// stream is the block as a file of its own: between the header that it has and an
// index with it alone.
func (b xzBlock) stream(f Device) io.Reader {
	header := bytesAt(f, 0, xzHeader)
	index := binary.AppendUvarint([]byte{0, 1}, uint64(b.packed))
	index = binary.AppendUvarint(index, uint64(b.plain))
	index = append(index, make([]byte, -len(index)&3)...)
	index = binary.LittleEndian.AppendUint32(index, crc32.ChecksumIEEE(index))
	footer := binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1))
	footer = append(footer, header[6:8]...) // the flags
	end := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(footer))
	end = append(append(end, footer...), xzEnd...)
	return io.MultiReader(bytes.NewReader(header), io.NewSectionReader(f, b.at, (b.packed+3)&^3), bytes.NewReader(append(index, end...)))
}
