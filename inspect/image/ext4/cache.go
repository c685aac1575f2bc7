package ext4

import (
	"fmt"
	"io"
	"sync"
)

// The cache of metadata: 32 MiB in pieces that take in a run of neighbouring
// inodes with one read.
const (
	pieceSize = 64 << 10
	pieces    = 512
)

// A cache keeps what was read last of a device. When it is full, the piece that came
// first goes.
type cache struct {
	r io.ReaderAt

	mu    sync.Mutex
	data  map[int64][]byte
	order []int64
}

func newCache(r io.ReaderAt) *cache { return &cache{r: r, data: map[int64][]byte{}} }

// read fills b from offset off. The device may end within a piece, but not
// within b.
func (c *cache) read(b []byte, off int64) error {
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

func (c *cache) piece(n int64) ([]byte, error) {
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
