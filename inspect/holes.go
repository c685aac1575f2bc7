package inspect

import (
	"context"
	"fmt"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree"
)

// What holes may stand for: hashing zeros costs time that no disk limits. maxHoles
// is for one file; maxAllHoles for all files of a subject, for a small image may
// have any number of them.
const (
	maxHoles    = 64 << 30
	maxAllHoles = 2 * maxHoles
)

// boundHoles gives the files that are not read because those before them in the
// order of the jobs have used up the bound. Where all sizes together are within
// it nothing is opened.
func (in *inspection) boundHoles(ctx context.Context, jobs []*tree.File) map[*tree.File]bool {
	if !mayExceed(jobs) {
		return nil
	}
	refused := map[*tree.File]bool{}
	left, whole := int64(maxAllHoles), map[int64]bool{}
	for _, f := range jobs {
		if ctx.Err() != nil || f.Node.Size <= bufferSize {
			continue // what is read whole into a buffer costs no more than its inode
		}
		n, err := holesOf(f)
		if err != nil || n > maxHoles {
			continue // the reading tells
		}
		if n == f.Node.Size && whole[n] {
			continue // hashed once: see placeOf
		}
		if n > left {
			refused[f] = true
			in.troubles.files.add(f.Path, fmt.Sprintf("read content: the holes of all files stand for more than %d bytes of zeros: not read", int64(maxAllHoles)))
			continue
		}
		left -= n
		whole[n] = whole[n] || n == f.Node.Size
	}
	return refused
}

// mayExceed tells whether holes could be more than the bound.
func mayExceed(jobs []*tree.File) bool {
	left := int64(maxAllHoles)
	for _, f := range jobs {
		if f.Node.Size > left {
			return true
		}
		left -= max(0, f.Node.Size)
	}
	return false
}

// holesOf counts the bytes of a file's content that are not stored.
func holesOf(f *tree.File) (int64, error) {
	c, err := f.Source.Open(f.Node)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	return holes(c)
}

// holes counts the bytes of a content that are not stored.
func holes(c image.Content) (int64, error) {
	extents, err := c.Extents()
	if err != nil {
		return 0, fmt.Errorf("map content: %w", err)
	}
	left := c.Size()
	for _, x := range extents {
		left -= max(0, min(x.Length, c.Size()-x.Offset))
	}
	return max(0, left), nil
}
