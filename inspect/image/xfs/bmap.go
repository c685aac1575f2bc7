package xfs

import (
	"errors"
	"fmt"
	"sort"
)

// A run is a piece of a fork's content: blocks of the fork from logical on lie
// in the device from physical on. Holes and unwritten extents have no run.
type run struct {
	logical, physical, length uint64
}

// A mapping is the runs of a fork, in order.
type mapping []run

// The layout of a tree of extents: struct xfs_bmdr_block in the inode, struct
// xfs_btree_block (long form) outside.
const (
	treeMagicV4  = 0x424d4150 // BMAP
	treeMagicV5  = 0x424d4133 // BMA3
	treeHeaderV4 = 24
	treeHeaderV5 = 72
	rootHeader   = 4
	recordSize   = 16
	pointerPair  = 16 // a key and a pointer
	// maxLevel is more than XFS_BTREE_MAXLEVELS, for the tests' sake of none.
	maxLevel = 12
)

// A mapper collects the runs of one fork.
type mapper struct {
	fs   *FS
	ino  *inode
	seen map[uint64]bool
	runs mapping
	// next is the first logical block that was not told of yet.
	next   uint64
	found  uint64 // extents
	mapped uint64 // blocks
}

// mapping returns where the content of a fork lies, in order. With an error it
// returns what came before.
func (fs *FS) mapping(ino *inode, f fork) (mapping, error) {
	m := mapper{fs: fs, ino: ino}
	var err error
	switch f.form {
	case formExtents:
		err = m.list(f)
	case formTree:
		err = m.root(f.area)
	default:
		err = fmt.Errorf("form %d has no extents", f.form)
	}
	if err == nil && m.found != f.extents {
		err = fmt.Errorf("%d extents where the inode claims %d", m.found, f.extents)
	}
	if err != nil {
		err = fmt.Errorf("inode %d: %w", ino.number, err)
	}
	return m.runs, err
}

// list reads the extents that lie in the inode.
func (m *mapper) list(f fork) error {
	if f.extents > uint64(len(f.area)/recordSize) {
		return fmt.Errorf("%d extents do not fit into the inode", f.extents)
	}
	return m.records(f.area[:f.extents*recordSize])
}

// records takes the extents in b: struct xfs_bmbt_rec, 128 bits with a flag, 54
// bits of logical block, 52 of filesystem block, 21 of length.
func (m *mapper) records(b []byte) error {
	for ; len(b) >= recordSize; b = b[recordSize:] {
		hi, lo := be.Uint64(b), be.Uint64(b[8:])
		logical := hi &^ (1 << 63) >> 9
		block, length := hi&0x1ff<<43|lo>>21, lo&(1<<21-1)
		if err := m.extent(logical, block, length, hi>>63 != 0); err != nil {
			return err
		}
	}
	return nil
}

func (m *mapper) extent(logical, block, length uint64, unwritten bool) error {
	if logical < m.next || length == 0 {
		return fmt.Errorf("an extent of %d blocks from %d comes after block %d", length, logical, m.next)
	}
	if logical+length > 1<<63/uint64(m.fs.blockSize) {
		return fmt.Errorf("an extent ends at block %d, where no file has content", logical+length)
	}
	physical, err := m.fs.linear(block, length)
	if err != nil {
		return fmt.Errorf("an extent: %w", err)
	}
	m.next = logical + length
	m.found++
	// Only shared blocks can make a file longer than the device.
	if m.mapped += length; m.mapped > m.fs.blocks && m.ino.flags2&flag2Reflink == 0 {
		return fmt.Errorf("it has more content than the filesystem's %d blocks", m.fs.blocks)
	}
	if !unwritten {
		m.add(run{logical, physical, length})
	}
	return nil
}

// add appends a run and joins it to the last where both are one piece.
func (m *mapper) add(r run) {
	if n := len(m.runs) - 1; n >= 0 {
		last := &m.runs[n]
		if last.logical+last.length == r.logical && last.physical+last.length == r.physical {
			last.length += r.length
			return
		}
	}
	m.runs = append(m.runs, r)
}

// root reads the root of a tree, which lies in the inode and has no header but
// the level and the number of its pointers.
func (m *mapper) root(b []byte) error {
	if len(b) < rootHeader {
		return errors.New("tree of extents: there is no room for its root")
	}
	level, count := int(be.Uint16(b)), int(be.Uint16(b[2:]))
	if level == 0 || level > maxLevel {
		return fmt.Errorf("tree of extents: its root is of level %d", level)
	}
	m.seen = map[uint64]bool{}
	return m.pointers(b[rootHeader:], count, level-1)
}

// pointers follows the count pointers in b, which come after room for as many
// keys as pointers, to nodes of the given level.
func (m *mapper) pointers(b []byte, count, level int) error {
	most := len(b) / pointerPair
	if count == 0 || count > most {
		return fmt.Errorf("tree of extents: a node has %d of %d pointers", count, most)
	}
	for i := range count {
		if err := m.node(be.Uint64(b[(most+i)*8:]), level); err != nil {
			return err
		}
	}
	return nil
}

// node reads a block of the tree, and those below.
func (m *mapper) node(fsb uint64, level int) error {
	block, err := m.fs.linear(fsb, 1)
	if err != nil {
		return fmt.Errorf("tree of extents: %w", err)
	}
	b, err := m.enter(block)
	if err != nil {
		return fmt.Errorf("tree of extents: %w", err)
	}
	magic, head := uint32(treeMagicV4), treeHeaderV4
	if m.fs.checksummed() {
		magic, head = treeMagicV5, treeHeaderV5
	}
	own, count := int(be.Uint16(b[4:])), int(be.Uint16(b[6:]))
	switch {
	case be.Uint32(b) != magic:
		return fmt.Errorf("tree of extents: block %d starts with %#x", block, be.Uint32(b))
	case own != level:
		return fmt.Errorf("tree of extents: block %d is of level %d, not %d", block, own, level)
	case level > 0:
		return m.pointers(b[head:], count, level-1)
	case count > (len(b)-head)/recordSize:
		return fmt.Errorf("tree of extents: block %d has %d extents", block, count)
	}
	return m.records(b[head : head+count*recordSize])
}

// enter reads a block of the map. It refuses one that it was in before.
func (m *mapper) enter(block uint64) ([]byte, error) {
	if m.seen[block] {
		return nil, fmt.Errorf("block %d is in it twice", block)
	}
	m.seen[block] = true
	if err := m.fs.claim(block, m.ino.number); err != nil {
		return nil, err
	}
	b, err := m.fs.block(block)
	if err != nil {
		return nil, err
	}
	if err := m.fs.verify(mapBlock, b, int64(block)*m.fs.blockSize, m.ino.number); err != nil {
		return nil, fmt.Errorf("block %d: %w", block, err)
	}
	return b, nil
}

// mapped is where n blocks from logical on lie, block by block; nil when there is a
// hole among them.
func (m mapping) mapped(logical, n uint64) []uint64 {
	i := sort.Search(len(m), func(i int) bool { return m[i].logical+m[i].length > logical })
	out := make([]uint64, 0, n)
	for ; i < len(m) && uint64(len(out)) < n; i++ {
		r := m[i]
		if r.logical > logical {
			return nil
		}
		for ; logical < r.logical+r.length && uint64(len(out)) < n; logical++ {
			out = append(out, r.physical+logical-r.logical)
		}
	}
	if uint64(len(out)) < n {
		return nil
	}
	return out
}
