package erofs

import (
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// An extent is a run of content. What no extent holds is a hole.
type extent struct {
	offset, length int64
	// at is the byte of the area where it lies, or of the packed inode.
	at int64
	// size is that of a compressed cluster.
	size   uint32
	method method
	box    bool // it lies in the metabox
	// partial says that the cluster holds more than this extent.
	partial bool
}

// A method is how the bytes of an extent are stored.
type method uint8

const (
	stored method = iota
	hole
	fragment
	lz4
	lzma
	deflate
	zstandard
)

// algorithmNames are the compressions by the number that indexes use.
var algorithmNames = [...]string{"lz4", "lzma", "deflate", "zstd"}

// content is the bytes of an inode.
type content struct {
	fs      *FS
	extents []extent
	size    int64
}

// Open implements fsys.Tree.
func (fs *FS) Open(n *fsys.Node) (fsys.Content, error) {
	nid, ok := n.Sys.(uint64)
	if !ok || n.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this filesystem", n.Path)
	}
	ino, err := fs.readInode(nid)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	c, err := fs.content(ino)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	return c, nil
}

// content finds where the bytes of an inode lie.
func (fs *FS) content(ino *inode) (*content, error) {
	c := &content{fs: fs, size: ino.length}
	if ino.length == 0 {
		return c, nil
	}
	var err error
	switch ino.layout {
	case layoutChunks:
		c.extents, err = fs.chunks(ino)
	case layoutFull, layoutCompact:
		c.extents, err = fs.clustersOf(ino)
	default:
		c.extents, err = fs.flat(ino)
	}
	if err != nil {
		return nil, fmt.Errorf("inode %d: %w", ino.nid, err)
	}
	return c, nil
}

// flat is content in one run of blocks, whose last may lie behind the inode.
func (fs *FS) flat(ino *inode) ([]extent, error) {
	body := ino.length
	if ino.layout == layoutInline {
		body = (ino.length - 1) &^ (fs.blockSize - 1)
	}
	var out []extent
	if body > 0 && (ino.layout == layoutInline || ino.start != noBlock) {
		at, err := fs.deviceByte(ino.start, body)
		if err != nil {
			return nil, err
		}
		out = append(out, extent{length: body, at: at})
	}
	if tail := ino.length - body; tail > 0 {
		at := ino.end()
		if at&(fs.blockSize-1)+tail > fs.blockSize {
			return nil, fmt.Errorf("a tail of %d bytes behind the inode passes its block", tail)
		}
		out = append(out, extent{offset: body, length: tail, at: at, box: ino.box})
	}
	return out, nil
}

// deviceByte is where a block starts, for a run of so many bytes.
func (fs *FS) deviceByte(block uint64, length int64) (int64, error) {
	if block >= 1<<48 || !within(int64(block)<<fs.blockBits, length, fs.dev.size) {
		return 0, fmt.Errorf("block %d and %d bytes are outside of the device's %d bytes", block, length, fs.dev.size)
	}
	return int64(block) << fs.blockBits, nil
}

func (c *content) Size() int64  { return c.size }
func (c *content) Close() error { return nil }

// ReadAt implements io.ReaderAt.
func (c *content) ReadAt(p []byte, off int64) (int, error) {
	return fsys.ReadPieces(p, off, c.size, c.readPiece)
}

// read implements area: the whole of b, or an error.
func (c *content) read(b []byte, at int64) error {
	n, err := c.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readPiece reads up to the end of one extent or of one hole.
func (c *content) readPiece(p []byte, off int64) (int, error) {
	i := sort.Search(len(c.extents), func(i int) bool { return c.extents[i].offset+c.extents[i].length > off })
	if i == len(c.extents) {
		clear(p)
		return len(p), nil
	}
	e := &c.extents[i]
	if e.offset > off {
		n := int(min(int64(len(p)), e.offset-off))
		clear(p[:n])
		return n, nil
	}
	into := off - e.offset
	n := int(min(int64(len(p)), e.length-into))
	if err := c.fs.readExtent(p[:n], e, into); err != nil {
		return 0, fmt.Errorf("read content at byte %d: %w", off, err)
	}
	return n, nil
}

// readExtent fills p from a byte of an extent.
func (fs *FS) readExtent(p []byte, e *extent, into int64) error {
	switch {
	case e.method == fragment:
		packed, err := fs.packed()
		if err != nil {
			return err
		}
		return packed.read(p, e.at+into)
	case e.method != stored:
		data, err := fs.cluster(e)
		if err != nil {
			return err
		}
		copy(p, data[into:])
		return nil
	case e.box:
		area, err := fs.area(true)
		if err != nil {
			return err
		}
		return area.read(p, e.at+into)
	}
	return fs.dev.direct(p, e.at+into)
}

// Extents implements fsys.Content.
func (c *content) Extents() ([]fsys.Extent, error) {
	out := make([]fsys.Extent, 0, len(c.extents))
	for _, e := range c.extents {
		x := fsys.Extent{Offset: e.offset, Length: e.length, Physical: -1}
		if e.method == stored && !e.box {
			x.Physical = e.at
		}
		out = append(out, x)
	}
	return out, nil
}

// errNoDevice says that content lies on a device that is not here.
var errNoDevice = errors.New("not part of the image")
