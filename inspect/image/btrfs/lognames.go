package btrfs

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// deleteNames deletes the names of a directory which the log would have if they
// still were: it says for which ranges it has them all.
func (r *replayer) deleteNames(dir uint64) error {
	return r.log.each(dir, kindLogKey, func(k key, data []byte) error {
		if len(data) < 8 {
			return fmt.Errorf("directory %d: a range of names is cut off", dir)
		}
		return r.deleteRange(dir, k.offset, le.Uint64(data), r.log)
	})
}

// deleteRange deletes the names with numbers from first to last that are not in the tree kept;
// nil keeps none.
func (r *replayer) deleteRange(dir, first, last uint64, kept *tree) error {
	type name struct {
		name string
		ino  uint64
	}
	var gone []name
	err := r.scan(key{dir, kindDirIndex, first}, func(k key, data []byte) error {
		if k.object != dir || k.kind != kindDirIndex || k.offset > last {
			return errStop
		}
		entries, err := dirEntries(data)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if kept != nil {
				logged, err := kept.entry(k, string(e.name))
				if err != nil || logged != nil {
					return err
				}
			}
			if e.location.kind == kindInode {
				gone = append(gone, name{string(e.name), e.location.object})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, n := range gone {
		r.recount[n.ino] = true
		if err := r.unlink(dir, n.ino, n.name); err != nil {
			return err
		}
	}
	return nil
}

// unlink takes a name out of the three places where it is.
func (r *replayer) unlink(dir, ino uint64, name string) error {
	k, refs, i, err := r.ref(ino, dir, name)
	if err != nil {
		return err
	}
	if i < 0 {
		return fmt.Errorf("the name %q of directory %d is not that of inode %d", name, dir, ino)
	}
	index := refs[i].index
	if err := r.set(k, encodeRefs(k.kind, slices.Delete(refs, i, i+1))); err != nil {
		return err
	}
	if err := r.removeEntry(key{dir, kindDirIndex, index}, name); err != nil {
		return err
	}
	return r.removeEntry(key{dir, kindDirItem, nameHash([]byte(name))}, name)
}

func (r *replayer) removeEntry(k key, name string) error {
	entries, err := r.entries(k)
	if err != nil {
		return err
	}
	var left []byte
	for i := range entries {
		if string(entries[i].name) != name {
			left = entries[i].encode(left)
		}
	}
	return r.set(k, left)
}

// link puts a name in the three places.
func (r *replayer) link(dir, ino, index uint64, name string) error {
	data, err := r.find(key{ino, kindInode, 0})
	if err != nil {
		return err
	}
	inode, err := decodeInode(ino, data)
	if err != nil {
		return err
	}
	e := dirEntry{location: key{ino, kindInode, 0}, kind: entryKind(inode), name: []byte(name)}
	hash := key{dir, kindDirItem, nameHash([]byte(name))}
	others, err := r.find(hash)
	if err != nil && !errors.Is(err, errNotFound) {
		return err
	}
	k := refKeys(ino, dir, name)[0]
	refs, err := r.refs(k)
	if err != nil {
		return err
	}
	refs = append(refs, nameRef{dir, index, name})
	for _, item := range []struct {
		key
		data []byte
	}{
		{hash, e.encode(slices.Clone(others))},
		{key{dir, kindDirIndex, index}, e.encode(nil)},
		{k, encodeRefs(k.kind, refs)},
	} {
		if err := r.set(item.key, item.data); err != nil {
			return err
		}
	}
	return nil
}

// entryKind is the type of an inode as a directory has it.
func entryKind(ino *inode) byte {
	for kind := byte(1); kind < 8; kind++ {
		if fsys.TypeOfName(kind) == ino.kind() {
			return kind
		}
	}
	return 0
}

// listed replays what a directory lists. A name whose inode is nowhere was not synced, and is
// left out; one that its inode knows too comes with that.
func (r *replayer) listed(k key, data []byte) error {
	if ok, err := r.exists(k.object); err != nil || !ok {
		return errors.Join(err, fmt.Errorf("the log lists names of the missing directory %d", k.object))
	}
	entries, err := dirEntries(data)
	if err != nil {
		return err
	}
	for i := range entries {
		e := &entries[i]
		if e.location.kind != kindInode {
			continue
		}
		if err := r.listedName(k, e); err != nil {
			return err
		}
	}
	return nil
}

func (r *replayer) listedName(k key, e *dirEntry) error {
	dir, name, ino := k.object, string(e.name), e.location.object
	exists, err := r.exists(ino)
	if err != nil {
		return err
	}
	matches := 0
	for _, at := range []key{{dir, kindDirItem, nameHash(e.name)}, k} {
		old, err := r.entry(at, name)
		switch {
		case err != nil:
			return err
		case old == nil:
		case old.location == e.location && old.kind == e.kind:
			matches++
		case exists:
			if err := r.drop(dir, old); err != nil {
				return err
			}
		}
	}
	if matches == 2 || !exists {
		return nil
	}
	_, _, known, err := r.log.ref(ino, dir, name)
	if err != nil || known >= 0 {
		return err
	}
	if old, err := r.entry(key{dir, kindDirItem, nameHash(e.name)}, name); err != nil || old != nil {
		return err
	}
	r.recount[ino] = true
	return r.link(dir, ino, k.offset, name)
}

// drop unlinks what a name leads to, in favour of what the log says.
func (r *replayer) drop(dir uint64, e *dirEntry) error {
	if e.location.kind != kindInode {
		return fmt.Errorf("the name %q of directory %d is a subvolume's, the log says a file's", e.name, dir)
	}
	r.recount[e.location.object] = true
	return r.unlink(dir, e.location.object, string(e.name))
}

// named replays the names of one item as its inode knows them. Those that the
// subvolume has beyond them are gone.
func (r *replayer) named(k key, data []byte) error {
	if k.object == k.offset && k.kind == kindInodeRef {
		return nil // the root is its own parent
	}
	logged, err := decodeRefs(k, data)
	if err != nil {
		return err
	}
	if ok, err := r.exists(k.object); err != nil || !ok {
		return errors.Join(err, fmt.Errorf("the log names the missing inode %d", k.object))
	}
	var kept []nameRef
	for _, ref := range logged {
		ok, err := r.exists(ref.parent)
		if err != nil {
			return err
		}
		if !ok {
			continue // the directory was not synced
		}
		kept = append(kept, ref)
		if err := r.place(k, logged, ref); err != nil {
			return err
		}
	}
	if len(kept) == 0 {
		return nil
	}
	if err := r.unlinkOthers(k, logged); err != nil {
		return err
	}
	return r.set(k, encodeRefs(k.kind, kept))
}

// unlinkOthers takes the names of an item away that the log has not.
func (r *replayer) unlinkOthers(k key, logged []nameRef) error {
	have, err := r.refs(k)
	if err != nil {
		return err
	}
	for _, ref := range have {
		if indexOf(logged, ref.parent, ref.name) >= 0 {
			continue
		}
		if err := r.unlink(ref.parent, k.object, ref.name); err != nil {
			return err
		}
	}
	return nil
}

// place puts one name where it belongs, unless it is there.
func (r *replayer) place(k key, logged []nameRef, ref nameRef) error {
	index, hash := key{ref.parent, kindDirIndex, ref.index}, key{ref.parent, kindDirItem, nameHash([]byte(ref.name))}
	inPlace := 0
	for _, at := range []key{index, hash} {
		old, err := r.entry(at, ref.name)
		if err != nil {
			return err
		}
		if old != nil && old.location == (key{k.object, kindInode, 0}) {
			inPlace++
		}
	}
	if inPlace == 2 {
		return nil
	}
	if err := r.unlinkOthers(k, logged); err != nil {
		return err
	}
	for _, at := range []key{index, hash} {
		old, err := r.entry(at, ref.name)
		if err == nil && old != nil {
			err = r.drop(ref.parent, old)
		}
		if err != nil {
			return err
		}
	}
	return r.link(ref.parent, k.object, ref.index, ref.name)
}

// countNames sets the number of names of every inode that was touched. A directory without
// one is emptied, which touches others: the highest number goes first, as
// for the kernel.
func (r *replayer) countNames() error {
	for len(r.recount) > 0 {
		for _, ino := range slices.Backward(slices.Sorted(maps.Keys(r.recount))) {
			delete(r.recount, ino)
			if err := r.countInode(ino); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *replayer) countInode(number uint64) error {
	k := key{number, kindInode, 0}
	data, err := r.find(k)
	if err != nil {
		return err
	}
	ino, err := decodeInode(number, data)
	if err != nil {
		return err
	}
	links := uint32(0)
	for _, kind := range []byte{kindInodeRef, kindInodeExtref} {
		err := r.each(number, kind, func(k key, data []byte) error {
			refs, err := decodeRefs(k, data)
			links += uint32(len(refs))
			return err
		})
		if err != nil {
			return err
		}
	}
	if links == 0 && ino.kind() == "directory" {
		if err := r.deleteRange(number, 0, ^uint64(0), nil); err != nil {
			return err
		}
	}
	if links == ino.links {
		return nil
	}
	data = slices.Clone(data)
	le.PutUint32(data[40:], links)
	return r.set(k, data)
}
