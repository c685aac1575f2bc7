package ext4

import (
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// errEncrypted says why a file's content or a directory's names are not read.
var errEncrypted = errors.New("it is encrypted: not read without the key")

// Open implements fsys.Tree.
func (fs *FS) Open(n *fsys.Node) (fsys.Content, error) {
	number, ok := n.Sys.(uint32)
	if !ok || n.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this filesystem", n.Path)
	}
	ino, err := fs.readInode(number)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	c, err := fs.content(ino)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	return c, nil
}

// content gives the bytes of a file, a directory, a long symlink, or an attribute's
// inode.
func (fs *FS) content(ino *inode) (fsys.Content, error) {
	switch {
	case ino.flags&flagEncrypted != 0:
		return nil, errEncrypted
	case ino.flags&flagsCompressed == flagsCompressed: // one alone is a wish that no kernel fulfils
		return nil, errors.New("it is compressed by a patch of ext2: not read")
	case ino.flags&flagInline != 0:
		data, err := fs.inlineData(ino)
		if err != nil {
			return nil, err
		}
		return &inline{data: data, size: ino.size}, nil
	}
	runs, err := fs.runs(ino)
	if err != nil {
		return nil, err
	}
	return &blocks{fs: fs, runs: runs, size: ino.size}, nil
}

// blocks is content in blocks of the device.
type blocks struct {
	fs   *FS
	runs []run
	size int64
}

func (c *blocks) Size() int64  { return c.size }
func (c *blocks) Close() error { return nil }

// ReadAt implements io.ReaderAt.
func (c *blocks) ReadAt(p []byte, off int64) (int, error) {
	return fsys.ReadPieces(p, off, c.size, c.readPiece)
}

// readPiece reads up to the end of one run or of one hole.
func (c *blocks) readPiece(p []byte, off int64) (int, error) {
	size := c.fs.blockSize
	block := uint64(off / size)
	i := sort.Search(len(c.runs), func(i int) bool { return c.runs[i].logical+c.runs[i].length > block })
	if i == len(c.runs) {
		clear(p)
		return len(p), nil
	}
	r := c.runs[i]
	if start := int64(r.logical) * size; start > off {
		n := int(min(int64(len(p)), start-off))
		clear(p[:n])
		return n, nil
	}
	into := off - int64(r.logical)*size
	n := int(min(int64(len(p)), int64(r.length)*size-into))
	got, err := c.fs.dev.ReadAt(p[:n], int64(r.physical)*size+into)
	if got < n {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return got, fmt.Errorf("read block %d: %w", r.physical, err)
	}
	return n, nil
}

// Extents implements fsys.Content.
func (c *blocks) Extents() ([]fsys.Extent, error) {
	out := make([]fsys.Extent, 0, len(c.runs))
	for _, r := range c.runs {
		start := int64(r.logical) * c.fs.blockSize
		if start >= c.size {
			break
		}
		length := min(int64(r.length)*c.fs.blockSize, c.size-start)
		out = append(out, fsys.Extent{Offset: start, Length: length, Physical: int64(r.physical) * c.fs.blockSize})
	}
	return out, nil
}

// inline is content within the inode. What the size has beyond the data reads as zeros.
type inline struct {
	data []byte
	size int64
}

func (c *inline) Size() int64  { return c.size }
func (c *inline) Close() error { return nil }

// ReadAt implements io.ReaderAt.
func (c *inline) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read at negative offset %d", off)
	}
	if off >= c.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), c.size-off))
	clear(p[:n])
	if off < int64(len(c.data)) {
		copy(p[:n], c.data[off:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Extents implements fsys.Content.
func (c *inline) Extents() ([]fsys.Extent, error) {
	if c.size == 0 {
		return nil, nil
	}
	return []fsys.Extent{{Length: c.size, Physical: -1}}, nil
}

// inlineData is the content of an inode with inline data: i_block, then what
// the attribute system.data holds.
func (fs *FS) inlineData(ino *inode) ([]byte, error) {
	data := append([]byte(nil), ino.blockArea()...)
	entries, area, err := ino.bodyAttrs()
	if err != nil {
		return nil, fmt.Errorf("inode %d: inline data: %w", ino.number, err)
	}
	for _, e := range entries {
		if e.index == indexSystem && e.name == "data" {
			more, err := e.value(area)
			if err != nil {
				return nil, fmt.Errorf("inode %d: inline data: %w", ino.number, err)
			}
			data = append(data, more...)
		}
	}
	if int64(len(data)) < ino.size {
		return nil, fmt.Errorf("inode %d: inline data: %d bytes of %d", ino.number, len(data), ino.size)
	}
	return data[:ino.size], nil
}
