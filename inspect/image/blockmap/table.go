package blockmap

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// A Table is an array of numbers in a file. It is read piece by piece when
// it is asked for: a large claim costs no memory.
type Table struct {
	r      io.ReaderAt
	name   string
	offset int64
	count  int64
	width  int64
	order  binary.ByteOrder
	pages  Pages
}

// tablePage is how many bytes are read at once.
const tablePage = 64 << 10

// NewTable takes the count numbers of width 4 or 8 bytes at offset, which must
// lie in the first length bytes of r. Name starts the texts of its errors.
func NewTable(name string, r io.ReaderAt, length, offset, count int64, width int, order binary.ByteOrder) (*Table, error) {
	if offset < 0 || count < 0 || offset > length || count > (length-offset)/int64(width) {
		return nil, fmt.Errorf("%s: its %d entries lie at byte %d, the file ends at byte %d: it is truncated", name, count, offset, length)
	}
	return &Table{r: r, name: name, offset: offset, count: count, width: int64(width), order: order}, nil
}

// Len is the count of numbers.
func (t *Table) Len() int64 { return t.count }

// At is the number n, counted from 0.
func (t *Table) At(n int64) (uint64, error) {
	if n < 0 || n >= t.count {
		return 0, fmt.Errorf("%s: there is no entry %d", t.name, n)
	}
	at := n * t.width
	page := at / tablePage * tablePage
	b, err := t.pages.Read(t.r, t.offset+page, int(min(tablePage, t.count*t.width-page)))
	if err != nil {
		return 0, fmt.Errorf("%s: entry %d: %w", t.name, n, err)
	}
	if t.width == 4 {
		return uint64(t.order.Uint32(b[at-page:])), nil
	}
	return t.order.Uint64(b[at-page:]), nil
}

// Pages keeps what was read last of the tables of a file. The zero value is
// empty; it may be used concurrently.
type Pages struct {
	mu   sync.Mutex
	kept map[int64][]byte
	size int
}

// maxPages bounds what is kept, in bytes.
const maxPages = 16 << 20

// Read gives n bytes at off, which nobody may change. One place must always be
// read with the same n.
func (p *Pages) Read(r io.ReaderAt, off int64, n int) ([]byte, error) {
	p.mu.Lock()
	b, ok := p.kept[off]
	p.mu.Unlock()
	if ok {
		return b, nil
	}
	b = make([]byte, n)
	if got, err := r.ReadAt(b, off); got < n {
		return nil, Short(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil || p.size+n > maxPages {
		p.kept, p.size = map[int64][]byte{}, 0
	}
	p.kept[off] = b
	p.size += n
	return b, nil
}
