package qcow2

import (
	"fmt"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

// The fields of a table's entry.
const (
	offsetMask     = 0x00fffffffffffe00
	flagCompressed = 1 << 62
	flagZero       = 1 << 0
	subclusters    = 32
)

// The media that data lies in.
const (
	own   = 0
	below = 1
)

// table reads the L2 table of an entry of the L1 table; nil when there is none.
func (m *clusters) table(index int64) ([]byte, error) {
	offset := int64(m.l1[index] & offsetMask)
	if offset == 0 {
		return nil, nil
	}
	b, err := m.tables.Read(m.r, offset, int(m.clusterSize()))
	if err != nil {
		return nil, fmt.Errorf("qcow2 L2 table %d: %w", index, err)
	}
	return b, nil
}

// checkTables requires that every L2 table lies in the file, and that none is
// used twice: a small file could hold a disk of any size so.
func (m *clusters) checkTables() error {
	seen := map[uint64]bool{}
	for n, entry := range m.l1 {
		offset := entry & offsetMask
		switch {
		case offset == 0:
			continue
		case int64(offset)%m.clusterSize() != 0 || int64(offset) > m.length-m.clusterSize():
			return fmt.Errorf("qcow2 L2 table %d: it lies at byte %d, the file ends at byte %d: it is truncated or broken", n, offset, m.length)
		case seen[offset]:
			return fmt.Errorf("qcow2 L2 table %d: byte %d is another's table too", n, offset)
		}
		seen[offset] = true
	}
	return nil
}

// Find implements blockmap.Map: a piece ends with the cluster or its part.
func (m *clusters) Find(off int64) (blockmap.Piece, error) {
	cluster := off >> m.ClusterBits
	within := off & (m.clusterSize() - 1)
	index := cluster / m.l2Entries()
	table, err := m.table(index)
	if err != nil {
		return blockmap.Piece{}, err
	}
	if table == nil {
		return m.absent(off, (index+1)*m.l2Entries()<<m.ClusterBits-off), nil
	}
	left := m.clusterSize() - within
	e := table[cluster%m.l2Entries()*m.entrySize():]
	entry := be.Uint64(e)
	if entry&flagCompressed != 0 {
		place, _ := m.packedPlace(entry)
		return blockmap.Piece{Kind: blockmap.Packed, Offset: place, Within: within, Length: left}, nil
	}
	host := int64(entry & offsetMask)
	if host%m.clusterSize() != 0 {
		return blockmap.Piece{}, fmt.Errorf("qcow2 cluster %d: byte %d is not aligned", cluster, host)
	}
	switch {
	case m.extended():
		return m.findSub(be.Uint64(e[8:]), host, off)
	case entry&flagZero != 0 && m.Version >= 3:
		return blockmap.Piece{Length: left}, nil
	case host == 0:
		return m.absent(off, left), nil
	}
	return blockmap.Piece{Kind: blockmap.Data, Offset: host + within, Length: left}, nil
}

// absent is a piece that the image does not have: the backing file's, or zeros.
func (m *clusters) absent(off, length int64) blockmap.Piece {
	if off >= m.backing {
		return blockmap.Piece{Length: length}
	}
	return blockmap.Piece{Kind: blockmap.Data, Medium: below, Offset: off, Length: min(length, m.backing-off)}
}

// findSub looks up one of the 32 parts of a cluster: a bit in the low half says that
// it is allocated, one in the high half that it is zero.
func (m *clusters) findSub(bitmap uint64, host, off int64) (blockmap.Piece, error) {
	size := m.clusterSize() / subclusters
	within := off & (m.clusterSize() - 1)
	n := within / size
	left := size - within%size
	allocated, zeroed := bitmap>>n&1 != 0, bitmap>>(n+subclusters)&1 != 0
	switch {
	case allocated && zeroed:
		return blockmap.Piece{}, fmt.Errorf("qcow2 subcluster %d at byte %d is both data and zero", n, host)
	case zeroed:
		return blockmap.Piece{Length: left}, nil
	case !allocated:
		return m.absent(off, left), nil
	case host == 0:
		return blockmap.Piece{}, fmt.Errorf("qcow2 subcluster %d has data but no place", n)
	}
	return blockmap.Piece{Kind: blockmap.Data, Offset: host + within, Length: left}, nil
}
