// Package fat reads FAT12, FAT16 and FAT32 filesystems with the long names of
// VFAT from an io.ReaderAt.
//
// It shows what Linux shows of them when they are mounted as vfat, with its
// default code page 437, names in UTF-8, the mask 022 and times that are taken
// as UTC: the disk has no zone, no owners and no modes. The attributes that
// have no place in a mode (archive, hidden, system, and read-only of a
// directory) are in Entry.Attributes. A UTF-16 code unit without its partner
// becomes three bytes as if it were a character (Linux drops it): no two
// names may become one.
//
// It does not recover what was deleted, and does not tell the short names of
// what has a long one.
//
// Nothing that is read is trusted: every cluster lies within the device and
// belongs to one file, and no directory is entered twice, so that the work
// is bounded by what the image really holds.
//
// The layout is that of Microsoft's "FAT: General Overview of On-Disk Format"
// (1.03); where that leaves it open, fs/fat of Linux decides.
package fat

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/runs"
	"github.com/assay-os/assay/report"
)

var le = binary.LittleEndian

// An FS is an open filesystem. It implements fsys.Filesystem, and may be used
// concurrently. It holds nothing that would have to be closed.
type FS struct {
	boot
	r     io.ReaderAt
	table *table
}

// Probe tells whether r holds a FAT filesystem, and what it says of itself.
func Probe(r io.ReaderAt) (report.Filesystem, bool) {
	b, err := readBoot(r)
	if err != nil {
		return report.Filesystem{}, false
	}
	return newFS(b, r).Describe(), true
}

// Open reads the filesystem in the first size bytes of r.
func Open(ctx context.Context, r io.ReaderAt, size int64) (*FS, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := readBoot(r)
	if err != nil {
		return nil, err
	}
	if b.size() > size {
		return nil, fmt.Errorf("the filesystem has %d bytes, the image %d: it is truncated", b.size(), size)
	}
	if active := b.activeTable(); active != 0 {
		return nil, fmt.Errorf("it says that its allocation table %d is the valid one, which Linux does not heed: not read", active+1)
	}
	return newFS(b, r), nil
}

func newFS(b boot, r io.ReaderAt) *FS { return &FS{boot: b, r: r, table: newTable(b, r)} }

// Size is how many bytes of the device belong to the filesystem.
func (fs *FS) Size() int64 { return fs.size() }

// Open implements fsys.Tree.
func (fs *FS) Open(n *fsys.Node) (fsys.Content, error) {
	d, ok := n.Sys.(dirent)
	if !ok || n.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this filesystem that can be read", n.Path)
	}
	var list []fsys.Extent
	err := fs.chain(d.first, fs.clustersOf(d.size), nil, func(cluster uint32) {
		list = runs.Append(list, fsys.Extent{Offset: endOf(list), Length: fs.clusterSize, Physical: fs.clusterAt(cluster)})
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	return runs.New(fs.r, list, d.size), nil
}

func endOf(list []fsys.Extent) int64 {
	if len(list) == 0 {
		return 0
	}
	last := list[len(list)-1]
	return last.Offset + last.Length
}
