package squashfs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// The word of a block's size has a bit that says that it is not compressed.
const (
	plainBit = 1 << 24
	sizeMask = plainBit - 1
)

// A block is one of a file's content. A file's hole has none.
type block struct {
	index int64 // in units of the block size
	at    int64
	word  uint32
}

func (b block) size() int64 { return int64(b.word & sizeMask) }

// content is the bytes of one file. It implements fsys.Content.
type content struct {
	fs     *FS
	size   int64
	blocks []block
	// tail is in the fragment's block from tailOffset on, and starts in the file
	// at tailAt. There is none where tailAt is the size.
	tail       block
	tailAt     int64
	tailOffset int64
}

// Open implements fsys.Tree.
func (fs *FS) Open(n *fsys.Node) (fsys.Content, error) {
	ref, ok := n.Sys.(reference)
	if !ok || n.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this filesystem", n.Path)
	}
	ino, err := fs.readInode(ref)
	if err == nil && ino.kind != typeFile {
		err = errors.New("it is no file")
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	c, err := fs.content(ino)
	if err != nil {
		return nil, fmt.Errorf("open %s: inode %d: %w", n.Path, ino.number, err)
	}
	return c, nil
}

// content reads the list of a file's blocks, and where its tail is.
func (fs *FS) content(ino *inode) (*content, error) {
	c := &content{fs: fs, size: ino.size, tailAt: ino.size}
	count := ino.size / fs.blockSize
	switch rest := ino.size % fs.blockSize; {
	case ino.fragment == none32:
		if rest > 0 {
			count++
		}
	case rest > 0:
		at, word, err := fs.fragment(ino.fragment)
		if err != nil {
			return nil, err
		}
		c.tail, c.tailAt, c.tailOffset = block{at: at, word: word}, ino.size-rest, int64(ino.offset)
		if err := fs.checkBlock(c.tail); err != nil {
			return nil, fmt.Errorf("fragment %d: %w", ino.fragment, err)
		}
	}
	if err := c.list(ino, count); err != nil {
		return nil, err
	}
	return c, nil
}

// list reads the words of count blocks, which lie one after the other.
func (c *content) list(ino *inode, count int64) error {
	words := ino.list
	words.crossed = func(at int64, _ int) error { return c.fs.claim(at, ino.ref) }
	next := ino.start
	for i := int64(0); i < count; {
		if len(words.rest) < 4 { // one word over the border of blocks
			b, err := words.bytes(4)
			if err != nil {
				return err
			}
			if next, err = c.add(i, next, le.Uint32(b)); err != nil {
				return err
			}
			i++
			continue
		}
		for ; i < count && len(words.rest) >= 4; i++ {
			word := le.Uint32(words.rest)
			words.rest = words.rest[4:]
			if word == 0 {
				continue
			}
			var err error
			if next, err = c.add(i, next, word); err != nil {
				return err
			}
		}
	}
	return nil
}

// add appends a block, unless it is a hole, and returns where the next one is.
func (c *content) add(index, at int64, word uint32) (int64, error) {
	if word == 0 {
		return at, nil
	}
	b := block{index: index, at: at, word: word}
	if err := c.fs.checkBlock(b); err != nil {
		return 0, fmt.Errorf("block %d: %w", index, err)
	}
	c.blocks = append(c.blocks, b)
	return at + b.size(), nil
}

func (fs *FS) checkBlock(b block) error {
	if b.word&^(plainBit|sizeMask) != 0 || b.size() == 0 || b.size() > fs.blockSize {
		return fmt.Errorf("its size %#x is impossible", b.word)
	}
	if b.at < superSize || b.at > fs.used-b.size() {
		return fmt.Errorf("%d bytes at byte %d are not within the filesystem", b.size(), b.at)
	}
	return nil
}

// claim records that a file's list of blocks goes on in the metadata at a byte: only
// one can. A hostile image would let many files have one list.
func (fs *FS) claim(at int64, ref reference) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if owner, ok := fs.owners[at]; ok && owner != ref {
		return fmt.Errorf("metadata at byte %d: the list of blocks of the inode at %v is there", at, owner)
	}
	fs.owners[at] = ref
	return nil
}

func (c *content) Size() int64  { return c.size }
func (c *content) Close() error { return nil }

// Extents implements fsys.Content. Where compressed data lies says nothing of its
// bytes, so only blocks that are not compressed have a place.
func (c *content) Extents() ([]fsys.Extent, error) {
	var out []fsys.Extent
	for _, b := range c.blocks {
		e := fsys.Extent{Offset: b.index * c.fs.blockSize, Length: c.fs.blockSize, Physical: -1}
		e.Length = min(e.Length, c.size-e.Offset)
		if b.word&plainBit != 0 {
			e.Physical = b.at
		}
		out = extend(out, e)
	}
	if c.tailAt < c.size {
		e := fsys.Extent{Offset: c.tailAt, Length: c.size - c.tailAt, Physical: -1}
		if c.tail.word&plainBit != 0 {
			e.Physical = c.tail.at + c.tailOffset
		}
		out = extend(out, e)
	}
	return out, nil
}

