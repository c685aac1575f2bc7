// Package squashfs reads squashfs 4.0 filesystems from an io.ReaderAt.
//
// It reads what mksquashfs(8) and gensquashfs(1) write: all types of inodes,
// blocks of 4 KiB to 1 MiB, fragments, sparse files, attributes, each of the
// compressions gzip, lzma, lzo, xz (with filters), lz4 and zstd, and what is not
// compressed. Versions 1 to 3 are named and not read. The indexes of large
// directories and the table for NFS are not needed.
//
// Nothing that is read is trusted: what is unpacked is no larger than its kind
// may be (a block, 8 KiB of metadata), tables are read where they are needed and
// never as a whole, no directory is entered twice, and no two of them share
// their names. The format has no checksums but those of its compressions.
//
// The layout is that of the kernel's fs/squashfs/squashfs_fs.h; the comments
// name the structures as it does.
package squashfs

import (
	"context"
	"io"
	"sync"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// An FS is an open filesystem. It implements fsys.Filesystem, and may be used
// concurrently. It holds nothing that would have to be closed.
type FS struct {
	superblock
	r      io.ReaderAt
	codec  codec
	xattrs attributeTable
	// meta holds unpacked blocks of metadata, data those of files.
	meta, data *cache
	packed     sync.Pool // of *[]byte of a block's size, for reading what is compressed

	mu     sync.Mutex
	owners map[int64]reference // of metadata that a file's list of blocks goes on in
}

// Probe tells whether r holds a squashfs filesystem, and what it says of itself.
func Probe(r io.ReaderAt) (report.Filesystem, bool) {
	sb, err := readSuperblock(r)
	if err != nil {
		return report.Filesystem{}, false
	}
	return sb.describe(), true
}

// Open reads the filesystem in the first size bytes of r.
func Open(_ context.Context, r io.ReaderAt, size int64) (*FS, error) {
	sb, err := readSuperblock(r)
	if err != nil {
		return nil, err
	}
	if err := sb.check(size); err != nil {
		return nil, err
	}
	c, err := newCodec(sb.compression)
	if err != nil {
		return nil, err
	}
	fs := &FS{
		superblock: sb,
		r:          r,
		codec:      c,
		meta:       newCache(metaCache),
		data:       newCache(dataCache),
		owners:     map[int64]reference{},
	}
	if err := fs.openAttributes(); err != nil {
		return nil, err
	}
	return fs, nil
}

// Describe is what blkid(8) tells of the filesystem, and its own settings.
func (fs *FS) Describe() report.Filesystem { return fs.describe() }

// Size is how many bytes of the device belong to the filesystem.
func (fs *FS) Size() int64 { return fs.used }

// Reserved implements fsys.Filesystem: there is nothing.
func (fs *FS) Reserved() []fsys.Extent { return nil }
