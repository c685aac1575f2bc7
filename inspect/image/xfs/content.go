package xfs

import (
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// errRealtime says why a file's content is not read.
var errRealtime = errors.New("its content lies on the realtime device: not read")

// Open implements fsys.Tree.
func (fs *FS) Open(n *fsys.Node) (fsys.Content, error) {
	number, ok := n.Sys.(uint64)
	if !ok || n.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this filesystem", n.Path)
	}
	ino, err := fs.readInode(number)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	if ino.onRealtime() {
		return nil, fmt.Errorf("open %s: %w", n.Path, errRealtime)
	}
	c, err := fs.content(ino)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	return c, nil
}

// onRealtime tells whether the content of a file lies on the realtime device.
func (ino *inode) onRealtime() bool {
	return ino.flags&flagRealtime != 0 && ino.kind() == report.File && ino.data.extents > 0
}

func (fs *FS) content(ino *inode) (*blocks, error) {
	runs, err := fs.runs(ino, ino.data)
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
	if off < 0 {
		return 0, fmt.Errorf("read at negative offset %d", off)
	}
	if off >= c.size {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), c.size-off))
	for done := 0; done < want; {
		n, err := c.readPiece(p[done:want], off+int64(done))
		done += n
		if err != nil {
			return done, err
		}
	}
	if want < len(p) {
		return want, io.EOF
	}
	return want, nil
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
	got, err := c.fs.dev.r.ReadAt(p[:n], int64(r.physical)*size+into)
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

// mapped is where n blocks from logical on lie, block by block; nil when there is a
// hole among them.
func (c *blocks) mapped(logical, n uint64) []uint64 {
	i := sort.Search(len(c.runs), func(i int) bool { return c.runs[i].logical+c.runs[i].length > logical })
	out := make([]uint64, 0, n)
	for ; i < len(c.runs) && uint64(len(out)) < n; i++ {
		r := c.runs[i]
		if r.logical > logical {
			return nil
		}
		for ; logical < r.logical+r.length && uint64(len(out)) < n; logical++ {
			out = append(out, r.physical+logical-r.logical)
		}
	}
	if uint64(len(out)) < n {
		return nil
	}
	return out
}
