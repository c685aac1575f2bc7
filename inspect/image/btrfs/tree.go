package btrfs

import (
	"errors"
	"fmt"
)

// A tree is one B-tree. Its keys ascend over all nodes, which is checked
// wherever it is read: so no node is met twice, and no scan is endless.
type tree struct {
	nodes *nodeReader
	top   rootPointer
	// edits are what the replay of a log changed; nil for nothing.
	edits *edits
}

// errNotFound says that a tree has no such item.
var errNotFound = errors.New("there is no such item")

// errStop ends a scan.
var errStop = errors.New("stop")

// scan calls fn for every item from a key on, in order, until it gives an error; errStop
// is none. The data belongs to the tree.
func (t *tree) scan(from key, fn func(k key, data []byte) error) error {
	top, err := t.nodes.node(t.top)
	if err != nil {
		return err
	}
	if t.edits == nil {
		err = t.scanNode(top, from, lastKey(), fn)
	} else {
		m := t.edits.merge(from, fn)
		if err = t.scanNode(top, from, lastKey(), m.item); err == nil {
			err = m.before(lastKey())
		}
	}
	if err == errStop {
		return nil
	}
	return err
}

// scanNode scans the node n, all of whose keys are before the key end.
func (t *tree) scanNode(n *node, from, end key, fn func(key, []byte) error) error {
	i := n.search(from)
	if n.level > 0 && i > 0 && (i == n.count || n.key(i) != from) {
		i-- // what is before the next pointer's key
	}
	for ; i < n.count; i++ {
		if n.level == 0 {
			if err := fn(n.key(i), n.item(i)); err != nil {
				return err
			}
			continue
		}
		below, next, err := t.below(n, i, end)
		if err != nil {
			return err
		}
		if err := t.scanNode(below, from, next, fn); err != nil {
			return err
		}
	}
	return nil
}

// below is the node that pointer i leads to, and the key that all in it are before.
func (t *tree) below(n *node, i int, end key) (*node, key, error) {
	if i+1 < n.count {
		end = n.key(i + 1)
	}
	p := n.child(i)
	below, err := t.nodes.node(p)
	if err != nil {
		return nil, end, err
	}
	if below.count == 0 || below.key(0) != n.key(i) || !below.key(below.count-1).less(end) {
		return nil, end, fmt.Errorf("node at %d: its keys are not those that its parent says", p.logical)
	}
	return below, end, nil
}

// find returns the item with a key.
func (t *tree) find(k key) ([]byte, error) {
	if data, edited := t.edits.find(k); edited {
		if data == nil {
			return nil, fmt.Errorf("item %v: %w", k, errNotFound)
		}
		return data, nil
	}
	got, data, err := t.floor(k)
	if err != nil {
		return nil, err
	}
	if got != k {
		return nil, fmt.Errorf("item %v: %w", k, errNotFound)
	}
	return data, nil
}

// floor returns the last item whose key is not after k, without regard to edits.
func (t *tree) floor(k key) (key, []byte, error) {
	n, err := t.nodes.node(t.top)
	if err != nil {
		return key{}, nil, err
	}
	for end := lastKey(); ; {
		i := n.search(k)
		if i == n.count || n.key(i) != k {
			i--
		}
		if i < 0 {
			return key{}, nil, fmt.Errorf("item %v: %w", k, errNotFound)
		}
		if n.level == 0 {
			return n.key(i), n.item(i), nil
		}
		if n, end, err = t.below(n, i, end); err != nil {
			return key{}, nil, err
		}
	}
}

// each calls fn for the items of one object and kind.
func (t *tree) each(object uint64, kind byte, fn func(k key, data []byte) error) error {
	return t.scan(key{object, kind, 0}, func(k key, data []byte) error {
		if k.object != object || k.kind != kind {
			return errStop
		}
		return fn(k, data)
	})
}
