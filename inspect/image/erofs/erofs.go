// Package erofs reads EROFS filesystems from an io.ReaderAt.
//
// It reads what mkfs.erofs(1) makes up to version 1.9: plain files, files with
// their tail behind the inode, files in chunks, and files compressed by LZ4,
// MicroLZMA, DEFLATE or Zstandard with indexes of every kind, tails and
// fragments packed elsewhere, and clusters that files share; inodes in the
// metabox; addresses of 48 bits; extended attributes of each form. Content on
// a device that is not part of the image is not read, and says so.
//
// The superblock's checksum is verified; the format has no others. Nothing
// that is read is trusted: every address lies within the device, one cluster
// unpacks to 12 MiB at most, as for the kernel, and the names and attributes
// of a walk are bounded by a multiple of the device's size.
//
// The layout is that of the kernel's fs/erofs/erofs_fs.h; the comments name the
// structures as it does.
package erofs

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// An FS is an open filesystem. It implements fsys.Filesystem, and may be used
// concurrently. It holds nothing that would have to be closed.
type FS struct {
	superblock
	r        io.ReaderAt
	dev      *device
	clusters *clusters
	prefixes []prefix
	devices  []slot
	// box holds the inodes of the metabox, packed the fragments of files. They
	// are read when they are needed.
	box, packed func() (*content, error)
	attributes  *attributes
	unpackers   *unpackers
}

// Probe tells whether r holds an EROFS filesystem, and what it says of itself.
func Probe(r io.ReaderAt) (report.Filesystem, bool) {
	sb, err := readSuperblock(r)
	if err != nil {
		return report.Filesystem{}, false
	}
	return sb.describe(), true
}

// Open reads the filesystem in the first size bytes of r.
func Open(ctx context.Context, r io.ReaderAt, size int64) (*FS, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sb, err := readSuperblock(r)
	if err != nil {
		return nil, err
	}
	if err := sb.check(r, size); err != nil {
		return nil, err
	}
	fs := &FS{superblock: sb, r: r, dev: newDevice(r, size), clusters: newClusters(), unpackers: newUnpackers()}
	fs.attributes = newAttributes(fs.allowance(allTimes))
	fs.box = sync.OnceValues(func() (*content, error) { return fs.special("metabox", sb.boxNID) })
	fs.packed = sync.OnceValues(func() (*content, error) { return fs.special("packed", sb.packedNID) })
	if err := fs.readDevices(); err != nil {
		return nil, fmt.Errorf("device table: %w", err)
	}
	if err := fs.readPrefixes(); err != nil {
		return nil, fmt.Errorf("prefixes of attributes: %w", err)
	}
	return fs, nil
}

// special is the content of an inode that only the superblock names.
func (fs *FS) special(name string, nid uint64) (*content, error) {
	if nid == 0 || nid&inMetabox != 0 {
		return nil, fmt.Errorf("the filesystem has no %s inode", name)
	}
	ino, err := fs.readInode(nid)
	if err != nil {
		return nil, fmt.Errorf("%s inode: %w", name, err)
	}
	ino.special = true
	c, err := fs.content(ino)
	if err != nil {
		return nil, fmt.Errorf("%s inode: %w", name, err)
	}
	return c, nil
}

// Describe is what blkid(8) tells of the filesystem.
func (fs *FS) Describe() report.Filesystem { return fs.describe() }

// Size is how many bytes of the device belong to the filesystem, those of
// further devices included where they follow the first.
func (fs *FS) Size() int64 {
	size := int64(fs.blocks) << fs.blockBits
	for _, d := range fs.devices {
		if end := d.start + d.length; d.start > 0 && end <= fs.dev.size {
			size = max(size, end)
		}
	}
	return size
}

// Reserved implements fsys.Filesystem: the first 1,024 bytes are a boot
// loader's.
func (fs *FS) Reserved() []fsys.Extent { return []fsys.Extent{{Length: superOffset}} }

// allowance is how many bytes of names, and of attributes, a walk may meet: a
// sound filesystem holds each once, and compresses them by a few times.
func (fs *FS) allowance(times int64) int64 {
	const least = 64 << 20
	return least + times*min(fs.dev.size, 1<<40)
}

// Of the device's size, what all directories and all attributes may be, and
// what the directories above one name may be.
const (
	allTimes   = 16
	aboveTimes = 2
)

// An area holds inodes and what follows them: the device, or the metabox.
type area interface {
	// read fills b from a byte of the area.
	read(b []byte, at int64) error
}

// area is where the inode lies.
func (fs *FS) area(box bool) (area, error) {
	if !box {
		return fs.dev, nil
	}
	c, err := fs.box()
	if err != nil {
		return nil, err
	}
	return c, nil
}
