package vhdx

import (
	"io"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

// A patched file is one with changes that were logged, and not yet made. It
// reads as zeros from its end on.
type patched struct {
	base io.ReaderAt
	size int64 // of base
	// changes are in the order in which they were made.
	changes []change
}

// A change is zeros, or one sector of data.
type change struct {
	offset, length int64
	// place is where the data lies in the base; 0 for zeros.
	place    int64
	leading  [8]byte
	trailing [4]byte
}

// ReadAt implements io.ReaderAt.
func (p *patched) ReadAt(b []byte, off int64) (int, error) {
	clear(b)
	if n := int(min(int64(len(b)), p.size-off)); n > 0 {
		if got, err := p.base.ReadAt(b[:n], off); got < n {
			return got, blockmap.Short(err)
		}
	}
	end := off + int64(len(b))
	for n := range p.changes {
		c := &p.changes[n]
		from, to := max(c.offset, off), min(c.offset+c.length, end)
		if from >= to {
			continue
		}
		if c.place == 0 {
			clear(b[from-off : to-off])
			continue
		}
		sector, err := p.sector(c)
		if err != nil {
			return 0, err
		}
		copy(b[from-off:to-off], sector[from-c.offset:])
	}
	return len(b), nil
}

func (p *patched) sector(c *change) ([]byte, error) {
	b := make([]byte, logSector)
	if n, err := p.base.ReadAt(b, c.place); n < len(b) {
		return nil, blockmap.Short(err)
	}
	copy(b, c.leading[:])
	copy(b[logSector-4:], c.trailing[:])
	return b, nil
}
