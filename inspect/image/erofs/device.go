package erofs

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

// A device reads metadata and keeps what was read last. When it is full, the
// piece that came first goes.
type device struct {
	r    io.ReaderAt
	size int64

	mu    sync.Mutex
	data  map[int64][]byte
	order []int64
}

func newDevice(r io.ReaderAt, size int64) *device {
	return &device{r: r, size: size, data: map[int64][]byte{}}
}

// read implements area.
func (d *device) read(b []byte, at int64) error {
	if !within(at, int64(len(b)), d.size) {
		return fmt.Errorf("byte %d and %d more are outside of the device's %d", at, len(b), d.size)
	}
	for len(b) > 0 {
		piece, err := d.piece(at / pieceSize)
		if err != nil {
			return err
		}
		off := at % pieceSize
		if off >= int64(len(piece)) {
			return fmt.Errorf("read at byte %d: the image ends before it", at)
		}
		n := copy(b, piece[off:])
		b, at = b[n:], at+int64(n)
	}
	return nil
}

// direct reads content, which is not kept.
func (d *device) direct(b []byte, at int64) error {
	if !within(at, int64(len(b)), d.size) {
		return fmt.Errorf("byte %d and %d more are outside of the device's %d", at, len(b), d.size)
	}
	n, err := d.r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read at byte %d: %w", at, err)
}

// within tells whether n bytes at a byte lie in what has size bytes.
func within(at, n, size int64) bool { return at >= 0 && n >= 0 && at <= size && n <= size-at }

func (d *device) piece(n int64) ([]byte, error) {
	d.mu.Lock()
	piece, ok := d.data[n]
	d.mu.Unlock()
	if ok {
		return piece, nil
	}
	piece = make([]byte, pieceSize)
	got, err := d.r.ReadAt(piece, n*pieceSize)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read at byte %d: %w", n*pieceSize, err)
	}
	piece = piece[:got]
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.data[n]; !ok {
		if len(d.order) == pieces {
			delete(d.data, d.order[0])
			d.order = append(d.order[:0], d.order[1:]...)
		}
		d.data[n] = piece
		d.order = append(d.order, n)
	}
	return piece, nil
}
