package image

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"

	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/inflate"
)

// A compression is one that a whole subject may be in.
type compression struct {
	name  string
	magic string
	open  func(io.Reader) (io.Reader, error)
}

// maxWindow bounds the memory of a decompressor: zstd(1) makes no larger window
// without --ultra --long, xz(1) none without --lzma2=dict.
const maxWindow = 128 << 20

func compressions() []compression {
	return []compression{
		{"gzip", "\x1f\x8b\x08", func(r io.Reader) (io.Reader, error) { return inflate.NewGzip(bufio.NewReaderSize(r, 64<<10)) }},
		{"xz", "\xfd7zXZ\x00", func(r io.Reader) (io.Reader, error) { return xz.NewReader(r, maxWindow) }},
		{"zstd", "\x28\xb5\x2f\xfd", func(r io.Reader) (io.Reader, error) {
			return zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(2))
		}},
		{"bzip2", "BZh", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
	}
}

func compressionOf(head []byte) (compression, bool) {
	for _, c := range compressions() {
		if bytes.HasPrefix(head, []byte(c.magic)) {
			return c, true
		}
	}
	return compression{}, false
}

// unpack decompresses f into a file without a name, with holes where there are zeros.
func (c compression) unpack(ctx context.Context, f Device, o Options) (*dir.File, error) {
	limit := o.MaxSize
	if limit == 0 {
		limit = DefaultMaxSize
	}
	out, err := unnamedFile(o.TempDir)
	if err != nil {
		return nil, err
	}
	size, err := c.unpackTo(ctx, out, f, limit)
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return dir.NewFile(out, size), nil
}

func (c compression) unpackTo(ctx context.Context, out *os.File, f Device, limit int64) (int64, error) {
	if c.name == "xz" {
		if blocks := xzBlocks(f); blocks != nil {
			return unpackXZ(ctx, out, f, blocks, limit)
		}
	}
	r, err := c.open(io.NewSectionReader(f, 0, f.Size()))
	if err != nil {
		return 0, err
	}
	if d, ok := r.(*zstd.Decoder); ok {
		defer d.Close()
	}
	return copySparse(ctx, out, r, limit)
}

// unnamedFile is a file that goes when it is closed.
func unnamedFile(dir string) (*os.File, error) {
	out, err := os.CreateTemp(dir, "assay-image-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(out.Name()); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

// errLimit says that there is more than may be unpacked.
func errLimit(limit int64) error {
	return fmt.Errorf("it holds more than %d bytes, the limit for a compressed subject", limit)
}

// copySparse copies up to limit bytes, which become the file, and returns how many
// there were.
func copySparse(ctx context.Context, out *os.File, r io.Reader, limit int64) (int64, error) {
	n, err := copyAt(ctx, out, r, limit)
	if err != nil {
		return 0, err
	}
	return n, out.Truncate(n)
}

// copyAt copies up to limit bytes but for zeros, and returns how many there were.
func copyAt(ctx context.Context, out io.WriterAt, r io.Reader, limit int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for at := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := fill(r, buf)
		if at+int64(n) > limit {
			return 0, errLimit(limit)
		}
		if len(bytes.Trim(buf[:n], "\x00")) > 0 {
			if _, err := out.WriteAt(buf[:n], at); err != nil {
				return 0, err
			}
		}
		at += int64(n)
		if err == io.EOF {
			return at, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// fill reads until buf is full. Unlike io.ReadFull it keeps apart the end of the
// stream and a stream that is cut off.
func fill(r io.Reader, buf []byte) (int, error) {
	for n := 0; ; {
		got, err := r.Read(buf[n:])
		if n += got; n == len(buf) || err != nil {
			return n, err
		}
	}
}
