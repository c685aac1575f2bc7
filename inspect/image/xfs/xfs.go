// Package xfs reads XFS filesystems from an io.ReaderAt.
//
// It reads version 4 and version 5 with what mkfs.xfs(8) can set: all sizes of
// blocks, sectors, inodes and directory blocks; directories in the inode, in
// a block, in many; attributes in the inode, in leaves, in blocks of their
// own; extents in lists and trees, shared and unwritten ones; large times and
// extent counts; parent pointers. A log that was not replayed is replayed in
// memory. Content on a realtime device is not read, and says so; a
// log on another device, metadata directories and zones are refused.
//
// Checksums, owners and places of metadata are verified where the filesystem
// has them (version 5). Nothing that is read is trusted: every block lies
// within the device, no block of metadata is used twice, and no directory is
// reached by two names, so that the work is bounded by what the image really
// holds. Directories are read by their data blocks, so that their hash
// indexes do not matter; free space, quotas and reverse mappings are not
// looked at.
//
// The layout is that of "XFS Algorithms & Data Structures" and of the kernel's
// fs/xfs/libxfs/xfs_format.h; the comments name the structures as those do.
//
//	fs, err := xfs.Open(ctx, r, size)
//	if err != nil { ... }
//	err = fs.Walk(ctx, func(n *fsys.Node) error { ... })
package xfs

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// be reads the fields of all structures but checksums and the log's items.
var be = binary.BigEndian

// An FS is an open filesystem. It implements fsys.Filesystem, and may be used
// concurrently. It holds nothing that would have to be closed.
type FS struct {
	superblock
	dev *device

	madeOnce sync.Once
	made     time.Time // when the filesystem was, zero where that is not known

	mu     sync.Mutex
	owners map[uint64]uint64 // of every block that maps others, or holds names or attributes

	// What the log says of inodes, for reading alone: those that a change was
	// begun of, and those that took extents which bear another's number.
	unsettled, adopted map[uint64]bool
}

// Probe tells whether r holds an XFS filesystem, and what it says of itself.
func Probe(r io.ReaderAt) (report.Filesystem, bool) {
	sb, err := readSuperblock(r)
	if err != nil {
		return report.Filesystem{}, false
	}
	return sb.describe(), true
}

// Open reads the filesystem in the first size bytes of r.
func Open(ctx context.Context, r io.ReaderAt, size int64) (*FS, error) {
	return open(ctx, newDevice(r, true), size)
}

func open(ctx context.Context, dev *device, size int64) (*FS, error) {
	sb, err := dev.superblock(size)
	if err != nil {
		return nil, err
	}
	fs := &FS{superblock: sb, dev: dev, owners: map[uint64]uint64{}}
	rc, err := replay(ctx, &sb, dev, size)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	if rc == nil {
		return fs, nil
	}
	fs.dev, fs.unsettled, fs.adopted = dev.replayed(rc.over), rc.unsettled(), rc.adopted
	if fs.superblock, err = fs.dev.superblock(size); err != nil {
		return nil, fmt.Errorf("after the log was replayed: %w", err)
	}
	return fs, nil
}

// Describe is what blkid(8) tells of the filesystem.
func (fs *FS) Describe() report.Filesystem { return fs.describe() }

// Size is how many bytes of the device belong to the filesystem.
func (fs *FS) Size() int64 { return int64(fs.blocks) * fs.blockSize }

// Reserved implements fsys.Filesystem: XFS leaves nothing to others.
func (fs *FS) Reserved() []fsys.Extent { return nil }

// block reads one block of metadata; n counts from the start of the device.
func (fs *FS) block(n uint64) ([]byte, error) {
	b := make([]byte, fs.blockSize)
	if err := fs.dev.Read(b, int64(n)*fs.blockSize); err != nil {
		return nil, fmt.Errorf("block %d: %w", n, err)
	}
	return b, nil
}

// claim records that a block of metadata belongs to an inode. No sound
// filesystem shares one; a hostile one would, to make a small image cost
// endless work.
func (fs *FS) claim(block, ino uint64) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if owner, ok := fs.owners[block]; ok && owner != ino {
		return fmt.Errorf("block %d belongs to inode %d already", block, owner)
	}
	fs.owners[block] = ino
	return nil
}
