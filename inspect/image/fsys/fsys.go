// Package fsys defines what every reader of package image hands out: a tree
// of nodes, the content of a file, the bytes of a device. The readers
// (packages dir, tarball, ext4, qcow2, ...) import it, and package image
// gives its names to everybody else.
//
// It reads nothing by itself. What it holds beyond the types are the facts
// that all readers share: how an extended attribute is decoded, and how deep
// and long a path may be.
package fsys

import (
	"context"
	"io"
	"strings"

	"github.com/assay-os/assay/report"
)

// The bounds of every tree. A hostile image cannot make a walk hold more than
// this for one name; Linux itself stops at 4096 bytes for one path argument,
// but lets relative names go deeper.
const (
	MaxPath  = 64 << 10
	MaxDepth = 4096
)

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
	// The nodes are fn's to keep.
	Walk(ctx context.Context, fn func(*Node) error) error
	// Open gives the content of a regular file that Walk has shown. It may be
	// called concurrently.
	Open(*Node) (Content, error)
}

// A Filesystem is a tree on a device, as the readers of packages ext4, xfs, ...
// open it.
type Filesystem interface {
	Tree
	// Describe is what blkid(8) tells of the filesystem, and its own settings.
	Describe() report.Filesystem
	// Size is how many bytes of the device belong to the filesystem.
	Size() int64
	// Reserved are the runs within Size that the filesystem leaves to others, a
	// boot loader's code before all: nothing in them reaches the tree.
	Reserved() []Extent
}

// Subvolumes is implemented by a filesystem that holds several trees, of which a
// mount shows one (btrfs). As a Tree it shows what a mount without options does.
type Subvolumes interface {
	// TopLevel is the tree that all others lie in.
	TopLevel() (Tree, error)
	// Places are where the subvolumes lie in the top level, by their numbers:
	// "/" is the top level itself. The second result is the number of the one
	// that is mounted without options.
	Places() (map[uint64]report.Raw, uint64, error)
}

// A Node is one name that Walk shows. Entry is complete but for SHA256,
// Canonical and Hardlink.
type Node struct {
	report.Entry
	// Inode tells names of one file apart from copies: names with equal,
	// non-zero Inode in one tree are hard links of each other.
	Inode uint64
	Links uint32
	// Physical is about where a file's content starts in its volume, for
	// reading in order; -1 when unknown. It is a hint: nothing but the order
	// of reads may hang on it.
	Physical int64
	// Version is another whenever the content of a file may have been changed
	// through the filesystem: its change time and its generation, in any form. It
	// is zero where the reader does not tell, and for what is as old as the
	// filesystem: makers of images give all their files one time.
	Version [2]uint64
	// Err says that this node could not be read whole, and why. What could
	// be read is in Entry. A directory with Err may lack names.
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

// Unchanged tells of a content that others may write to whether it is still what it
// was when it was listed. Whoever has read the content asks before he believes it.
func Unchanged(c Content) error {
	if v, ok := c.(interface{ Unchanged() error }); ok {
		return v.Unchanged()
	}
	return nil
}

// Join is the path of name in the directory dir: Join("/", "etc") is "/etc".
func Join(dir report.Raw, name string) report.Raw {
	if dir == "/" {
		return report.Raw("/" + name)
	}
	return dir + "/" + report.Raw(name)
}

// ValidName tells whether a name may stand in a directory; a reader refuses
// others, as the kernel does.
func ValidName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}
