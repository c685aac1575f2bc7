// Package btrfs reads btrfs filesystems from an io.ReaderAt.
//
// It reads one device: everything that lies on it, as one copy, as two (DUP),
// or mirrored to devices that are not here (RAID1). A filesystem of which a
// part lies elsewhere does not open. Neither does one that is zoned, or that
// has the features extent_tree_v2, raid_stripe_tree or remap_tree.
//
// A log that fsync(2) left before a crash is replayed in memory, as the kernel
// replays it at the next mount.
//
// What Walk shows is what mount(8) would without options: the default
// subvolume, and those nested in it. Other subvolumes open through
// [FS.Subvolume] and [FS.SubvolumeByID].
//
// The checksum of every node is verified, and that of every sector of content;
// where there are two copies, the good one counts. Nothing that is read is
// trusted: addresses lie in chunks and chunks on the device, keys ascend over
// all nodes of a tree, levels descend, and no directory is entered twice.
//
// The layout is that of the kernel's uapi/linux/btrfs_tree.h; the comments
// name the structures as that does.
package btrfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// An FS is one subvolume of an open filesystem, and what is nested in it. It
// implements fsys.Filesystem, and may be used concurrently. It holds nothing
// that would have to be closed.
type FS struct {
	*volume
	top uint64 // the tree that / lies in
}

// A volume is the filesystem behind all subvolumes.
type volume struct {
	sb      superblock
	nodes   *nodeReader
	roots   *tree
	sums    *tree
	unpacks *unpacker

	// made is when the filesystem was, if that is known.
	made func() (int64, bool)

	// What the log holds, when there is one: the changes of each tree, and
	// checksums, sorted.
	replayed map[uint64]*edits
	logSums  []loggedSums
}

// Probe tells whether r holds a btrfs filesystem, and what it says of itself. Like
// blkid(8), it takes the magic of the first superblock for a sign; the rest of that may be
// broken if there is a copy.
func Probe(r io.ReaderAt) (report.Filesystem, bool) {
	magic := make([]byte, len(superMagic))
	if n, _ := r.ReadAt(magic, superOffsets()[0]+0x40); n < len(magic) || string(magic) != superMagic {
		return report.Filesystem{}, false
	}
	sb, err := readSuperblock(r, math.MaxInt64)
	if err != nil { // Open tells what is wrong with it
		b := make([]byte, superSize)
		if n, _ := r.ReadAt(b, superOffsets()[0]); n < superSize {
			return report.Filesystem{}, false
		}
		return report.Filesystem{Type: "btrfs", UUID: formatUUID(b[0x20:0x30])}, true
	}
	return sb.describe(), true
}

// Open reads the filesystem in the first size bytes of r.
func Open(ctx context.Context, r io.ReaderAt, size int64) (*FS, error) {
	sb, err := readSuperblock(r, size)
	if err != nil {
		return nil, err
	}
	if err := sb.check(size); err != nil {
		return nil, err
	}
	v := &volume{sb: sb, unpacks: newUnpacker(sb.sectorSize)}
	v.nodes = newNodeReader(&space{r: r, sb: &v.sb})
	if err := v.mapChunks(); err != nil {
		return nil, err
	}
	v.roots = &tree{nodes: v.nodes, top: sb.root}
	if v.sums, err = v.tree(sumTree); err != nil {
		return nil, fmt.Errorf("open tree of checksums: %w", err)
	}
	if sb.log.logical != 0 {
		if err := v.replay(ctx); err != nil {
			return nil, fmt.Errorf("replay log: %w", err)
		}
	}
	v.made = sync.OnceValues(v.whenMade)
	top, err := v.defaultSubvolume()
	if err != nil {
		return nil, fmt.Errorf("find default subvolume: %w", err)
	}
	return v.view(top)
}

// mapChunks reads the chunks of the superblock, and by these all others.
func (v *volume) mapChunks() error {
	space := v.nodes.space
	for b := v.sb.sysChunks(); len(b) > 0; {
		if len(b) < keySize+chunkSize {
			return errors.New("superblock: its chunks are cut off")
		}
		k, size := decodeKey(b), chunkSize+int(le.Uint16(b[keySize+44:]))*stripeSize
		if b = b[keySize:]; k.kind != kindChunk || size > len(b) {
			return errors.New("superblock: its chunks are broken")
		}
		if err := space.add(k.offset, b[:size]); err != nil {
			return fmt.Errorf("superblock: %w", err)
		}
		b = b[size:]
	}
	chunks := tree{nodes: v.nodes, top: v.sb.chunks}
	err := chunks.each(chunkTreeID, kindChunk, func(k key, data []byte) error { return space.add(k.offset, data) })
	if err != nil {
		return fmt.Errorf("read chunks: %w", err)
	}
	for i := range space.chunks {
		if err := space.chunks[i].missing(); err != nil {
			return fmt.Errorf("chunk at %d: %w", space.chunks[i].logical, err)
		}
	}
	return space.checkPlaces()
}

// Describe is what blkid(8) tells of the filesystem.
func (fs *FS) Describe() report.Filesystem { return fs.sb.describe() }

// Size is how many bytes of the device belong to the filesystem.
func (fs *FS) Size() int64 { return int64(fs.sb.deviceSize) }

// Reserved implements fsys.Filesystem: the kernel keeps off the first MiB but for the
// superblock, unless an old mkfs.btrfs put a chunk there.
func (fs *FS) Reserved() []fsys.Extent {
	const first, kept = 64 << 10, 1 << 20
	end := uint64(min(kept, fs.Size()))
	for _, c := range fs.nodes.chunks {
		for _, st := range c.stripes {
			end = min(end, st.offset)
		}
	}
	out := []fsys.Extent{{Length: min(first, fs.Size())}}
	if start := uint64(first + superSize); end > start {
		out = append(out, fsys.Extent{Offset: int64(start), Length: int64(end - start)})
	}
	return out
}
