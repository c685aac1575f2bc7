// Package runs gives the content of a file that lies in runs of bytes of a
// device: what FAT, exFAT and ISO 9660 have in common.
//
// It reads what it is told. That the runs lie within the device is for the
// filesystem to check.
package runs

import (
	"fmt"
	"io"
	"sort"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// Append adds a run to a list, joined with the last one where both follow
// each other in the content and on the device.
func Append(list []fsys.Extent, e fsys.Extent) []fsys.Extent {
	if n := len(list) - 1; n >= 0 && list[n].Offset+list[n].Length == e.Offset && list[n].Physical+list[n].Length == e.Physical {
		list[n].Length += e.Length
		return list
	}
	return append(list, e)
}

// A File is content in runs of a device. It implements fsys.Content, and may
// be used concurrently.
type File struct {
	r    io.ReaderAt
	runs []fsys.Extent
	size int64
}

// New is the content of size bytes whose runs, sorted, have places in r. What
// no run covers reads as zeros; what a run has beyond size is left out.
func New(r io.ReaderAt, list []fsys.Extent, size int64) *File {
	out := make([]fsys.Extent, 0, len(list))
	for _, e := range list {
		if e.Offset < size {
			e.Length = min(e.Length, size-e.Offset)
			out = append(out, e)
		}
	}
	return &File{r: r, runs: out, size: size}
}

// Size implements fsys.Content.
func (f *File) Size() int64 { return f.size }

// Close implements fsys.Content; there is nothing to close.
func (f *File) Close() error { return nil }

// Extents implements fsys.Content.
func (f *File) Extents() ([]fsys.Extent, error) { return append([]fsys.Extent(nil), f.runs...), nil }

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	return fsys.ReadPieces(p, off, f.size, f.readPiece)
}

// readPiece reads up to the end of one run or of one hole.
func (f *File) readPiece(p []byte, off int64) (int, error) {
	i := sort.Search(len(f.runs), func(i int) bool { return f.runs[i].Offset+f.runs[i].Length > off })
	if i == len(f.runs) {
		clear(p)
		return len(p), nil
	}
	e := f.runs[i]
	if e.Offset > off {
		n := int(min(int64(len(p)), e.Offset-off))
		clear(p[:n])
		return n, nil
	}
	into := off - e.Offset
	n := int(min(int64(len(p)), e.Length-into))
	got, err := f.r.ReadAt(p[:n], e.Physical+into)
	if got < n {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return got, fmt.Errorf("read at byte %d: %w", e.Physical+into, err)
	}
	return n, nil
}