// extend appends an extent, to the last one where it goes on there.
func extend(out []fsys.Extent, e fsys.Extent) []fsys.Extent {
	if len(out) > 0 {
		last := &out[len(out)-1]
		physical := last.Physical
		if physical >= 0 {
			physical += last.Length
		}
		if last.Offset+last.Length == e.Offset && physical == e.Physical {
			last.Length += e.Length
			return out
		}
	}
	return append(out, e)
}

// ReadAt implements io.ReaderAt. Blocks that are wanted whole are unpacked in
// place, several at a time.
func (c *content) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read at negative offset %d", off)
	}
	if off >= c.size {
		return 0, io.EOF
	}
	p, short := p[:min(int64(len(p)), c.size-off)], int64(len(p)) > c.size-off
	clear(p)
	if err := c.fill(p, off); err != nil {
		return 0, err
	}
	if short {
		return len(p), io.EOF
	}
	return len(p), nil
}

// fill puts all blocks that p wants to their places in it.
func (c *content) fill(p []byte, off int64) error {
	end := off + int64(len(p))
	first, _ := slices.BinarySearchFunc(c.blocks, off/c.fs.blockSize, func(b block, index int64) int { return cmp.Compare(b.index, index) })
	last, _ := slices.BinarySearchFunc(c.blocks, (end+c.fs.blockSize-1)/c.fs.blockSize, func(b block, index int64) int { return cmp.Compare(b.index, index) })
	wanted := c.blocks[first:last]
	var g errgroup.Group
	if len(wanted) > 1 {
		g.SetLimit(runtime.GOMAXPROCS(0))
		for _, b := range wanted[1:] {
			g.Go(func() error { return c.piece(p, off, b) })
		}
	}
	var errFirst, errTail error
	if len(wanted) > 0 {
		errFirst = c.piece(p, off, wanted[0])
	}
	if end > c.tailAt {
		errTail = c.readTail(p, off)
	}
	return cmp.Or(errFirst, g.Wait(), errTail)
}

// piece puts what p wants of one block to its place in p.
func (c *content) piece(p []byte, off int64, b block) error {
	start := b.index * c.fs.blockSize
	length := min(c.fs.blockSize, c.size-start)
	if start >= off && start+length <= off+int64(len(p)) {
		n, err := c.fs.unpackBlock(p[start-off:start-off+length], b)
		return whole(b, int64(n), length, err)
	}
	data, err := c.fs.block(b, length)
	if err := whole(b, int64(len(data)), length, err); err != nil {
		return err
	}
	if start >= off {
		copy(p[start-off:], data)
	} else {
		copy(p, data[off-start:])
	}
	return nil
}

func whole(b block, got, want int64, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("it holds %d bytes instead of %d", got, want)
	}
	if err != nil {
		return fmt.Errorf("block %d at byte %d: %w", b.index, b.at, err)
	}
	return nil
}

// readTail puts what p wants of the tail to its place.
func (c *content) readTail(p []byte, off int64) error {
	data, err := c.fs.block(c.tail, c.fs.blockSize)
	if err != nil {
		return fmt.Errorf("fragment at byte %d: %w", c.tail.at, err)
	}
	length := c.size - c.tailAt
	if c.tailOffset > int64(len(data)) || length > int64(len(data))-c.tailOffset {
		return fmt.Errorf("fragment at byte %d: it holds %d bytes, the file's %d begin at byte %d", c.tail.at, len(data), length, c.tailOffset)
	}
	data = data[c.tailOffset : c.tailOffset+length]
	if c.tailAt >= off {
		copy(p[c.tailAt-off:], data)
	} else {
		copy(p, data[off-c.tailAt:])
	}
	return nil
}

// block is an unpacked block of at most limit bytes, which is kept: neighbours in a
// fragment will want it.
func (fs *FS) block(b block, limit int64) ([]byte, error) {
	data, _, err := fs.data.get(place{b.at, b.word}, func() ([]byte, int64, error) {
		dst := make([]byte, limit)
		n, err := fs.unpackBlock(dst, b)
		return dst[:n:n], 0, err
	})
	return data, err
}

// unpackBlock unpacks a block into dst, and returns its length.
func (fs *FS) unpackBlock(dst []byte, b block) (int, error) {
	size := b.size() // at most a block's: checkBlock
	if b.word&plainBit != 0 {
		if size > int64(len(dst)) {
			return 0, errTooLarge
		}
		return int(size), fs.readAt(dst[:size], b.at)
	}
	buf, ok := fs.packed.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
		*buf = make([]byte, fs.blockSize)
	}
	defer fs.packed.Put(buf)
	src := (*buf)[:size]
	if err := fs.readAt(src, b.at); err != nil {
		return 0, err
	}
	n, err := fs.codec(dst, src)
	if err != nil {
		return 0, fmt.Errorf("unpack: %w", err)
	}
	return n, nil
}
