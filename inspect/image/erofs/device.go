package erofs

import (
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/pieces"
)

// A device reads metadata and keeps what was read last.
type device struct {
	r     io.ReaderAt
	size  int64
	cache *pieces.Cache
}

func newDevice(r io.ReaderAt, size int64) *device {
	return &device{r: r, size: size, cache: pieces.New(r)}
}

// read implements area.
func (d *device) read(b []byte, at int64) error {
	if !within(at, int64(len(b)), d.size) {
		return fmt.Errorf("byte %d and %d more are outside of the device's %d", at, len(b), d.size)
	}
	return d.cache.Read(b, at)
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
