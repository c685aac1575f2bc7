package btrfs

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"sync"
)

const (
	headerSize  = 101
	pointerSize = 33
	itemSize    = 25
)

// A node is one block of a tree, checked: its keys ascend and its items lie
// within it.
type node struct {
	raw        []byte
	level      int
	count      int
	generation uint64
}

func (n *node) key(i int) key {
	if n.level > 0 {
		return decodeKey(n.raw[headerSize+i*pointerSize:])
	}
	return decodeKey(n.raw[headerSize+i*itemSize:])
}

// child is the pointer i of an inner node.
func (n *node) child(i int) rootPointer {
	b := n.raw[headerSize+i*pointerSize+keySize:]
	return rootPointer{le.Uint64(b), le.Uint64(b[8:]), n.level - 1}
}

// item is the content of item i of a leaf.
func (n *node) item(i int) []byte {
	b := n.raw[headerSize+i*itemSize+keySize:]
	at, size := int(le.Uint32(b)), int(le.Uint32(b[4:]))
	return n.raw[headerSize+at:][:size:size]
}

// search is the first place whose key is not before k.
func (n *node) search(k key) int {
	return sort.Search(n.count, func(i int) bool { return !n.key(i).less(k) })
}

// parseNode checks everything within a node but its checksum.
func parseNode(raw []byte) (*node, error) {
	n := &node{raw: raw, level: int(raw[100]), generation: le.Uint64(raw[0x50:])}
	count, room := le.Uint32(raw[0x60:]), len(raw)-headerSize
	unit := itemSize
	if n.level > 0 {
		unit = pointerSize
	}
	if int64(count)*int64(unit) > int64(room) {
		return nil, fmt.Errorf("%d items are too many", count)
	}
	n.count = int(count)
	for i := range n.count {
		if i > 0 && !n.key(i-1).less(n.key(i)) {
			return nil, fmt.Errorf("the keys %v and %v are out of order", n.key(i-1), n.key(i))
		}
		if n.level > 0 {
			continue
		}
		b := raw[headerSize+i*itemSize+keySize:]
		at, size := int64(le.Uint32(b)), int64(le.Uint32(b[4:]))
		if at < int64(n.count*itemSize) || at+size > int64(room) {
			return nil, fmt.Errorf("item %v is outside of the node", n.key(i))
		}
	}
	if n.level > 0 && n.count == 0 {
		return nil, errors.New("an inner node is empty")
	}
	return n, nil
}

// nodeCacheBytes bounds what is kept of nodes, which are checked once.
const nodeCacheBytes = 64 << 20

// A nodeReader reads and keeps the nodes of all trees. When it is full, the
// node that came first goes.
type nodeReader struct {
	*space
	most int

	mu    sync.Mutex
	nodes map[uint64]*node
	order []uint64
}

func newNodeReader(s *space) *nodeReader {
	return &nodeReader{space: s, most: nodeCacheBytes / s.sb.nodeSize, nodes: map[uint64]*node{}}
}

// node reads the node that a pointer leads to. Of several copies the first good one counts.
func (r *nodeReader) node(p rootPointer) (*node, error) {
	r.mu.Lock()
	n := r.nodes[p.logical]
	r.mu.Unlock()
	if n == nil {
		var err error
		if n, err = r.load(p.logical); err != nil {
			return nil, fmt.Errorf("node at %d: %w", p.logical, err)
		}
	}
	if n.level != p.level || n.generation != p.generation {
		return nil, fmt.Errorf("node at %d: it has level %d and generation %d, its parent says %d and %d", p.logical, n.level, n.generation, p.level, p.generation)
	}
	return n, nil
}

func (r *nodeReader) load(logical uint64) (*node, error) {
	if logical%uint64(r.sb.sectorSize) != 0 {
		return nil, errors.New("it lies at no sector's start")
	}
	var first error
	for number := range max(r.copiesAt(logical), 1) {
		n, err := r.loadCopy(logical, number)
		if err == nil {
			r.keep(logical, n)
			return n, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func (r *nodeReader) loadCopy(logical uint64, number int) (*node, error) {
	raw := make([]byte, r.sb.nodeSize)
	if err := r.read(raw, logical, number); err != nil {
		return nil, err
	}
	switch {
	case !r.sb.sum.matches(raw[sumField:], raw):
		return nil, errors.New("the checksum does not match")
	case le.Uint64(raw[0x30:]) != logical:
		return nil, fmt.Errorf("it says that it lies at %d", le.Uint64(raw[0x30:]))
	case !bytes.Equal(raw[0x20:0x30], r.sb.nodeUUID()):
		return nil, fmt.Errorf("it is of another filesystem, %s", formatUUID(raw[0x20:0x30]))
	}
	return parseNode(raw)
}

func (r *nodeReader) keep(logical uint64, n *node) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.nodes[logical]; ok {
		return
	}
	if len(r.order) >= r.most {
		delete(r.nodes, r.order[0])
		r.order = append(r.order[:0], r.order[1:]...)
	}
	r.nodes[logical] = n
	r.order = append(r.order, logical)
}
