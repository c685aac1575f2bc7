package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/assay-os/assay/report"
)

// Find gives the tree after a layer, which is named as for [Dir.Show]: by the
// beginning of its id, its key or its step's id. A layer knows the digest of the
// tree below it alone; any layers of the store that lead there serve, since equal
// digests are equal trees. The error is [ErrNoLayer] for a name that leads nowhere.
func (d *Dir) Find(ctx context.Context, name string) (Tree, error) {
	id, err := d.findLayer(name)
	if err != nil {
		return Tree{}, fmt.Errorf("find tree %s: %w", name, err)
	}
	top, err := d.readRecord(id)
	if err != nil {
		return Tree{}, fmt.Errorf("find tree %s: %w", name, err)
	}
	below, err := d.stackOf(ctx, top.Base)
	if err != nil {
		return Tree{}, fmt.Errorf("find tree %s: %w", name, err)
	}
	return below.With(&top.Layer), nil
}

// stackOf finds the shortest stack of whole layers that gives a digest.
func (d *Dir) stackOf(ctx context.Context, digest string) (Tree, error) {
	on, err := d.layersOn(ctx)
	if err != nil {
		return Tree{}, err
	}
	reached := map[string]Tree{EmptyDigest: EmptyTree()}
	for queue := []string{EmptyDigest}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == digest {
			return reached[digest], nil
		}
		for _, l := range on[queue[0]] {
			if _, ok := reached[l.Digest]; !ok {
				reached[l.Digest] = reached[queue[0]].With(l)
				queue = append(queue, l.Digest)
			}
		}
	}
	return Tree{}, errors.New("layers below it are not in the store any more; build it again")
}

// layersOn lists the layers that can be used by the tree that they stand on, in a
// fixed order.
func (d *Dir) layersOn(ctx context.Context) (map[string][]*Layer, error) {
	names, err := os.ReadDir(d.join("layers"))
	if err != nil {
		return nil, err
	}
	on := map[string][]*Layer{}
	for _, n := range names {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		if r, err := d.readRecord(n.Name()); err == nil && d.whole(r) {
			on[r.Base] = append(on[r.Base], &r.Layer)
		}
	}
	return on, nil
}

// A Located entry is one of a tree, and the file that carries its content where it
// has one.
type Located struct {
	report.Entry
	Content string
}

// Located is the recorded list of a tree, sorted, with the files that carry it. They
// are there as long as the store is held.
func (d *Dir) Located(t Tree) ([]Located, error) {
	f, err := d.fold(t)
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	list := make([]Located, len(f.items))
	for n, i := range f.items {
		list[n].Entry = i.entry
		if i.entry.Type == report.File {
			list[n].Content = d.join("layers", i.layer, "data", string(i.entry.Path))
		}
	}
	return slices.Clip(list), nil
}
