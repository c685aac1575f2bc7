package xfs

import "io"

// An overlay shows blocks of 512 bytes of its own in place of a device's.
// Before it is read by others, write is done with.
type overlay struct {
	r    io.ReaderAt
	size int64 // of the device
	own  map[int64][]byte
	// buffers are the first blocks of what was changed in parts: the checksums
	// in there are stale, as the kernel renews them when it writes.
	buffers map[int64]bool
}

func newOverlay(r io.ReaderAt, size int64) *overlay {
	return &overlay{r: r, size: size, own: map[int64][]byte{}, buffers: map[int64]bool{}}
}

// covers tells whether n bytes from off on lie on the device.
func (o *overlay) covers(off, n uint64) bool {
	return off < uint64(o.size) && n <= uint64(o.size)-off
}

// ReadAt implements io.ReaderAt.
func (o *overlay) ReadAt(p []byte, off int64) (int, error) {
	for done := 0; done < len(p); {
		at := off + int64(done)
		if b, ok := o.own[at/logBlock]; ok {
			done += copy(p[done:], b[at%logBlock:])
			continue
		}
		n, err := o.r.ReadAt(p[done:done+o.foreign(at, len(p)-done)], at)
		done += n
		if err != nil && done < len(p) {
			return done, err
		}
	}
	return len(p), nil
}

// foreign is how many bytes from at on, up to most, are the device's own.
func (o *overlay) foreign(at int64, most int) int {
	n := logBlock - at%logBlock
	for n < int64(most) {
		if _, ok := o.own[(at+n)/logBlock]; ok {
			break
		}
		n += logBlock
	}
	return int(min(n, int64(most)))
}

// write puts p over the device at off.
func (o *overlay) write(p []byte, off int64) error {
	for len(p) > 0 {
		at := off / logBlock
		b, ok := o.own[at]
		if !ok {
			b = make([]byte, logBlock)
			if n, err := o.r.ReadAt(b, at*logBlock); n < len(b) {
				return noEOF(err)
			}
			o.own[at] = b
		}
		n := copy(b[off%logBlock:], p)
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// stale tells whether checksums within n bytes from off on are to be left alone.
func (o *overlay) stale(off, n int64) bool {
	for at := off / logBlock; at < (off+n+logBlock-1)/logBlock && len(o.buffers) > 0; at++ {
		if o.buffers[at] {
			return true
		}
	}
	return false
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
