package fat

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

const (
	pieceSize = 64 << 10
	pieces    = 128
)

// A table is the first file allocation table: which cluster follows which. It
// keeps the pieces that were read last, up to 8 MiB.
type table struct {
	boot
	r io.ReaderAt

	mu    sync.Mutex
	data  map[int64][]byte
	order []int64
}

func newTable(b boot, r io.ReaderAt) *table {
	return &table{boot: b, r: r, data: map[int64][]byte{}}
}

// next is the cluster after n; 0 when n is the last. The mark of a bad cluster
// ends a chain as it does for Linux.
func (t *table) next(n uint32) (uint32, error) {
	v, err := t.entry(n)
	if err != nil {
		return 0, err
	}
	bad := uint32(1)<<min(t.bits, 28) - 9
	switch {
	case v >= bad:
		return 0, nil
	case v == 0:
		return 0, fmt.Errorf("cluster %d is free, but part of a chain", n)
	case !t.valid(v):
		return 0, fmt.Errorf("after cluster %d comes %d, of %d", n, v, t.clusters+1)
	}
	return v, nil
}

func (t *table) valid(n uint32) bool { return n >= 2 && n-2 < t.clusters }

// entry is the number that the table has for a cluster.
func (t *table) entry(n uint32) (uint32, error) {
	at, width := int64(n)*int64(t.bits)/8, int64(t.bits+7)/8
	if at+width > t.tableSize {
		return 0, fmt.Errorf("the entry of cluster %d is beyond the end of the allocation table", n)
	}
	var b [4]byte
	for done := int64(0); done < width; { // an entry of 12 bits may lie in two pieces
		piece, err := t.piece((at + done) / pieceSize)
		if err != nil {
			return 0, err
		}
		done += int64(copy(b[done:width], piece[(at+done)%pieceSize:]))
	}
	v := le.Uint32(b[:])
	switch {
	case t.bits == 32:
		v &= 0x0fffffff
	case t.bits == 12 && n%2 == 1:
		v >>= 4
	case t.bits == 12:
		v &= 0xfff
	}
	return v, nil
}

func (t *table) piece(n int64) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if piece, ok := t.data[n]; ok {
		return piece, nil
	}
	piece, err := t.read(0, n)
	if err != nil {
		return nil, err
	}
	if len(t.order) == pieces {
		delete(t.data, t.order[0])
		t.order = append(t.order[:0], t.order[1:]...)
	}
	t.data[n] = piece
	t.order = append(t.order, n)
	return piece, nil
}

// read reads one piece of a table, numbered from 0.
func (t *table) read(number, piece int64) ([]byte, error) {
	b := make([]byte, min(pieceSize, t.tableSize-piece*pieceSize))
	at := t.tableStart() + number*t.tableSize + piece*pieceSize
	if got, err := t.r.ReadAt(b, at); got < len(b) {
		return nil, fmt.Errorf("read allocation table at byte %d: %w", at, err)
	}
	return b, nil
}

// compare tells whether the other tables say what the first says.
func (t *table) compare() error {
	used := (int64(t.clusters) + 2) * int64(t.bits) / 8
	for number := int64(1); number < t.tables; number++ {
		for n := int64(0); n*pieceSize < used; n++ {
			first, err := t.read(0, n)
			if err != nil {
				return err
			}
			other, err := t.read(number, n)
			if err != nil {
				return err
			}
			count := min(int64(len(first)), used-n*pieceSize)
			if !bytes.Equal(first[:count], other[:count]) {
				return fmt.Errorf("allocation table %d differs from the first", number+1)
			}
		}
	}
	return nil
}

// A set holds numbers of clusters.
type set []uint64

// add tells whether n was not in the set yet.
func (s set) add(n uint32) bool {
	bit := uint64(1) << (n % 64)
	if s[n/64]&bit != 0 {
		return false
	}
	s[n/64] |= bit
	return true
}

// chain calls fn for up to limit clusters of the chain that starts at first. Each
// is taken into claimed, if there is one: a chain that meets another, or
// itself, is an error.
func (fs *FS) chain(first uint32, limit int64, claimed set, fn func(uint32)) error {
	if limit > int64(fs.clusters) {
		return fmt.Errorf("it claims %d clusters of %d", limit, fs.clusters)
	}
	n := first
	for done := int64(0); done < limit; done++ {
		if n == 0 {
			return fmt.Errorf("its chain ends after %d clusters of %d", done, limit)
		}
		if !fs.table.valid(n) {
			return fmt.Errorf("its first cluster is %d, of %d", n, fs.clusters+1)
		}
		if claimed != nil && !claimed.add(n) {
			return fmt.Errorf("cluster %d belongs to its chain and another, or is in it twice", n)
		}
		fn(n)
		if done+1 == limit {
			return nil
		}
		var err error
		if n, err = fs.table.next(n); err != nil {
			return err
		}
	}
	return nil
}
