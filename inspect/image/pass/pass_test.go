package pass_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/pass"
)

// memory is a device of bytes that counts how many were read, and fails at one.
type memory struct {
	data []byte
	bad  int64 // -1 for none
	mu   sync.Mutex
	read int
}

var errBad = errors.New("bad byte")

func (m *memory) Size() int64                     { return int64(len(m.data)) }
func (m *memory) Extents() ([]fsys.Extent, error) { return []fsys.Extent{{Length: m.Size()}}, nil }

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := bytes.NewReader(m.data).ReadAt(p, off)
	if m.bad >= off && m.bad < off+int64(n) {
		n, err = int(m.bad-off), errBad
	}
	m.read += n
	return n, err
}

func noise(n int) []byte {
	rng := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// seen collects what a pass shows.
type seen struct {
	mu     sync.Mutex
	chunks map[int64][]byte
	twice  bool
}

func (s *seen) visit(index int64, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.chunks[index]
	s.twice = s.twice || known
	s.chunks[index] = bytes.Clone(data)
}

// whole requires that every chunk was shown once, as it is.
func (s *seen) whole(t *testing.T, data []byte, chunk int) {
	t.Helper()
	for at := 0; at < len(data); at += chunk {
		if !bytes.Equal(s.chunks[int64(at/chunk)], data[at:min(len(data), at+chunk)]) {
			t.Errorf("the chunk at %d: %d bytes", at, len(s.chunks[int64(at/chunk)]))
		}
	}
	if s.twice {
		t.Error("a chunk was shown twice")
	}
}

// Readers in order read the device once, whoever is ahead.
func TestOnce(t *testing.T) {
	const chunk = 100
	m := &memory{data: noise(10_030), bad: -1}
	d := pass.Over(m)
	s := &seen{chunks: map[int64][]byte{}}
	p := d.Begin(chunk, 4, s.visit)
	for off := int64(0); off < d.Size(); off += 37 {
		b := make([]byte, 37)
		n, err := d.ReadAt(b, off)
		if want := m.data[off:min(off+37, d.Size())]; !bytes.Equal(b[:n], want) || (n < len(b)) != (err == io.EOF) {
			t.Fatalf("at %d: %d bytes, %v", off, n, err)
		}
	}
	s.whole(t, m.data, chunk)
	if m.read != len(m.data) {
		t.Errorf("%d bytes were read of %d", m.read, len(m.data))
	}
	p.End()
	if _, err := d.ReadAt(make([]byte, 5), 0); err != nil || m.read != len(m.data)+5 {
		t.Errorf("after the end: %d bytes read, %v", m.read-len(m.data), err)
	}
}

// Many who read anywhere, and others who visit the rest, get what is there, with as
// little memory as there may be.
func TestConcurrentReaders(t *testing.T) {
	const chunk = 64
	for _, keep := range []int{1, 2, 50} {
		m := &memory{data: noise(20_001), bad: -1}
		d := pass.Over(m)
		s := &seen{chunks: map[int64][]byte{}}
		p := d.Begin(chunk, keep, s.visit)
		var wg sync.WaitGroup
		for w := range 6 {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(1, uint64(w)))
				for range 500 {
					off, n := rng.IntN(20_001), rng.IntN(300)
					b := make([]byte, n)
					got, _ := d.ReadAt(b, int64(off))
					if !bytes.Equal(b[:got], m.data[off:min(len(m.data), off+n)]) {
						t.Errorf("%d bytes at %d are others", n, off)
					}
				}
			})
			wg.Go(func() {
				for index := d.Size() / chunk; index >= 0; index-- {
					if err := p.Visit(context.Background(), index, make([]byte, chunk)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		s.whole(t, m.data, chunk)
	}
}

// A place that cannot be read costs nobody else anything, and is not shown.
func TestErrors(t *testing.T) {
	m := &memory{data: noise(300), bad: 150}
	d := pass.Over(m)
	s := &seen{chunks: map[int64][]byte{}}
	p := d.Begin(100, 4, s.visit)
	b := make([]byte, 40)
	for range 2 {
		if n, err := d.ReadAt(b, 100); n != 40 || err != nil {
			t.Errorf("before it: %d, %v", n, err)
		}
		if n, err := d.ReadAt(b, 140); n != 10 || !errors.Is(err, errBad) {
			t.Errorf("across it: %d, %v", n, err)
		}
		if n, err := d.ReadAt(b, 90); n != 40 || err != nil || !bytes.Equal(b, m.data[90:130]) {
			t.Errorf("from the chunk before: %d, %v", n, err)
		}
	}
	if _, shown := s.chunks[1]; shown || p.Seen(1) || !p.Seen(0) {
		t.Error("the chunk with the bad byte was seen")
	}
	if n, err := d.ReadAt(b, 300); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	if _, err := d.ReadAt(b, -1); err == nil {
		t.Error("before the begin")
	}
}

func TestVisitStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := pass.Over(&memory{data: noise(300), bad: -1}).Begin(100, 1, func(int64, []byte) { t.Error("shown") })
	if err := p.Visit(ctx, 0, make([]byte, 100)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
