package btrfs

import (
	"cmp"
	"fmt"
)

const keySize = 17

// The kinds of items that are read: uapi/linux/btrfs_tree.h.
const (
	kindInode       = 1
	kindInodeRef    = 12
	kindInodeExtref = 13
	kindXattr       = 24
	kindDirItem     = 84
	kindDirIndex    = 96
	kindExtentData  = 108
	kindExtentSum   = 128
	kindRoot        = 132
	kindRootBackref = 144
	kindRootRef     = 156
)

// The trees and objects with a fixed number.
const (
	topLevelTree = 5
	rootDir      = 6 // in the tree of roots
	sumTree      = 7
	firstFree    = 256 // the first subvolume, the root of each
	lastFree     = ^uint64(255)
	sumObject    = ^uint64(9)
)

// A key is the place of an item in a tree: struct btrfs_key.
type key struct {
	object uint64
	kind   byte
	offset uint64
}

func decodeKey(b []byte) key {
	return key{le.Uint64(b), b[8], le.Uint64(b[9:])}
}

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.object, o.object), cmp.Compare(k.kind, o.kind), cmp.Compare(k.offset, o.offset))
}

func (k key) less(o key) bool { return k.compare(o) < 0 }

func (k key) String() string { return fmt.Sprintf("(%d %d %d)", int64(k.object), k.kind, k.offset) }

// lastKey is after every key that an item may have.
func lastKey() key { return key{^uint64(0), ^byte(0), ^uint64(0)} }
