package oci

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"

	"github.com/assay-os/assay/inspect/inflate"
)

// maxWindow bounds the memory of a decompressor: RFC 8878 has 8 MiB as what
// every one has to take, zstd(1) makes up to 128 MiB.
const maxWindow = 128 << 20

// A layer is one layer's file, and what its content must be.
type layer struct {
	part
	mediaType string
	// diffID is the digest of the layer when it is unpacked.
	diffID digest
	// foreign says that the layer may be only where its URLs are.
	foreign bool
}

func (l *layer) label() string {
	if l.digest != "" {
		return l.digest.short()
	}
	return l.name
}

// A plain is an unpacked layer.
type plain struct {
	io.ReaderAt
	size int64
	// base makes places in the layers of an image comparable.
	base int64
}

// A spool unpacks the layers of an image into one file without a name.
type spool struct {
	files *Files
	dir   string
	// left is how many bytes may still be written.
	left int64
	out  *os.File
	at   int64
	// base is where the next layer lies among all.
	base   int64
	opened []io.Closer
	// done are layers by their files: an empty one often comes again.
	done map[string]*plain
}

func (s *spool) close() error {
	var errs []error
	for _, c := range s.opened {
		errs = append(errs, c.Close())
	}
	if s.out != nil {
		errs = append(errs, s.out.Close())
	}
	return errors.Join(errs...)
}

// layer unpacks a layer and requires its digests. One that is not compressed is read
// where it lies.
func (s *spool) layer(ctx context.Context, l *layer) (*plain, error) {
	key := l.name + " " + string(l.diffID)
	if p := s.done[key]; p != nil {
		return p, nil
	}
	c, err := s.files.open(l.name)
	if errors.Is(err, fs.ErrNotExist) && l.foreign {
		return nil, fmt.Errorf("%w: it is only where its URLs are", err)
	}
	if err != nil {
		return nil, err
	}
	if l.size >= 0 && c.Size() != l.size {
		return nil, errors.Join(fmt.Errorf("%s: it has %d bytes, its descriptor says %d", l.name, c.Size(), l.size), c.Close())
	}
	head := make([]byte, 8)
	if _, err := c.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, errors.Join(err, c.Close())
	}
	r := &checked{ctx: ctx, r: io.NewSectionReader(c, 0, c.Size())}
	if l.digest != "" {
		if r.hash, err = l.digest.hash(); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	diff, err := l.diffID.hash()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("diff_id: %w", err), c.Close())
	}
	p := &plain{base: s.base}
	unpack := unpacker(head)
	if unpack == nil {
		s.opened = append(s.opened, c)
		p.ReaderAt = c
		p.size, err = io.Copy(diff, r)
	} else {
		err = errors.Join(s.unpack(p, unpack, r, diff), c.Close())
	}
	if err != nil {
		return nil, err
	}
	if err := r.finish(l.digest); err != nil {
		return nil, err
	}
	if err := l.diffID.check(diff); err != nil {
		return nil, fmt.Errorf("unpacked: %w", err)
	}
	s.base += p.size
	if s.done == nil {
		s.done = map[string]*plain{}
	}
	s.done[key] = p
	return p, nil
}

// unpacker is what unpacks content with that head; nil where it is not compressed.
// The media type is not asked: engines look at the content, and so do we.
func unpacker(head []byte) func(io.Reader) (io.ReadCloser, error) {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return func(r io.Reader) (io.ReadCloser, error) {
			g, err := inflate.NewGzip(bufio.NewReaderSize(r, 64<<10))
			return io.NopCloser(g), err
		}
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")), len(head) > 3 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18":
		return func(r io.Reader) (io.ReadCloser, error) {
			d, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
			if err != nil {
				return nil, err
			}
			return d.IOReadCloser(), nil
		}
	}
	return nil
}

// unpack writes an unpacked layer behind those before it.
func (s *spool) unpack(p *plain, open func(io.Reader) (io.ReadCloser, error), r io.Reader, diff io.Writer) error {
	if s.out == nil {
		out, err := nameless(s.dir)
		if err != nil {
			return err
		}
		s.out = out
	}
	d, err := open(r)
	if err != nil {
		return fmt.Errorf("decompress: %w", err)
	}
	defer d.Close()
	p.size, err = s.write(io.TeeReader(io.LimitReader(d, s.left+1), diff))
	if err != nil {
		return fmt.Errorf("decompress: %w", err)
	}
	p.ReaderAt = io.NewSectionReader(s.out, s.at, p.size)
	s.at, s.left = s.at+p.size, s.left-p.size
	return nil
}

// write copies r behind what is there, and leaves holes where it has zeros.
func (s *spool) write(r io.Reader) (int64, error) {
	buf := make([]byte, 128<<10)
	for size := int64(0); ; {
		n, err := fill(r, buf)
		if size+int64(n) > s.left {
			return 0, errors.New("the layers hold more than the limit for a compressed subject")
		}
		if len(bytes.Trim(buf[:n], "\x00")) > 0 {
			if _, err := s.out.WriteAt(buf[:n], s.at+size); err != nil {
				return 0, err
			}
		}
		size += int64(n)
		switch {
		case err == io.EOF:
			return size, s.out.Truncate(s.at + size)
		case err != nil:
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

func nameless(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "assay-layers-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// A checked reader hashes what is read.
type checked struct {
	ctx  context.Context
	r    io.Reader
	hash hash.Hash
}

func (c *checked) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(b)
	if c.hash != nil {
		c.hash.Write(b[:n])
	}
	return n, err
}

// finish reads what a decompressor left and compares the digest.
func (c *checked) finish(d digest) error {
	if _, err := io.Copy(io.Discard, c); err != nil {
		return err
	}
	if c.hash == nil {
		return nil
	}
	return d.check(c.hash)
}
