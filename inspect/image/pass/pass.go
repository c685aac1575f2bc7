// Package pass lets all of a device be seen once while parts of it are read for
// something else: while the files of a disk are hashed, the disk itself is, too,
// and what is compressed is decompressed once for both.
//
// During a [Pass] whoever reads the [Device] reads it in whole chunks. Each chunk is
// shown to a visitor when it comes up first, and kept until others have taken its
// place. So it works well for readers who go about in the order of the medium, and
// for others it costs a second reading, never a wrong byte.
//
// It writes nothing, and knows nothing of what is on the device.
package pass

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// A Device is another one until a pass begins. It may be used concurrently.
type Device struct {
	fsys.Device
	mu   sync.RWMutex
	pass *Pass
}

// Over makes a device of another.
func Over(d fsys.Device) *Device { return &Device{Device: d} }

// Below is the device that this one reads.
func (d *Device) Below() fsys.Device { return d.Device }

// A Visitor is shown the bytes of a chunk, which are no longer its own when it
// returns. It is called concurrently.
type Visitor func(index int64, data []byte)

// Begin starts a pass over chunks of so many bytes, of which up to keep are held in
// memory at once. It ends with [Pass.End].
func (d *Device) Begin(chunk int64, keep int, visit Visitor) *Pass {
	p := &Pass{device: d, chunk: chunk, keep: keep, visit: visit, held: map[int64]*slot{}, seen: map[int64]bool{}}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pass = p
	return p
}

// ReadAt implements io.ReaderAt.
func (d *Device) ReadAt(b []byte, off int64) (int, error) {
	d.mu.RLock()
	p := d.pass
	d.mu.RUnlock()
	if p == nil || off < 0 {
		return d.Device.ReadAt(b, off)
	}
	return p.readAt(b, off)
}

// A Pass is one look at the whole device.
type Pass struct {
	device *Device
	chunk  int64
	keep   int
	visit  Visitor

	mu   sync.Mutex
	held map[int64]*slot
	// seen are the chunks that came up; false are those that could not be read.
	seen map[int64]bool
	free [][]byte
	tick int64
}

// A slot is a chunk in memory.
type slot struct {
	ready chan struct{}
	data  []byte
	err   error
	users int
	used  int64
}

// End has the device read as before.
func (p *Pass) End() {
	p.device.mu.Lock()
	defer p.device.mu.Unlock()
	p.device.pass = nil
}

// Seen tells whether a chunk was shown.
func (p *Pass) Seen(index int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[index]
}

// Visit shows chunks that did not come up yet, and returns when they were shown or when
// somebody else is about to.
func (p *Pass) Visit(ctx context.Context, index int64, buf []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	_, known := p.seen[index]
	p.seen[index] = true
	p.mu.Unlock()
	if known {
		return nil
	}
	err := p.load(index, buf[:p.length(index)])
	p.mark(index, err)
	return err
}

func (p *Pass) length(index int64) int64 {
	return min(p.chunk, p.device.Size()-index*p.chunk)
}

func (p *Pass) mark(index int64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[index] = err == nil
}

// load reads a chunk and shows it.
func (p *Pass) load(index int64, data []byte) error {
	n, err := p.device.Device.ReadAt(data, index*p.chunk)
	if n < len(data) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read at %d: %w", index*p.chunk+int64(n), err)
	}
	p.visit(index, data)
	return nil
}

func (p *Pass) readAt(b []byte, off int64) (int, error) {
	size := p.device.Size()
	done := 0
	for done < len(b) {
		at := off + int64(done)
		if at >= size {
			return done, io.EOF
		}
		index := at / p.chunk
		within := at - index*p.chunk
		part := b[done:min(int64(len(b)), int64(done)+p.length(index)-within)]
		n, err := p.read(part, index, within)
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// read reads within one chunk: from memory, or where it is not kept from below.
func (p *Pass) read(b []byte, index, within int64) (int, error) {
	s := p.take(index)
	if s != nil {
		defer p.put(s)
		if <-s.ready; s.err == nil {
			return copy(b, s.data[within:]), nil
		}
	}
	n, err := p.device.Device.ReadAt(b, index*p.chunk+within)
	if n == len(b) {
		err = nil
	}
	return n, err
}

// take gives a chunk that is held or did not come up yet, nil for others. Who takes
// it puts it back.
func (p *Pass) take(index int64) *slot {
	p.mu.Lock()
	s := p.held[index]
	if s != nil {
		p.tick++
		s.users, s.used = s.users+1, p.tick
		p.mu.Unlock()
		return s
	}
	if _, known := p.seen[index]; known || !p.room() {
		p.mu.Unlock()
		return nil
	}
	s = p.slot()
	p.held[index], p.seen[index] = s, true
	p.mu.Unlock()
	s.data = s.data[:p.length(index)]
	s.err = p.load(index, s.data)
	if s.err != nil {
		p.mark(index, s.err)
	}
	close(s.ready)
	return s
}

func (p *Pass) put(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.users--
}

// room makes room for one more chunk; false when all are in use.
func (p *Pass) room() bool {
	if len(p.held) < p.keep {
		return true
	}
	oldest, at := (*slot)(nil), int64(0)
	for index, s := range p.held {
		if s.users == 0 && (oldest == nil || s.used < oldest.used) {
			oldest, at = s, index
		}
	}
	if oldest == nil {
		return false
	}
	delete(p.held, at)
	p.free = append(p.free, oldest.data[:p.chunk])
	return true
}

// slot is a chunk's place in memory, with one user.
func (p *Pass) slot() *slot {
	p.tick++
	s := &slot{ready: make(chan struct{}), users: 1, used: p.tick}
	if n := len(p.free); n > 0 {
		s.data, p.free = p.free[n-1], p.free[:n-1]
	} else {
		s.data = make([]byte, p.chunk)
	}
	return s
}
