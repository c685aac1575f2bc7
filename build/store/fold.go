package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/assay-os/assay/report"
)

// A fold is the entry list of a whole tree: the deltas of its layers, put on
// top of each other. It is never changed once it is made.
type fold struct {
	digest string
	items  []*item
}

// newFold computes the digest that report.TreeDigest would give.
func newFold(items []*item) *fold {
	h := sha256.New()
	for _, i := range items {
		h.Write(i.line)
	}
	return &fold{digest: hex.EncodeToString(h.Sum(nil)), items: items}
}

// find returns the place of path, and whether it is there.
func (f *fold) find(path report.Raw) (int, bool) {
	return slices.BinarySearchFunc(f.items, path, func(i *item, p report.Raw) int { return cmp.Compare(i.entry.Path, p) })
}

// entry returns the item at path, or nil.
func (f *fold) entry(path report.Raw) *item {
	if n, ok := f.find(path); ok {
		return f.items[n]
	}
	return nil
}

// below gives everything inside of the directory path, sorted.
func (f *fold) below(path report.Raw) iter.Seq[*item] {
	prefix := path + "/"
	if path == "/" {
		prefix = "/"
	}
	return func(yield func(*item) bool) {
		n, _ := f.find(prefix)
		for ; n < len(f.items); n++ {
			p := f.items[n].entry.Path
			if len(p) < len(prefix) || p[:len(prefix)] != prefix {
				return
			}
			if p != path && !yield(f.items[n]) {
				return
			}
		}
	}
}

// entries copies the list for a caller of the package.
func (f *fold) entries() []report.Entry {
	list := make([]report.Entry, len(f.items))
	for n, i := range f.items {
		list[n] = i.entry
	}
	return list
}

// merge puts d on top of items.
func merge(items []*item, d *delta) []*item {
	top := make([]*item, 0, len(d.changed)+len(d.carried))
	top = append(append(top, d.changed...), d.carried...)
	slices.SortFunc(top, compareItems)
	out := make([]*item, 0, len(items)+len(d.changed))
	removed := d.removed
	for _, i := range items {
		p := i.entry.Path
		for len(top) > 0 && top[0].entry.Path < p {
			out, top = append(out, top[0]), top[1:]
		}
		for len(removed) > 0 && removed[0] < p {
			removed = removed[1:]
		}
		switch {
		case len(top) > 0 && top[0].entry.Path == p:
			out, top = append(out, top[0]), top[1:]
		case len(removed) > 0 && removed[0] == p:
		default:
			out = append(out, i)
		}
	}
	return append(out, top...)
}

// A foldCache keeps the folds that were used last. A build goes back and forth
// between few trees: the one that it makes, and the build root.
type foldCache struct {
	mu   sync.Mutex
	last []*fold
}

const keptFolds = 4

func (c *foldCache) get(digest string) *fold {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n, f := range c.last {
		if f.digest == digest {
			copy(c.last[1:n+1], c.last[:n])
			c.last[0] = f
			return f
		}
	}
	return nil
}

func (c *foldCache) put(f *fold) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = slices.DeleteFunc(c.last, func(x *fold) bool { return x.digest == f.digest })
	c.last = append([]*fold{f}, c.last[:min(len(c.last), keptFolds-1)]...)
}

// fold gives the entry list of t, from the highest part that is remembered. A
// stack that does not give t's digest is an error.
func (d *Dir) fold(t Tree) (*fold, error) {
	start, items := 0, []*item(nil)
	for n := len(t.Layers); n > 0; n-- {
		if f := d.folds.get(t.Layers[n-1].Digest); f != nil {
			start, items = n, f.items
			break
		}
	}
	for _, l := range t.Layers[start:] {
		delta, err := d.readDelta(l)
		if err != nil {
			return nil, fmt.Errorf("read layer %s: %w", l.ID, err)
		}
		items = merge(items, delta)
	}
	f := newFold(items)
	if want := t.digest(); f.digest != want {
		return nil, fmt.Errorf("the %d layers give a tree with digest %.12s, not %.12s: run assay store verify --repair", len(t.Layers), f.digest, want)
	}
	d.folds.put(f)
	return f, nil
}

// digest is t.Digest, which may be left out.
func (t Tree) digest() string {
	switch {
	case t.Digest != "":
		return t.Digest
	case len(t.Layers) == 0:
		return EmptyDigest
	}
	return t.Layers[len(t.Layers)-1].Digest
}

// Entries implements [Store].
func (d *Dir) Entries(t Tree) ([]report.Entry, error) {
	f, err := d.fold(t)
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	return f.entries(), nil
}
