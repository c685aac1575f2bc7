package tarball

import (
	"fmt"
	"io"
	"slices"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// A body is where a file's content lies in the archive.
type body struct {
	r        io.ReaderAt
	segments []segment
	size     int64
	// unread is why it cannot be read.
	unread error
}

// start is where the content begins in the archive, -1 where there is none.
func (b *body) start() int64 {
	if len(b.segments) == 0 {
		return -1
	}
	return b.segments[0].at
}

func (b *body) open() (fsys.Content, error) {
	if b.unread != nil {
		return nil, b.unread
	}
	return &content{r: b.r, segments: b.segments, size: b.size}, nil
}

// content is a file's bytes in the archive.
type content struct {
	r        io.ReaderAt
	segments []segment
	size     int64
}

func (c *content) Size() int64  { return c.size }
func (c *content) Close() error { return nil }

// Extents implements fsys.Content.
func (c *content) Extents() ([]fsys.Extent, error) {
	var out []fsys.Extent
	for _, s := range c.segments {
		out = append(out, fsys.Extent{Offset: s.offset, Length: s.length, Physical: s.at})
	}
	return out, nil
}

// ReadAt implements io.ReaderAt.
func (c *content) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read at negative offset %d", off)
	}
	if off >= c.size {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), c.size-off))
	clear(p[:want])
	i, _ := slices.BinarySearchFunc(c.segments, off, func(s segment, off int64) int {
		if s.offset+s.length <= off {
			return -1
		}
		return 1
	})
	for _, s := range c.segments[i:] {
		from, to := max(s.offset, off), min(s.offset+s.length, off+int64(want))
		if from >= to {
			break
		}
		if n, err := c.r.ReadAt(p[from-off:to-off], s.at+from-s.offset); int64(n) < to-from {
			return int(from-off) + n, fmt.Errorf("read archive at byte %d: %w", s.at+from-s.offset, err)
		}
	}
	if want < len(p) {
		return want, io.EOF
	}
	return want, nil
}
