package canonical

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/assay-os/assay/report"
)

// maxWindow bounds the memory that a decompressor may take: the largest
// window of zstd's ordinary levels and of xz -9.
const maxWindow = 128 << 20

// A compression is one format of compressed content.
type compression struct {
	report.Rule
	magic  string
	suffix string
	open   func(*Work, *bufio.Reader) (io.ReadCloser, error)
}

// compressions are the formats that are unpacked by content.
func compressions() []compression {
	return []compression{
		{report.Rule{Name: "gzip", Version: 1,
			Reason: "the header's time, name, comment and system, and how hard it was compressed, do not change what comes out",
			Source: "RFC 1952, section 2.3"}, "\x1f\x8b\x08", ".gz", openGzip},
		{report.Rule{Name: "xz", Version: 1,
			Reason: "the filter settings and block sizes do not change what comes out; the kind of check counts, for the kernel does not read all",
			Source: "The .xz File Format 1.2.1"}, xzMagic, ".xz", openXz},
		{report.Rule{Name: "zstd", Version: 1,
			Reason: "the level, frames and checksums do not change what comes out",
			Source: "RFC 8878, section 3.1"}, "\x28\xb5\x2f\xfd", ".zst", openZstd},
		{report.Rule{Name: "bzip2", Version: 1,
			Reason: "the block size does not change what comes out",
			Source: "bzip2(1)"}, "BZh", ".bz2", openBzip2},
	}
}

// rule makes the content rule of a compression: the meaning of the content is
// the meaning of what it unpacks to.
func (c compression) rule() Rule {
	return Rule{Rule: c.Rule,
		Match: func(_ *report.Entry, head []byte) bool { return bytes.HasPrefix(head, []byte(c.magic)) },
		canonicalise: func(ctx context.Context, in *Input, f *form) error {
			b := in.unfold.work.buffered(in.reader())
			defer in.unfold.work.release(b)
			r, err := c.open(in.unfold.work, b)
			if err != nil {
				return corrupt(err)
			}
			defer r.Close()
			name := strings.TrimSuffix(path.Base(string(in.Entry.Path)), c.suffix)
			m, err := in.member(ctx, name, r)
			if err != nil {
				return corrupt(err)
			}
			if d, ok := r.(described); ok {
				f.fact("kind", d.describe())
			}
			f.fact("content", m.digest)
			f.parts, f.count = m.parts, len(m.parts)
			return nil
		}}
}

// described is a reader that knows, at its end, more than the content.
type described interface{ describe() string }

// corrupt sorts a decompressor's error: all but the bounds and the reading
// itself mean that the data is not what its first bytes say. An error of the
// medium shows in the file's own digest, which is made from the same bytes.
func corrupt(err error) error {
	if errors.Is(err, ErrLimit) || errors.Is(err, ErrMalformed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return malformed("%v", err)
}

func openGzip(w *Work, r *bufio.Reader) (io.ReadCloser, error) { return w.gzip(r) }

func openZstd(_ *Work, r *bufio.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

func openBzip2(_ *Work, r *bufio.Reader) (io.ReadCloser, error) {
	return io.NopCloser(bzip2.NewReader(r)), nil
}
