package qcow2

import (
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// The fields of a table's entry.
const (
	offsetMask     = 0x00fffffffffffe00
	flagCompressed = 1 << 62
	flagZero       = 1 << 0
	subclusters    = 32
)

// maxTables bounds how many L2 tables are kept in memory: 64 MiB at most for
// the usual clusters of 64 KiB.
const maxTables = 1024

// A piece is where a run of the guest's bytes within one cluster comes from.
type piece struct {
	kind   pieceKind
	offset int64  // in the file, for data
	packed uint64 // the entry of a compressed cluster
}

type pieceKind byte

const (
	absent pieceKind = iota // the backing file's, or zeros
	zero
	data
	compressed
)

// table reads the L2 table of an entry of the L1 table; nil when there is none.
func (i *Image) table(index int64) ([]byte, error) {
	offset := int64(i.l1[index] & offsetMask)
	if offset == 0 {
		return nil, nil
	}
	i.mu.Lock()
	b, ok := i.l2[offset]
	i.mu.Unlock()
	if ok {
		return b, nil
	}
	if offset%i.clusterSize() != 0 || offset > i.length-i.clusterSize() {
		return nil, fmt.Errorf("qcow2 L2 table %d: it lies at byte %d, the file ends at byte %d: it is truncated or broken", index, offset, i.length)
	}
	b = make([]byte, i.clusterSize())
	if n, err := i.r.ReadAt(b, offset); n < len(b) {
		return nil, fmt.Errorf("qcow2 L2 table %d: %w", index, short(err))
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.l2) >= maxTables {
		clear(i.l2)
	}
	i.l2[offset] = b
	return b, nil
}

// find tells where the guest's byte at off comes from, and for how many bytes
// that holds; these end with the cluster or its part.
func (i *Image) find(off int64) (piece, int64, error) {
	cluster := off >> i.ClusterBits
	within := off & (i.clusterSize() - 1)
	table, err := i.table(cluster / i.l2Entries())
	if err != nil {
		return piece{}, 0, err
	}
	if table == nil {
		return piece{}, i.clusterSize() - within, nil
	}
	e := table[cluster%i.l2Entries()*i.entrySize():]
	entry := be.Uint64(e)
	if entry&flagCompressed != 0 {
		return piece{kind: compressed, packed: entry}, i.clusterSize() - within, nil
	}
	host := int64(entry & offsetMask)
	if host%i.clusterSize() != 0 {
		return piece{}, 0, fmt.Errorf("qcow2 cluster %d: byte %d is not aligned", cluster, host)
	}
	if i.extended() {
		return i.findSub(be.Uint64(e[8:]), host, within)
	}
	left := i.clusterSize() - within
	switch {
	case entry&flagZero != 0 && i.Version >= 3:
		return piece{kind: zero}, left, nil
	case host == 0:
		return piece{}, left, nil
	}
	return piece{kind: data, offset: host + within}, left, nil
}

// findSub looks up one of the 32 parts of a cluster: a bit in the low half says that
// it is allocated, one in the high half that it is zero.
func (i *Image) findSub(bitmap uint64, host, within int64) (piece, int64, error) {
	size := i.clusterSize() / subclusters
	n := within / size
	left := size - within%size
	allocated, zeroed := bitmap>>n&1 != 0, bitmap>>(n+subclusters)&1 != 0
	switch {
	case allocated && zeroed:
		return piece{}, 0, fmt.Errorf("qcow2 subcluster %d at byte %d is both data and zero", n, host)
	case zeroed:
		return piece{kind: zero}, left, nil
	case !allocated:
		return piece{}, left, nil
	case host == 0:
		return piece{}, 0, fmt.Errorf("qcow2 subcluster %d has data but no place", n)
	}
	return piece{kind: data, offset: host + within}, left, nil
}

// Extents implements fsys.Device: what is in the image, and what the backing
// file has where the image has nothing.
func (i *Image) Extents() ([]fsys.Extent, error) {
	below, err := i.backingExtents()
	if err != nil {
		return nil, err
	}
	seen := map[uint64]bool{}
	var out []fsys.Extent
	span := i.l2Entries() << i.ClusterBits
	for n, entry := range i.l1 {
		start := int64(n) * span
		end := min(start+span, i.Header.Size)
		table := entry & offsetMask
		switch {
		case table == 0:
			below = inherit(&out, below, start, end)
			continue
		case seen[table]:
			return nil, fmt.Errorf("qcow2 L2 table %d: byte %d is another's table too", n, table)
		}
		seen[table] = true
		for at := start; at < end; {
			p, length, err := i.find(at)
			if err != nil {
				return nil, err
			}
			length = min(length, end-at)
			switch p.kind {
			case absent:
				below = inherit(&out, below, at, at+length)
			case data:
				appendExtent(&out, fsys.Extent{Offset: at, Length: length, Physical: p.offset})
			case compressed:
				appendExtent(&out, fsys.Extent{Offset: at, Length: length, Physical: -1})
			}
			at += length
		}
	}
	return out, nil
}

func (i *Image) backingExtents() ([]fsys.Extent, error) {
	if i.backing == nil {
		return nil, nil
	}
	return i.backing.Extents()
}

// inherit appends what the backing file holds between start and end, and
// returns what it holds from there on.
func inherit(out *[]fsys.Extent, below []fsys.Extent, start, end int64) []fsys.Extent {
	for len(below) > 0 && below[0].Offset < end {
		from, to := max(below[0].Offset, start), min(below[0].Offset+below[0].Length, end)
		if from < to {
			appendExtent(out, fsys.Extent{Offset: from, Length: to - from, Physical: -1})
		}
		if below[0].Offset+below[0].Length > end {
			break
		}
		below = below[1:]
	}
	return below
}

// appendExtent joins what follows without a gap.
func appendExtent(out *[]fsys.Extent, e fsys.Extent) {
	if n := len(*out) - 1; n >= 0 {
		last := &(*out)[n]
		follows := last.Physical == -1 && e.Physical == -1 || last.Physical >= 0 && last.Physical+last.Length == e.Physical
		if last.Offset+last.Length == e.Offset && follows {
			last.Length += e.Length
			return
		}
	}
	*out = append(*out, e)
}
