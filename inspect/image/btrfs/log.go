package btrfs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
)

// The numbers of the log: fsync(2) writes what it has to save to a tree for each subvolume, and the
// next full commit drops them.
const (
	logObject  = ^uint64(5) // of the roots of logs
	kindLogKey = 72         // a range of a directory's names that the log knows all of
)

// loggedSums are checksums of sectors one after another.
type loggedSums struct {
	start uint64
	sums  []byte
}

// A replayer carries the log of one subvolume over to it, as the kernel does at the next mount
// (fs/btrfs/tree-log.c), without writing.
type replayer struct {
	*tree // the subvolume
	log   *tree
	ctx   context.Context
	// unlinked are inodes of the log without a name: they are left out.
	unlinked map[uint64]bool
	// recount are the inodes whose number of names may have changed.
	recount map[uint64]bool
	// replayed is the inode whose extents were replayed last.
	replayed uint64
	noHoles  bool
	sector   uint64
}

// replay replays the logs of all subvolumes.
func (v *volume) replay(ctx context.Context) error {
	v.replayed = map[uint64]*edits{}
	logs := &tree{nodes: v.nodes, top: v.sb.log}
	err := logs.each(logObject, kindRoot, func(k key, data []byte) error {
		log, err := decodeRoot(k.offset, data)
		if err != nil {
			return err
		}
		into, err := v.root(k.offset)
		if errors.Is(err, errNotFound) {
			return nil // deleted after its files were synced
		}
		if err != nil {
			return err
		}
		v.replayed[k.offset] = &edits{items: map[key][]byte{}}
		r := replayer{
			tree: v.treeOf(into), log: &tree{nodes: v.nodes, top: log.top}, ctx: ctx,
			unlinked: map[uint64]bool{}, recount: map[uint64]bool{},
			noHoles: v.sb.incompat&incompatNoHoles != 0, sector: uint64(v.sb.sectorSize),
		}
		if err := r.run(); err != nil {
			return fmt.Errorf("of subvolume %d: inconclusive: %w", k.offset, err)
		}
		return v.collectSums(r.log)
	})
	slices.SortStableFunc(v.logSums, func(a, b loggedSums) int { return key{offset: a.start}.compare(key{offset: b.start}) })
	return err
}

// collectSums keeps the checksums of what the log says that was written.
func (v *volume) collectSums(log *tree) error {
	return log.each(sumObject, kindExtentSum, func(k key, data []byte) error {
		if len(v.logSums) >= mostEdits {
			return errors.New("inconclusive: it is too large")
		}
		if n := len(data) / v.sb.sum.size * v.sb.sum.size; n > 0 {
			v.logSums = append(v.logSums, loggedSums{k.offset, data[:n]})
		}
		return nil
	})
}

// loggedSums returns the checksums that the log has from an address on; without one, where
// the next that it has begin.
func (v *volume) loggedSums(logical uint64) (sums []byte, until uint64) {
	until = ^uint64(0)
	i := sort.Search(len(v.logSums), func(i int) bool { return v.logSums[i].start > logical })
	if i < len(v.logSums) {
		until = v.logSums[i].start
	}
	if i == 0 {
		return nil, until
	}
	last, sector, size := v.logSums[i-1], uint64(v.sb.sectorSize), v.sb.sum.size
	n := (logical - last.start) / sector
	if (logical-last.start)%sector != 0 || n >= uint64(len(last.sums)/size) {
		return nil, until
	}
	return last.sums[int(n)*size:], until
}

// run goes through the log three times: inodes first, because names need them; then what
// directories list; then all else.
func (r *replayer) run() error {
	passes := []func(k key, data []byte) error{
		func(k key, data []byte) error {
			if k.kind == kindInode {
				return r.inode(k, data)
			}
			return nil
		},
		func(k key, data []byte) error {
			if k.kind == kindDirIndex && !r.unlinked[k.object] {
				return r.listed(k, data)
			}
			return nil
		},
		r.other,
	}
	for _, pass := range passes {
		if err := r.log.scan(key{}, pass); err != nil {
			return err
		}
	}
	return r.countNames()
}

// set changes an item of the subvolume; nil deletes it.
func (r *replayer) set(k key, data []byte) error {
	if len(r.edits.keys) >= mostEdits {
		return errors.New("the log is too large")
	}
	r.edits.set(k, data)
	return r.ctx.Err()
}

// exists tells whether the subvolume has an inode.
func (r *replayer) exists(ino uint64) (bool, error) {
	_, err := r.find(key{ino, kindInode, 0})
	if errors.Is(err, errNotFound) {
		return false, nil
	}
	return err == nil, err
}

// inode makes an inode what the log says, after what the log knows to be deleted went.
func (r *replayer) inode(k key, data []byte) error {
	ino, err := decodeInode(k.object, data)
	if err != nil {
		return err
	}
	if ino.links == 0 {
		r.unlinked[k.object] = true
		return nil
	}
	if err := r.deleteXattrs(k.object); err != nil {
		return err
	}
	if ino.kind() == "directory" {
		if err := r.deleteNames(k.object); err != nil {
			return err
		}
	}
	if data, err = r.overwritten(k, data, ino); err != nil {
		return err
	}
	if err := r.set(k, data); err != nil {
		return err
	}
	r.recount[k.object] = true
	if ino.kind() != "file" {
		return nil
	}
	if ino, err = decodeInode(k.object, data); err != nil {
		return err
	}
	return r.truncate(ino)
}

// overwritten is what becomes of an inode. One of generation 0 was logged only so that it
// exists: of that, no more counts than a size.
func (r *replayer) overwritten(k key, logged []byte, ino *inode) ([]byte, error) {
	old, err := r.find(k)
	if errors.Is(err, errNotFound) {
		return logged, nil
	}
	if err != nil {
		return nil, err
	}
	before, err := decodeInode(k.object, old)
	if err != nil || le.Uint64(logged) != 0 {
		return logged, err
	}
	if before.kind() == "file" && ino.kind() == "file" && ino.size != 0 {
		old = slices.Clone(old)
		le.PutUint64(old[16:], uint64(ino.size))
	}
	return old, nil
}

// deleteXattrs deletes the attributes that the log does not have; it has all of an inode.
func (r *replayer) deleteXattrs(ino uint64) error {
	kept := map[key][]byte{}
	err := r.each(ino, kindXattr, func(k key, data []byte) error {
		entries, err := dirEntries(data)
		if err != nil {
			return err
		}
		kept[k] = nil
		for _, e := range entries {
			logged, err := r.log.entry(k, string(e.name))
			if err != nil {
				return err
			}
			if logged != nil {
				kept[k] = e.encode(kept[k])
			}
		}
		return nil
	})
	for k, data := range kept { // in any order: each is another item
		if err == nil {
			err = r.set(k, data)
		}
	}
	return err
}

// other replays attributes, names as inodes know them, and extents.
func (r *replayer) other(k key, data []byte) error {
	if r.unlinked[k.object] {
		return nil
	}
	switch k.kind {
	case kindXattr:
		return r.set(k, data)
	case kindInodeRef, kindInodeExtref:
		return r.named(k, data)
	case kindExtentData:
		return r.extents(k.object)
	}
	return nil
}
