package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// maxDepth is how many layers one mount takes. The kernel's page of options
// has room for about 110 of our names; every layer makes look-ups of missing
// names slower. What lies deeper is made one flat layer.
const maxDepth = 100

// View implements [Store].
func (d *Dir) View(ctx context.Context, t Tree) (View, error) {
	v, err := d.view(ctx, t)
	if err != nil {
		return View{}, fmt.Errorf("view tree: %w", d.explain(err))
	}
	return v, nil
}

func (d *Dir) view(ctx context.Context, t Tree) (View, error) {
	if d.held.Load() == 0 {
		return View{}, errNotHeld
	}
	mode, err := d.mode()
	if err != nil {
		return View{}, err
	}
	layers := t.Layers
	switch {
	case len(layers) == 0:
		return View{Dir: d.join("empty"), ReadOnly: true}, nil
	case mode == Copy && !flat(layers):
		l, err := d.flatten(ctx, t)
		if err != nil {
			return View{}, err
		}
		layers = []*Layer{l}
	case mode == Overlay:
		if layers, err = d.shallow(ctx, layers); err != nil {
			return View{}, err
		}
	}
	if flat(layers) {
		return View{Dir: d.join("layers", layers[0].ID, "data"), ReadOnly: true}, nil
	}
	return View{Base: d.join("layers"), Lower: lowerNames(layers), ReadOnly: true}, nil
}

// flat tells whether the stack is one layer on nothing, whose directory is
// the tree itself.
func flat(layers []*Layer) bool { return len(layers) == 1 && layers[0].Base == EmptyDigest }

// lowerNames gives the paths of an overlay, topmost first.
func lowerNames(layers []*Layer) []string {
	names := make([]string, len(layers))
	for n, l := range layers {
		names[len(layers)-1-n] = filepath.Join(l.ID, "data")
	}
	return names
}

// lower gives the lower directories for a tree that a step is to change.
func (d *Dir) lower(ctx context.Context, t Tree) ([]string, error) {
	layers, err := d.shallow(ctx, t.Layers)
	if err != nil {
		return nil, err
	}
	return lowerNames(layers), nil
}

// shallow replaces the lowest layers of a deep stack by a flat one. It cuts at
// multiples of maxDepth, so that a growing stack needs a new flat layer only
// every maxDepth steps.
func (d *Dir) shallow(ctx context.Context, layers []*Layer) ([]*Layer, error) {
	if len(layers) <= maxDepth {
		return layers, nil
	}
	cut := len(layers) / maxDepth * maxDepth
	l, err := d.flatten(ctx, Tree{Layers: layers[:cut]})
	if err != nil {
		return nil, err
	}
	return append([]*Layer{l}, layers[cut:]...), nil
}

// flatten makes one layer with the content of the whole tree, or finds it. What
// it copies is hashed again, so that damage of a file does not get a new home.
func (d *Dir) flatten(ctx context.Context, t Tree) (*Layer, error) {
	key := "flat-" + t.digest()
	unlock, err := d.Lock(ctx, key, nil)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if l, ok, err := d.Lookup(key); ok || err != nil {
		return l, err
	}
	f, err := d.fold(t)
	if err != nil {
		return nil, err
	}
	w, err := d.newWork()
	if err != nil {
		return nil, err
	}
	l, err := w.fill(ctx, f, key)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("flatten %d layers: %w", len(t.Layers), err), w.Discard())
	}
	return l, nil
}

// fill makes the tree f in the empty work w and commits it.
func (w *dirWork) fill(ctx context.Context, f *fold, key string) (*Layer, error) {
	w.base, w.want = EmptyTree(), f.digest
	w.view = View{Dir: filepath.Join(w.path, "upper")}
	if err := w.store.materialise(ctx, f, w.view.Dir); err != nil {
		return nil, err
	}
	// The times were clamped when the layers were made.
	latest := time.Unix(1<<40, 0)
	return w.commit(ctx, Commit{Key: key, Type: "flat", Epoch: latest})
}
