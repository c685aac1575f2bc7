package squashfs

import (
	"errors"
	"fmt"
	"io"
)

// A reference is a place in metadata: a block, counted in bytes from the start of
// its table, and an offset in what it unpacks to.
type reference uint64

func (r reference) block() int64 { return int64(r >> 16) }
func (r reference) offset() int  { return int(r & 0xffff) }

func (r reference) String() string { return fmt.Sprintf("%d+%d", r.block(), r.offset()) }

// readAt fills b from the device, within the filesystem.
func (fs *FS) readAt(b []byte, at int64) error {
	if at < 0 || at > fs.used || int64(len(b)) > fs.used-at {
		return fmt.Errorf("read at byte %d: %d bytes are not within the filesystem's %d", at, len(b), fs.used)
	}
	if n, err := fs.r.ReadAt(b, at); n < len(b) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read at byte %d: %w", at, err)
	}
	return nil
}

// metaBlock is the block of metadata at a byte of the device, and where the next
// one starts. It begins with two bytes of its length, whose highest bit says
// that it is not compressed.
func (fs *FS) metaBlock(at int64) ([]byte, int64, error) {
	return fs.meta.get(place{at: at}, func() ([]byte, int64, error) {
		data, next, err := fs.loadMeta(at)
		if err != nil {
			err = fmt.Errorf("metadata at byte %d: %w", at, err)
		}
		return data, next, err
	})
}

func (fs *FS) loadMeta(at int64) ([]byte, int64, error) {
	const header, plain = 2, 1 << 15
	if at < superSize || at > fs.used-header {
		return nil, 0, errors.New("it is out of place")
	}
	raw := make([]byte, min(header+metaSize, fs.used-at))
	if err := fs.readAt(raw, at); err != nil {
		return nil, 0, err
	}
	word := le.Uint16(raw)
	size := int(word &^ plain)
	if size == 0 || size > metaSize || header+size > len(raw) {
		return nil, 0, fmt.Errorf("its size %d is impossible", size)
	}
	src, next := raw[header:header+size], at+header+int64(size)
	if word&plain != 0 {
		return src, next, nil
	}
	dst := make([]byte, metaSize)
	n, err := fs.codec(dst, src)
	if err != nil {
		return nil, 0, fmt.Errorf("unpack: %w", err)
	}
	if n == 0 {
		return nil, 0, errors.New("it is empty")
	}
	return dst[:n:n], next, nil
}

// A cursor reads metadata from a place on, over the borders of blocks.
type cursor struct {
	fs *FS
	// at is where the block is, next where the one after it, which must be
	// below end.
	at, next, end int64
	// rest is what is left of the block.
	rest []byte
	// crossed is called for each block that is begun, where it is set.
	crossed func(at int64, size int) error
}

// open begins at a reference into the table from start to end. Crossed may be nil.
func (fs *FS) open(ref reference, start, end int64, crossed func(at int64, size int) error) (*cursor, error) {
	c := &cursor{fs: fs, next: start + ref.block(), end: end, crossed: crossed}
	if ref.block() > end-start {
		return nil, fmt.Errorf("%v is not within its table", ref)
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	if ref.offset() > len(c.rest) {
		return nil, fmt.Errorf("metadata at byte %d: offset %d of %d bytes", c.at, ref.offset(), len(c.rest))
	}
	c.rest = c.rest[ref.offset():]
	return c, nil
}

// load goes to the next block.
func (c *cursor) load() error {
	if c.next >= c.end {
		return fmt.Errorf("metadata at byte %d: its table ends there", c.next)
	}
	data, next, err := c.fs.metaBlock(c.next)
	if err != nil {
		return err
	}
	c.at, c.rest, c.next = c.next, data, next
	if c.crossed != nil {
		return c.crossed(c.at, len(data))
	}
	return nil
}

// read fills b.
func (c *cursor) read(b []byte) error {
	for {
		n := copy(b, c.rest)
		b, c.rest = b[n:], c.rest[n:]
		if len(b) == 0 {
			return nil
		}
		if err := c.load(); err != nil {
			return err
		}
	}
}

// bytes are the next n bytes, for as long as the cursor is not moved.
func (c *cursor) bytes(n int) ([]byte, error) {
	if n <= len(c.rest) {
		b := c.rest[:n]
		c.rest = c.rest[n:]
		return b, nil
	}
	b := make([]byte, n)
	return b, c.read(b)
}

// row is one row of a table: a list of blocks of metadata in plain words at
// start, each block full of rows.
func (fs *FS) row(start int64, index uint32, size int) ([]byte, error) {
	perBlock := uint32(metaSize / size)
	at, err := fs.word(start + int64(index/perBlock)*8)
	if err != nil {
		return nil, err
	}
	if at >= start {
		return nil, fmt.Errorf("its block at byte %d is out of place", at)
	}
	b, _, err := fs.metaBlock(at)
	if err != nil {
		return nil, err
	}
	off := int(index%perBlock) * size
	if off+size > len(b) {
		return nil, fmt.Errorf("metadata at byte %d: it ends before row %d", at, index)
	}
	return b[off : off+size], nil
}

// listWord keeps the pieces of lists apart from metadata in the cache.
const listWord = 1

// word is one word of the list of a table's blocks.
func (fs *FS) word(at int64) (int64, error) {
	if at < 0 || at > fs.used-8 {
		return 0, fmt.Errorf("read at byte %d: the filesystem has %d", at, fs.used)
	}
	const piece = 4 << 10
	start := at / piece * piece
	b, _, err := fs.meta.get(place{at: start, word: listWord}, func() ([]byte, int64, error) {
		b := make([]byte, min(2*piece, fs.used-start)) // a word may cross its end
		return b, 0, fs.readAt(b, start)
	})
	if err != nil {
		return 0, err
	}
	return int64(le.Uint64(b[at-start:])), nil
}

// id is an owner by its index.
func (fs *FS) id(index uint16) (uint32, error) {
	if index >= fs.ids {
		return 0, fmt.Errorf("owner %d of %d", index, fs.ids)
	}
	b, err := fs.row(fs.idTable, uint32(index), 4)
	if err != nil {
		return 0, fmt.Errorf("owner %d: %w", index, err)
	}
	return le.Uint32(b), nil
}

// fragment is where a block of tails lies, and its word of size.
func (fs *FS) fragment(index uint32) (at int64, word uint32, err error) {
	if index >= fs.fragments {
		return 0, 0, fmt.Errorf("fragment %d of %d", index, fs.fragments)
	}
	b, err := fs.row(fs.fragmentTable, index, 16)
	if err != nil {
		return 0, 0, fmt.Errorf("fragment %d: %w", index, err)
	}
	return int64(le.Uint64(b)), le.Uint32(b[8:]), nil
}
