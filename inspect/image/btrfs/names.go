package btrfs

import (
	"errors"
	"fmt"
	"hash/crc32"
)

// A nameRef is the name of an inode as that knows it: struct btrfs_inode_ref,
// struct btrfs_inode_extref.
type nameRef struct {
	parent uint64
	index  uint64
	name   string
}

// The sizes of the structures without the name.
const (
	refSize    = 10
	extrefSize = 18
)

// decodeRefs reads the names of one item; with an error, those before it.
func decodeRefs(k key, b []byte) ([]nameRef, error) {
	var out []nameRef
	for len(b) > 0 {
		r, size := nameRef{parent: k.offset}, refSize
		if k.kind == kindInodeExtref {
			size = extrefSize
		}
		if len(b) < size {
			return out, fmt.Errorf("inode %d: a name is cut off", k.object)
		}
		if k.kind == kindInodeExtref {
			r.parent = le.Uint64(b)
		}
		r.index = le.Uint64(b[size-refSize:])
		end := size + int(le.Uint16(b[size-2:]))
		if end > len(b) {
			return out, fmt.Errorf("inode %d: a name is cut off", k.object)
		}
		r.name = string(b[size:end])
		out = append(out, r)
		b = b[end:]
	}
	return out, nil
}

// encodeRefs is the item for names; nil for none.
func encodeRefs(kind byte, refs []nameRef) []byte {
	var out []byte
	for _, r := range refs {
		if kind == kindInodeExtref {
			out = le.AppendUint64(out, r.parent)
		}
		out = le.AppendUint64(out, r.index)
		out = le.AppendUint16(out, uint16(len(r.name)))
		out = append(out, r.name...)
	}
	return out
}

// refKeys are where the name of an inode in a directory may be: with the directory's other
// names, or, where these have no room, by its hash.
func refKeys(ino, dir uint64, name string) [2]key {
	hash := uint64(^crc32.Update(^uint32(dir), castagnoli, []byte(name)))
	return [2]key{{ino, kindInodeRef, dir}, {ino, kindInodeExtref, hash}}
}

// ref finds the item that holds a name of an inode, all names in that, and which it is; -1
// for none.
func (t *tree) ref(ino, dir uint64, name string) (k key, refs []nameRef, which int, err error) {
	for _, k := range refKeys(ino, dir, name) {
		refs, err := t.refs(k)
		if err != nil {
			return k, nil, -1, err
		}
		if i := indexOf(refs, dir, name); i >= 0 {
			return k, refs, i, nil
		}
	}
	return key{}, nil, -1, nil
}

// refs reads the names of an item that may be missing.
func (t *tree) refs(k key) ([]nameRef, error) {
	data, err := t.find(k)
	if errors.Is(err, errNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeRefs(k, data)
}

func indexOf(refs []nameRef, dir uint64, name string) int {
	for i, r := range refs {
		if r.parent == dir && r.name == name {
			return i
		}
	}
	return -1
}

// entries reads the names, or attributes, of an item that may be missing.
func (t *tree) entries(k key) ([]dirEntry, error) {
	data, err := t.find(k)
	if errors.Is(err, errNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return dirEntries(data)
}

// entry finds a name or an attribute in an item that may be missing; nil for none.
func (t *tree) entry(k key, name string) (*dirEntry, error) {
	entries, err := t.entries(k)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		if string(entries[i].name) == name {
			return &entries[i], nil
		}
	}
	return nil, nil
}

// encode appends the entry to an item.
func (e *dirEntry) encode(b []byte) []byte {
	b = le.AppendUint64(b, e.location.object)
	b = append(b, e.location.kind)
	b = le.AppendUint64(b, e.location.offset)
	b = le.AppendUint64(b, 0) // the transaction
	b = le.AppendUint16(b, uint16(len(e.data)))
	b = le.AppendUint16(b, uint16(len(e.name)))
	b = append(b, e.kind)
	b = append(b, e.name...)
	return append(b, e.data...)
}
