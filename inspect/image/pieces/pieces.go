// Package pieces keeps what was read last of a device, for readers of filesystems: a
// run of neighbouring inodes comes with one read. It knows no format.
package pieces

import (
	"fmt"
	"io"
	"sync"
)

// A cache is 32 MiB, in pieces.
const (
	pieceSize = 64 << 10
	pieces    = 512
)

// A Cache keeps what was read last. When it is full, the piece that came first goes.
// It may be used concurrently.
type Cache struct {
	r io.ReaderAt

	mu    sync.Mutex
	data  map[int64][]byte
	order []int64
}

// New makes an empty cache over r.
func New(r io.ReaderAt) *Cache { return &Cache{r: r, data: map[int64][]byte{}} }

// ReadAt reads past the cache: content is not kept.
func (c *Cache) ReadAt(b []byte, off int64) (int, error) { return c.r.ReadAt(b, off) }

// Read fills b from offset off. The device may end within a piece, but not
// within b.
func (c *Cache) Read(b []byte, off int64) error {
	for len(b) > 0 {
		piece, err := c.piece(off / pieceSize)
		if err != nil {
			return err
		}
		at := off % pieceSize
		if at >= int64(len(piece)) {
			return fmt.Errorf("read at byte %d: the image ends before it", off)
		}
		n := copy(b, piece[at:])
		b, off = b[n:], off+int64(n)
	}
	return nil
}

func (c *Cache) piece(n int64) ([]byte, error) {
	c.mu.Lock()
	piece, ok := c.data[n]
	c.mu.Unlock()
	if ok {
		return piece, nil
	}
	piece = make([]byte, pieceSize)
	got, err := c.r.ReadAt(piece, n*pieceSize)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read at byte %d: %w", n*pieceSize, err)
	}
	piece = piece[:got]
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.data[n]; !ok {
		if len(c.order) == pieces {
			delete(c.data, c.order[0])
			c.order = append(c.order[:0], c.order[1:]...)
		}
		c.data[n] = piece
		c.order = append(c.order, n)
	}
	return piece, nil
}
