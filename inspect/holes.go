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

// What the files of a disk may hold, beside holes: repeatFloor and repeatTimes the
// bytes that the disk stores. Compression, snapshots and shared blocks make files
// hold more than the disk; a hostile image lets any number of files claim the
// same blocks, and hashing them would not end.
const (
	repeatFloor = 16 << 30
	repeatTimes = 64
)

// A budget is what may still be hashed.
type budget struct {
	holes, data int64
	// most is what data began with, stored what the disk stores.
	most, stored int64
	// known are the places of contents, which are hashed once.
	known map[string]bool
}

// newBudget is the budget of a subject. What is no disk has no bound of data: a member
// of an archive has bytes of its own, and a directory is no image.
func (in *inspection) newBudget() *budget {
	const none = 1 << 62
	b := &budget{holes: maxAllHoles, data: none, known: map[string]bool{}}
	if in.img.Device == nil {
		return b
	}
	extents, err := in.img.Device.Extents()
	if err != nil {
		extents = nil // the section disk tells
	}
	for _, x := range extents {
		b.stored += max(0, x.Length)
	}
	b.data = repeatFloor + repeatTimes*min(b.stored, none/repeatTimes/2)
	b.most = b.data
	return b
}

// bound gives the files that are not read because those before them in the order of
// the jobs have used up what may be hashed. Where all sizes together are within
// the bounds nothing is opened.
func (in *inspection) bound(ctx context.Context, jobs []*tree.File) map[*tree.File]bool {
	if !mayExceed(jobs, min(maxAllHoles, repeatFloor)) {
		return nil
	}
	b := in.newBudget()
	if !mayExceed(jobs, min(b.holes, b.data)) {
		return nil
	}
	refused := map[*tree.File]bool{}
	for _, f := range jobs {
		if ctx.Err() != nil {
			break
		}
		if why := b.take(in, f); why != "" {
			refused[f] = true
			in.troubles.files.add(f.Path, "read content: "+why)
		}
	}
	return refused
}

// mayExceed tells whether contents could be more than left.
func mayExceed(jobs []*tree.File, left int64) bool {
	for _, f := range jobs {
		if f.Node.Size > left {
			return true
		}
		left -= max(0, f.Node.Size)
	}
	return false
}

// take counts one content, and tells why it is too much. What fits the hasher's buffer
// is read whole, its holes too.
func (b *budget) take(in *inspection, f *tree.File) string {
	holes, data, place := int64(0), f.Node.Size, ""
	if f.Node.Size > bufferSize {
		var err error
		if holes, place, err = in.measure(f); err != nil || holes > maxHoles || b.known[place] {
			return "" // the reading tells, or it is hashed once: see placeOf
		}
		data -= holes
	}
	switch {
	case holes > b.holes:
		return fmt.Sprintf("the holes of all files stand for more than %d bytes of zeros: not read", int64(maxAllHoles))
	case data > b.data:
		return fmt.Sprintf("the files of this disk claim more than %d bytes, which is %d times the %d bytes that it stores, and 16 GiB: not read", b.most, repeatTimes, b.stored)
	}
	b.holes -= holes
	b.data -= data
	b.known[place] = place != ""
	return ""
}

// measure counts the bytes of a file's content that are not stored, and names its place.
func (in *inspection) measure(f *tree.File) (int64, string, error) {
	c, err := f.Source.Open(f.Node)
	if err != nil {
		return 0, "", err
	}
	defer c.Close()
	n, err := holes(c)
	if err != nil {
		return 0, "", err
	}
	place, err := in.placeOf(f, c)
	return n, place, err
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
