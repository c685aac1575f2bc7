package canonical

import (
	"bufio"
	"io"

	"github.com/assay-os/assay/inspect/inflate"
	"github.com/assay-os/assay/inspect/lzma2"
)

// A Work is memory to unfold one content after the other in, for who has many of
// them. The zero value is ready. It must not be used concurrently.
type Work struct {
	rules   []Rule
	gzips   []*inflate.Gzip // that are free: forms lie inside of each other
	lzma2s  []*lzma2.Reader
	buffers []*bufio.Reader
	block   []byte
}

// blockSize is how much is read at once.
const blockSize = 64 << 10

// buffered gives a reader of r, to be handed back when it is not used any more.
func (w *Work) buffered(r io.Reader) *bufio.Reader {
	n := len(w.buffers) - 1
	if n < 0 {
		return bufio.NewReaderSize(r, blockSize)
	}
	b := w.buffers[n]
	w.buffers = w.buffers[:n]
	b.Reset(r)
	return b
}

func (w *Work) release(b *bufio.Reader) {
	b.Reset(nil)
	w.buffers = append(w.buffers, b)
}

// copy copies all of r.
func (w *Work) copy(to io.Writer, r io.Reader) error {
	if w.block == nil {
		w.block = make([]byte, blockSize)
	}
	// Neither side may bring its own way to copy, by its own small buffer.
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{r}, w.block)
	return err
}

// A gzipFile is a decompressor that goes back to its work.
type gzipFile struct {
	*inflate.Gzip
	work *Work
}

func (w *Work) gzip(r *bufio.Reader) (gzipFile, error) {
	g := new(inflate.Gzip)
	if n := len(w.gzips) - 1; n >= 0 {
		g, w.gzips = w.gzips[n], w.gzips[:n]
	}
	return gzipFile{g, w}, g.Reset(r)
}

// Close implements io.Closer.
func (f gzipFile) Close() error {
	f.work.gzips = append(f.work.gzips, f.Gzip)
	return nil
}

func (w *Work) lzma2() *lzma2.Reader {
	n := len(w.lzma2s) - 1
	if n < 0 {
		return new(lzma2.Reader)
	}
	r := w.lzma2s[n]
	w.lzma2s = w.lzma2s[:n]
	return r
}
