package blockmap

import (
	"os"
	"sync"
)

// A shelf keeps blocks that were decompressed for a part of them in a file, at
// their place in the guest, for a reader that comes back to the rest.
type shelf struct {
	mu sync.Mutex
	// open makes the file when the first block comes; nil keeps nothing.
	open func() (*os.File, error)
	file *os.File
	// lengths are those of the blocks that the file has, by their start.
	lengths map[int64]int32
}

// Keep has the device put what it decompresses for a part of a block into a file
// that open makes, so that no block is decompressed twice for two parts of it. The
// caller closes the file.
func (d *Device) Keep(open func() (*os.File, error)) {
	d.shelf.mu.Lock()
	defer d.shelf.mu.Unlock()
	d.shelf.open, d.shelf.lengths = open, map[int64]int32{}
}

// get gives the block that begins at start, or nil.
func (s *shelf) get(start int64) []byte {
	s.mu.Lock()
	n, file := s.lengths[start], s.file
	s.mu.Unlock()
	if n == 0 {
		return nil
	}
	b := make([]byte, n)
	if got, _ := file.ReadAt(b, start); got < len(b) {
		return nil // it is decompressed again
	}
	return b
}

// put keeps a block. Where the file cannot be made or written, no more are kept:
// then they are decompressed again, which is only slower.
func (s *shelf) put(start int64, b []byte) {
	file := s.writable()
	if file == nil || len(b) == 0 {
		return
	}
	_, err := file.WriteAt(b, start)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.open = nil
		return
	}
	s.lengths[start] = int32(len(b))
}

// writable is the file, or nil.
func (s *shelf) writable() *os.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		return nil
	}
	if s.file == nil {
		file, err := s.open()
		if err != nil {
			s.open = nil
			return nil
		}
		s.file = file
	}
	return s.file
}
