package ext4

import (
	"fmt"
)

// A run is a piece of a file's content: blocks of the file from logical on lie in
// the device from physical on. Holes and unwritten extents have no run.
type run struct {
	logical, physical, length uint64
}

// A mapper collects the runs of one inode.
type mapper struct {
	fs   *FS
	ino  *inode
	seen map[uint64]bool
	runs []run
	// next is the first logical block that was not told of yet.
	next uint64
}

// runs returns where the content of an inode lies, in order. With an error it
// returns what came before.
func (fs *FS) runs(ino *inode) ([]run, error) {
	m := mapper{fs: fs, ino: ino, seen: map[uint64]bool{}}
	var err error
	if ino.flags&flagExtents != 0 {
		err = m.extents(ino.blockArea(), -1)
	} else {
		err = m.blockMap()
	}
	if err == nil {
		m.runs, err = fs.fast.runs(fs, ino, m.runs)
	}
	if err != nil {
		err = fmt.Errorf("inode %d: %w", ino.number, err)
	}
	return m.runs, err
}

// enter reads a block of the map. It refuses one that it was in before.
func (m *mapper) enter(block uint64) ([]byte, error) {
	if m.seen[block] {
		return nil, fmt.Errorf("block %d is in the map of blocks twice", block)
	}
	m.seen[block] = true
	if err := m.fs.claim(block, m.ino.number); err != nil {
		return nil, err
	}
	return m.fs.block(block)
}

// add appends a run and joins it to the last where both are one piece.
func (m *mapper) add(logical, physical, length uint64) error {
	if physical == 0 || physical >= m.fs.blocks || length > m.fs.blocks-physical {
		return fmt.Errorf("content at block %d, %d blocks long, is outside of the filesystem's %d blocks", physical, length, m.fs.blocks)
	}
	if n := len(m.runs) - 1; n >= 0 {
		last := &m.runs[n]
		if last.logical+last.length == logical && last.physical+last.length == physical {
			last.length += length
			return nil
		}
	}
	m.runs = append(m.runs, run{logical, physical, length})
	return nil
}

// The layout of an extent tree: ext4_extents.h.
const (
	extentMagic    = 0xf30a
	extentSize     = 12
	extentMaxDepth = 5
	extentMaxLen   = 32768 // a longer one is unwritten, and 32768 shorter
)

// extents reads a node of the extent tree, and those below. Depth is what the
// node above requires of it; the root's may be anything.
func (m *mapper) extents(node []byte, depth int) error {
	entries, max, own := int(le.Uint16(node[2:])), int(le.Uint16(node[4:])), int(le.Uint16(node[6:]))
	switch {
	case le.Uint16(node) != extentMagic:
		return fmt.Errorf("extent tree: a node starts with %#x", le.Uint16(node))
	case own > extentMaxDepth || depth >= 0 && own != depth:
		return fmt.Errorf("extent tree: a node is of depth %d", own)
	case entries > max || (max+1)*extentSize > len(node):
		return fmt.Errorf("extent tree: a node of %d bytes has %d of %d entries", len(node), entries, max)
	}
	for i := 1; i <= entries; i++ {
		e := node[i*extentSize : (i+1)*extentSize]
		var err error
		if own == 0 {
			err = m.leaf(e)
		} else {
			err = m.index(e, own-1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaf takes one extent.
func (m *mapper) leaf(e []byte) error {
	logical, length := uint64(le.Uint32(e)), uint64(le.Uint16(e[4:]))
	physical := uint64(le.Uint16(e[6:]))<<32 | uint64(le.Uint32(e[8:]))
	unwritten := length > extentMaxLen
	if unwritten {
		length -= extentMaxLen
	}
	if logical < m.next || length == 0 {
		return fmt.Errorf("extent tree: %d blocks from %d come after block %d", length, logical, m.next)
	}
	m.next = logical + length
	if unwritten {
		return nil
	}
	return m.add(logical, physical, length)
}

// index follows one entry to the node below.
func (m *mapper) index(e []byte, depth int) error {
	if first := uint64(le.Uint32(e)); first < m.next {
		return fmt.Errorf("extent tree: a node for block %d comes after block %d", first, m.next)
	}
	block := uint64(le.Uint16(e[8:]))<<32 | uint64(le.Uint32(e[4:]))
	node, err := m.enter(block)
	if err != nil {
		return fmt.Errorf("extent tree: %w", err)
	}
	if !m.nodeSound(node) {
		return fmt.Errorf("extent tree: the checksum of block %d does not match", block)
	}
	return m.extents(node, depth)
}

// nodeSound verifies et_checksum, which follows the last possible entry.
func (m *mapper) nodeSound(node []byte) bool {
	if m.fs.roCompat&roMetadataCsum == 0 {
		return true
	}
	tail := (int(le.Uint16(node[4:])) + 1) * extentSize
	if tail+4 > len(node) {
		return false
	}
	return crc32c(m.fs.inodeSeed(m.ino), node[:tail]) == le.Uint32(node[tail:])
}

// blockMap reads the map of ext2 and ext3: twelve blocks, then blocks of
// blocks up to three levels deep.
func (m *mapper) blockMap() error {
	area := m.ino.blockArea()
	if err := m.pointers(area[:12*4], 0); err != nil {
		return err
	}
	for level := 1; level <= 3; level++ {
		if err := m.pointers(area[(11+level)*4:(12+level)*4], level); err != nil {
			return err
		}
	}
	return nil
}

// pointers follows pointers to blocks of the given level; those of level 0 are content.
// It stops at the end of the file.
func (m *mapper) pointers(b []byte, level int) error {
	perBlock := uint64(m.fs.blockSize / 4)
	span := uint64(1)
	for range level {
		span *= perBlock
	}
	end := m.fs.blockCount(m.ino)
	for ; len(b) >= 4 && m.next < end; b = b[4:] {
		block := uint64(le.Uint32(b))
		var err error
		switch {
		case block == 0:
			m.next += span
		case level == 0:
			err = m.add(m.next, block, 1)
			m.next++
		default:
			var below []byte
			if below, err = m.enter(block); err == nil {
				err = m.pointers(below, level-1)
			}
		}
		if err != nil {
			return fmt.Errorf("map of blocks: %w", err)
		}
	}
	return nil
}

// blockCount is how many blocks the size of an inode takes.
func (fs *FS) blockCount(ino *inode) uint64 {
	return (uint64(ino.size) + uint64(fs.blockSize) - 1) / uint64(fs.blockSize)
}
