package canonical

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz/lzma"
)

// bootCompressions are those that the kernel unpacks, as far as they are read
// here, each read as the kernel does: one stream. What follows is a part of its
// own, and an archive that goes on in it is an error at boot.
func bootCompressions() []compression {
	list := []compression{{magic: "\x5d\x00\x00", open: openLzma}}
	list[0].Name = "lzma"
	for _, c := range compressions() {
		switch c.Name {
		case "gzip":
			c.open = openOneGzip
		case "xz":
			c.open = openOneXz
		case "zstd":
			c.open = openOneZstd
		case "bzip2":
			c.open = func(*Work, *bufio.Reader) (io.ReadCloser, error) {
				return nil, malformed("where a stream of bzip2 ends is not known")
			}
		}
		list = append(list, c)
	}
	return list
}

func openOneGzip(w *Work, r *bufio.Reader) (io.ReadCloser, error) {
	z, err := w.gzip(r)
	z.One()
	return z, err
}

func openOneXz(w *Work, r *bufio.Reader) (io.ReadCloser, error) {
	x := &xzReader{r: &counter{r: r}, single: true, work: w, lzma2: w.lzma2()}
	return x, x.header()
}

func openOneZstd(w *Work, r *bufio.Reader) (io.ReadCloser, error) {
	head, err := r.Peek(zstd.HeaderMaxSize)
	if err != nil && err != io.EOF {
		return nil, err
	}
	var h zstd.Header
	if err := h.Decode(head); err != nil {
		return nil, err
	}
	f := &zstdFrame{r: r, left: int64(h.HeaderSize), sum: h.HasCheckSum}
	return openZstd(w, bufio.NewReader(f))
}

// A zstdFrame is the bytes of one frame: RFC 8878, section 3.1.1.
type zstdFrame struct {
	r *bufio.Reader
	// left is what remains of the header, the block or the checksum.
	left      int64
	sum, last bool
}

func (z *zstdFrame) Read(p []byte) (int, error) {
	if z.left == 0 {
		if err := z.next(); err != nil {
			return 0, err
		}
	}
	n, err := z.r.Read(p[:min(int64(len(p)), z.left)])
	z.left -= int64(n)
	return n, noEOFUnless(n > 0, err)
}

func noEOFUnless(some bool, err error) error {
	if err == nil || some {
		return nil
	}
	return noEOF(err)
}

// next goes to the next block, whose header is three bytes, or to the checksum.
func (z *zstdFrame) next() error {
	switch {
	case z.last && z.sum:
		z.left, z.sum = 4, false
		return nil
	case z.last:
		return io.EOF
	}
	b, err := z.r.Peek(3)
	if err != nil {
		return noEOF(err)
	}
	const rle = 1 // one byte that stands for many
	z.last, z.left = b[0]&1 != 0, 3+int64(uint32(b[0])|uint32(b[1])<<8|uint32(b[2])<<16)>>3
	if b[0]>>1&3 == rle {
		z.left = 4
	}
	return nil
}

func openLzma(_ *Work, r *bufio.Reader) (io.ReadCloser, error) {
	x, err := lzma.ReaderConfig{DictCap: maxWindow}.NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(x), nil
}

// compressed reads the archives in one compressed part. The format counts: the
// kernel must have been built with it.
func (u *unpacking) compressed(ctx context.Context, r *counter) error {
	head, _ := r.r.Peek(HeadSize) // less at the end
	i := slices.IndexFunc(bootCompressions(), func(c compression) bool { return bytes.HasPrefix(head, []byte(c.magic)) })
	if i < 0 {
		return malformed("%.6q where an archive should begin", head)
	}
	c := bootCompressions()[i]
	z, err := c.open(u.in.unfold.work, r.r)
	if err != nil {
		return corrupt(err)
	}
	defer z.Close()
	u.early, u.compression = false, c.Name
	defer func() { u.compression = "" }()
	budget := &budgetReader{ctx: ctx, r: z, left: &u.in.unfold.bytes}
	if err := u.archives(ctx, &counter{r: bufio.NewReaderSize(budget, 64<<10)}, false); err != nil {
		return err
	}
	format := c.Name
	if d, ok := z.(described); ok {
		format = fmt.Sprint(format, " ", d.describe())
	}
	u.formats = append(u.formats, format)
	return nil
}
