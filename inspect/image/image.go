// Package image opens anything that holds a tree of files (a directory, a
// tar, a disk image, a filesystem) and shows it in one uniform, read-only way:
// a [Tree] of nodes with every fact that report.Entry records.
//
// It mounts nothing, needs no root, and trusts nothing that it reads: every
// size, offset and count is checked, and what is wrong becomes an error that
// names the place. It computes no digests and knows no operating system; see
// package inspect.
package image

import (
	"context"
	"io"

	"github.com/assay-os/assay/report"
)

// An Image is an opened subject.
type Image struct {
	Subject report.Subject
	// Disk is nil for directories and archives.
	Disk *report.Disk
	// Device gives the guest-visible bytes of a disk; nil when Disk is.
	Device Device
	// Trees are the filesystems that were found, in the order of their
	// partitions. A directory or an archive has exactly one.
	Trees []Volume
	close func() error
}

// Close releases what the image holds open.
func (i *Image) Close() error {
	if i.close == nil {
		return nil
	}
	return i.close()
}

// A Volume is one filesystem of an image.
type Volume struct {
	// Partition is the index in Disk.Partitions, counted from 1; 0 when the
	// subject is the filesystem itself.
	Partition  int
	Filesystem report.Filesystem
	// Tree is nil when the filesystem cannot be read; Err says why.
	Tree Tree
	Err  error
}

// A Device is the guest-visible content of a disk.
type Device interface {
	io.ReaderAt
	Size() int64
	// Extents returns the runs that may hold data, sorted, not overlapping;
	// what is outside of them reads as zeros.
	Extents() ([]Extent, error)
}

// An Extent is a run of bytes. Offset is in the content, Physical where it
// lies in the medium below (-1 when that is unknown).
type Extent struct {
	Offset   int64
	Length   int64
	Physical int64
}

// A Tree is a read-only filesystem.
type Tree interface {
	// Walk calls fn for every name, a directory before what is in it, the
	// names of a directory sorted by their bytes. An error of one node is
	// given to fn in Node.Err and does not end the walk; an error of fn does.
	Walk(ctx context.Context, fn func(*Node) error) error
	// Open gives the content of a regular file that Walk has shown. It may be
	// called concurrently.
	Open(*Node) (Content, error)
}

// A Node is one name that Walk shows. Entry is complete but for SHA256,
// Canonical and Hardlink.
type Node struct {
	report.Entry
	// Inode tells names of one file apart from copies: names with equal,
	// non-zero Inode in one tree are hard links of each other.
	Inode uint64
	Links uint32
	// Physical is where a file's content starts on the medium, for reading in
	// order; -1 when unknown.
	Physical int64
	// Err says that this node could not be read whole, and why. What could
	// be read is in Entry.
	Err error
	// Sys belongs to the tree that made the node.
	Sys any
}

// Content is a regular file's bytes.
type Content interface {
	io.ReaderAt
	io.Closer
	Size() int64
	// Extents returns the runs that hold data, sorted; the rest is holes.
	Extents() ([]Extent, error)
}
