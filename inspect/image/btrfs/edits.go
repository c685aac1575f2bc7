package btrfs

import "slices"

// edits are items that take the place of those in a tree. They are changed
// before the tree is shown to anybody, never after.
type edits struct {
	items map[key][]byte // nil for what is deleted
	keys  []key          // sorted
}

// mostEdits bounds the memory and the time of a replay. A log holds what was synced within half a
// minute.
const mostEdits = 1 << 18

func (e *edits) find(k key) (data []byte, edited bool) {
	if e == nil {
		return nil, false
	}
	data, edited = e.items[k]
	return data, edited
}

// set puts an item; nil deletes it.
func (e *edits) set(k key, data []byte) {
	if _, ok := e.items[k]; !ok {
		i, _ := slices.BinarySearchFunc(e.keys, k, key.compare)
		e.keys = slices.Insert(e.keys, i, k)
	}
	e.items[k] = data
}

// A merger is one scan of a tree with edits.
type merger struct {
	*edits
	next int
	fn   func(key, []byte) error
}

func (e *edits) merge(from key, fn func(key, []byte) error) *merger {
	i, _ := slices.BinarySearchFunc(e.keys, from, key.compare)
	return &merger{e, i, fn}
}

// before gives what was edited before the key end.
func (m *merger) before(end key) error {
	for m.next < len(m.keys) && m.keys[m.next].less(end) {
		k := m.keys[m.next]
		m.next++
		if data := m.items[k]; data != nil {
			if err := m.fn(k, data); err != nil {
				return err
			}
		}
	}
	return nil
}

// item gives an item of the tree, or what took its place, after what was edited before it.
func (m *merger) item(k key, data []byte) error {
	if err := m.before(k); err != nil {
		return err
	}
	if m.next < len(m.keys) && m.keys[m.next] == k {
		if data = m.items[k]; data == nil {
			m.next++
			return nil
		}
		m.next++
	}
	return m.fn(k, data)
}
