package deb

import (
	"bufio"
	"fmt"
	"io"
	"path"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// maxWindow bounds the memory that a compressed member may ask for: twice the
// 64 MiB of xz -9. dpkg-deb takes xz -6, 8 MiB.
const maxWindow = 128 << 20

// decompress opens a member by the suffix of its name.
func decompress(file io.ReaderAt, m member) (io.ReadCloser, error) {
	raw := bufio.NewReaderSize(io.NewSectionReader(file, m.offset, m.size), 256<<10)
	switch suffix := path.Ext(m.name); suffix {
	case ".tar":
		return io.NopCloser(raw), nil
	case ".gz":
		return gzip.NewReader(raw)
	case ".xz":
		r, err := xz.NewReader(raw, maxWindow)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(r), nil
	case ".zst":
		d, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	default:
		return nil, fmt.Errorf("the compression %q is not known; gz, xz, zst and none are", suffix)
	}
}

// A limited fails where more than left bytes are read: an archive that
// unpacks to more is an attack.
type limited struct {
	io.ReadCloser
	left int64
}

func limit(r io.ReadCloser, n int64) io.ReadCloser { return &limited{r, n} }

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, fmt.Errorf("unpacks to more than its limit")
	}
	return n, err
}
