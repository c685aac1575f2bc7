package xfs

import (
	"errors"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// attrs are decoded attributes by their full names.
type attrs = map[string]report.Raw

// The flags of an attribute: xfs_da_format.h.
const (
	attrLocal      = 0x1
	attrRoot       = 0x2
	attrSecure     = 0x4
	attrParent     = 0x8
	attrIncomplete = 0x80

	// attrMaxValue is XFS_XATTR_SIZE_MAX.
	attrMaxValue = 64 << 10
)

// The layout of leaves and of the nodes above them.
const (
	leafMagicV4   = 0xfbee
	leafMagicV5   = 0x3bee
	nodeMagicV4   = 0xfebe
	nodeMagicV5   = 0x3ebe
	leafHeaderV4  = 32
	leafHeaderV5  = 80
	indexHeaderV4 = 16
	indexHeaderV5 = 64
	infoV4        = 12 // struct xfs_da_blkinfo; counts follow it
	infoV5        = 56
	leafEntry     = 8
	maxDepth      = 5 // XFS_DA_NODE_MAXDEPTH
)

// An attrReader collects the attributes of one inode.
type attrReader struct {
	fsys.Faults
	fs   *FS
	ino  *inode
	fork mapping
	seen map[uint64]bool
	out  attrs
}

// attributes reads all attributes of an inode. With an error it returns what
// could be read.
func (fs *FS) attributes(ino *inode) (attrs, error) {
	if ino.attr.area == nil {
		return nil, nil
	}
	a := attrReader{fs: fs, ino: ino, out: attrs{}}
	switch form := ino.attr.form; form {
	case formLocal:
		a.short(ino.attr.area)
	case formExtents, formTree:
		if form == formExtents && ino.attr.extents == 0 {
			return nil, nil
		}
		a.leaves()
	default:
		a.Fault(fmt.Errorf("form %d is impossible", form))
	}
	if err := a.Err(); err != nil {
		return a.out, fmt.Errorf("inode %d: attributes: %w", ino.number, err)
	}
	return a.out, nil
}

// short reads attributes within the inode: struct xfs_attr_sf_hdr.
func (a *attrReader) short(b []byte) {
	if len(b) < 4 || int(be.Uint16(b)) > len(b) {
		a.Fault(errors.New("they do not fit into the inode"))
		return
	}
	count := int(b[2])
	b = b[4:max(4, int(be.Uint16(b)))]
	for i := range count {
		if len(b) < 3 || len(b) < 3+int(b[0])+int(b[1]) {
			a.Fault(fmt.Errorf("attribute %d of %d is cut off", i+1, count))
			return
		}
		end := 3 + int(b[0])
		a.add(b[2], string(b[3:end]), b[end:end+int(b[1])], nil)
		b = b[end+int(b[1]):]
	}
}

// leaves reads the leaves from the first to the last. A value in a block of its
// own may look like a leaf: only the tree tells them apart.
func (a *attrReader) leaves() {
	a.seen = map[uint64]bool{}
	fork, err := a.fs.mapping(a.ino, a.ino.attr)
	if err != nil {
		a.Fault(err)
		return
	}
	a.fork = fork
	next, err := a.firstLeaf()
	for err == nil {
		var b []byte
		if b, err = a.block(next); err != nil {
			break
		}
		if err = a.leaf(b); err != nil {
			break
		}
		if next = uint64(be.Uint32(b)); next == 0 { // info.forw
			return
		}
	}
	a.Fault(err)
}

// firstLeaf goes down the tree from block 0 on its left side.
func (a *attrReader) firstLeaf() (uint64, error) {
	at, above := uint64(0), 0
	for range maxDepth + 1 {
		b, err := a.block(at)
		if err != nil {
			return 0, err
		}
		magic, info, start := uint16(nodeMagicV4), infoV4, indexHeaderV4
		if a.fs.checksummed() {
			magic, info, start = nodeMagicV5, infoV5, indexHeaderV5
		}
		if be.Uint16(b[8:]) != magic {
			clear(a.seen) // the leaf is read again, as the first
			return at, nil
		}
		count, level := int(be.Uint16(b[info:])), int(be.Uint16(b[info+2:]))
		if count == 0 || count > (len(b)-start)/8 || level == 0 || above != 0 && level != above-1 {
			return 0, fmt.Errorf("block %d: a node of level %d has %d entries", at, level, count)
		}
		at, above = uint64(be.Uint32(b[start+4:])), level
	}
	return 0, fmt.Errorf("the tree is deeper than %d nodes", maxDepth)
}

// block reads a block of the tree of attributes.
func (a *attrReader) block(logical uint64) ([]byte, error) {
	b, off, err := a.raw(logical)
	if err != nil {
		return nil, err
	}
	if err := a.fs.verify(indexBlock, b, off, a.ino.number); err != nil {
		return nil, fmt.Errorf("block %d: %w", logical, err)
	}
	return b, nil
}

// raw reads a block of the attribute fork that was not read before, and tells
// where it lies.
func (a *attrReader) raw(logical uint64) ([]byte, int64, error) {
	at := a.fork.mapped(logical, 1)
	if at == nil {
		return nil, 0, fmt.Errorf("block %d is a hole", logical)
	}
	if a.seen[at[0]] {
		return nil, 0, fmt.Errorf("block %d is used twice", logical)
	}
	a.seen[at[0]] = true
	if err := a.fs.claim(at[0], a.ino.number); err != nil {
		return nil, 0, err
	}
	b, err := a.fs.block(at[0])
	return b, int64(at[0]) * a.fs.blockSize, err
}

// leaf reads the entries of a leaf: struct xfs_attr_leafblock.
func (a *attrReader) leaf(b []byte) error {
	magic, info, start := uint16(leafMagicV4), infoV4, leafHeaderV4
	if a.fs.checksummed() {
		magic, info, start = leafMagicV5, infoV5, leafHeaderV5
	}
	if be.Uint16(b[8:]) != magic {
		return fmt.Errorf("a leaf starts with %#x", be.Uint16(b[8:]))
	}
	count := int(be.Uint16(b[info:]))
	if count > (len(b)-start)/leafEntry {
		return fmt.Errorf("a leaf has %d entries", count)
	}
	for i := range count {
		e := b[start+i*leafEntry:]
		if err := a.entry(b, int(be.Uint16(e[4:])), e[6]); err != nil {
			return err
		}
	}
	return nil
}

// entry reads one name at byte at of a leaf, and its value: struct
// xfs_attr_leaf_name_local, or xfs_attr_leaf_name_remote.
func (a *attrReader) entry(leaf []byte, at int, flags byte) error {
	cut := fmt.Errorf("an entry at byte %d is cut off", at)
	b := leaf[min(at, len(leaf)):]
	if flags&attrLocal != 0 {
		if len(b) < 3 {
			return cut
		}
		value, name := int(be.Uint16(b)), int(b[2])
		if len(b) < 3+name+value {
			return cut
		}
		a.add(flags, string(b[3:3+name]), b[3+name:3+name+value], nil)
		return nil
	}
	if len(b) < 9 || len(b) < 9+int(b[8]) {
		return cut
	}
	block, size := uint64(be.Uint32(b)), int64(be.Uint32(b[4:]))
	a.add(flags, string(b[9:9+int(b[8])]), nil, func() ([]byte, error) { return a.remote(block, size) })
	return nil
}

// add records one attribute under the name, or the two names, that the kernel
// shows for it. Far reads a value that is not at hand.
func (a *attrReader) add(flags byte, name string, value []byte, far func() ([]byte, error)) {
	var prefix string
	switch space := flags & (attrRoot | attrSecure | attrParent); space {
	case 0:
		prefix = "user."
	case attrRoot:
		prefix = "trusted."
	case attrSecure:
		prefix = "security."
	case attrParent:
		return // a parent pointer: the kernel keeps these for itself
	default:
		a.Fault(fmt.Errorf("attribute %q: namespaces %#x are impossible", name, space))
		return
	}
	if flags&attrIncomplete != 0 {
		return // it is being written or removed: the kernel does not show it
	}
	if far != nil {
		var err error
		if value, err = far(); err != nil {
			a.Fault(fmt.Errorf("attribute %q: %w", name, err))
			return
		}
	}
	a.out[prefix+name] = report.Raw(value)
	if err := a.acl(prefix+name, value); err != nil {
		a.Fault(fmt.Errorf("attribute %q: %w", name, err))
	}
}

// remote reads a value in blocks of its own. In version 5 each has a header.
func (a *attrReader) remote(block uint64, size int64) ([]byte, error) {
	if size > attrMaxValue {
		return nil, fmt.Errorf("%d bytes are more than %d", size, attrMaxValue)
	}
	var out []byte
	for ; int64(len(out)) < size; block++ {
		b, off, err := a.raw(block)
		if err != nil {
			return nil, err
		}
		if a.fs.checksummed() {
			if b, err = a.fs.remote(attrMagicRemote, b, off, a.ino.number, len(out)); err != nil {
				return nil, fmt.Errorf("block %d: %w", block, err)
			}
		}
		out = append(out, b[:min(int64(len(b)), size-int64(len(out)))]...)
	}
	return out, nil
}

// The header of a block with a piece of a value or of a symlink's target.
const (
	attrMagicRemote = 0x5841524d // XARM
	linkMagicRemote = 0x58534c4d // XSLM
	remoteHeader    = 56
)

// remote takes the piece of a value or target that starts at byte start out of a
// block: struct xfs_attr3_rmt_hdr, struct xfs_dsymlink_hdr.
func (fs *FS) remote(magic uint32, b []byte, off int64, ino uint64, start int) ([]byte, error) {
	if be.Uint32(b) != magic {
		return nil, fmt.Errorf("it starts with %#x", be.Uint32(b))
	}
	if err := fs.verify(remoteBlock, b, off, ino); err != nil {
		return nil, err
	}
	at, size := uint64(be.Uint32(b[4:])), uint64(be.Uint32(b[8:]))
	if at != uint64(start) || size == 0 || size > uint64(len(b)-remoteHeader) {
		return nil, fmt.Errorf("it holds %d bytes from byte %d, not from byte %d", size, at, start)
	}
	return b[remoteHeader : remoteHeader+size], nil
}
