// Package ext4 reads ext2, ext3 and ext4 filesystems from an io.ReaderAt.
//
// It reads what mke2fs(8) can set: block maps and extents, inline data,
// bigalloc, large and case-folded directories, attributes in the inode, in a
// block and in inodes of their own, all sizes of inodes and blocks. A journal
// that was not replayed is replayed in memory. Encrypted content is not read,
// and says so. Directories are read block by block, so that their hash trees do not
// matter.
//
// Checksums of metadata are verified where the filesystem has them; what does
// not match is shown with an error. Nothing that is read is trusted: every
// block lies within the device, no tree of blocks is entered twice, and no
// directory is reached by two names, so that the work is bounded by what the
// image really holds.
//
// The layout is that of the kernel's Documentation/filesystems/ext4 and
// fs/ext4/ext4.h; the comments name the structures as those do.
package ext4

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/pieces"
	"github.com/assay-os/assay/report"
)

// The inodes with a fixed number.
const rootInode = 2

// An FS is an open filesystem. It implements fsys.Tree, and may be used
// concurrently. It holds nothing that would have to be closed.
type FS struct {
	superblock
	dev  *pieces.Cache
	seed uint32
	fast *fastLog // over the inodes

	mu     sync.Mutex
	owners map[uint64]uint32 // of every block that maps other blocks or holds names
	shared map[uint64]attrs  // attribute blocks that were decoded
}

// Probe tells whether r holds an ext filesystem, and what it says of itself.
func Probe(r io.ReaderAt) (report.Filesystem, bool) {
	sb, err := readSuperblock(r)
	if err != nil {
		return report.Filesystem{}, false
	}
	return sb.describe(), true
}

// Open reads the filesystem in the first size bytes of r.
func Open(ctx context.Context, r io.ReaderAt, size int64) (*FS, error) {
	sb, err := readSuperblock(r)
	if err != nil {
		return nil, err
	}
	if err := sb.check(size); err != nil {
		return nil, err
	}
	fs := newFS(sb, r)
	if sb.incompat&incompatRecover == 0 {
		return fs, nil
	}
	replayed, fast, err := fs.replay(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("replay journal: %w", err)
	}
	if sb, err = readSuperblock(replayed); err == nil {
		err = sb.check(size)
	}
	if err != nil {
		return nil, fmt.Errorf("after the journal was replayed: %w", err)
	}
	fs = newFS(sb, replayed)
	if fast != nil {
		fs.fast = fast
	}
	return fs, nil
}

func newFS(sb superblock, r io.ReaderAt) *FS {
	return &FS{
		superblock: sb,
		dev:        pieces.New(r),
		seed:       sb.seed(),
		owners:     map[uint64]uint32{},
		shared:     map[uint64]attrs{},
		fast:       &fastLog{},
	}
}

// Describe is what blkid(8) tells of the filesystem.
func (fs *FS) Describe() report.Filesystem { return fs.describe() }

// Size is how many bytes of the device belong to the filesystem.
func (fs *FS) Size() int64 { return int64(fs.blocks) * fs.blockSize }

// Reserved implements fsys.Filesystem: the first 1,024 bytes are a boot
// loader's.
func (fs *FS) Reserved() []fsys.Extent { return []fsys.Extent{{Length: 1024}} }

// block reads one block of metadata.
func (fs *FS) block(n uint64) ([]byte, error) {
	if n == 0 || n >= fs.blocks {
		return nil, fmt.Errorf("block %d is outside of the filesystem's %d blocks", n, fs.blocks)
	}
	b := make([]byte, fs.blockSize)
	if err := fs.dev.Read(b, int64(n)*fs.blockSize); err != nil {
		return nil, fmt.Errorf("block %d: %w", n, err)
	}
	return b, nil
}

// claim records that a block of metadata belongs to an inode. No sound
// filesystem shares one; a hostile one would, to make a small image cost
// endless work.
func (fs *FS) claim(block uint64, ino uint32) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if owner, ok := fs.owners[block]; ok && owner != ino {
		return fmt.Errorf("block %d belongs to inode %d already", block, owner)
	}
	fs.owners[block] = ino
	return nil
}
