package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/report"
)

var errDamaged = errors.New("a file of these layers is damaged; run assay store verify --repair")

// Commit implements [Work].
func (w *dirWork) Commit(ctx context.Context, c Commit) (*Layer, error) {
	l, err := w.commit(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("commit layer of %s: %w", c.Type, w.store.explain(err))
	}
	return l, nil
}

func (w *dirWork) commit(ctx context.Context, c Commit) (*Layer, error) {
	if err := checkKey(c.Key); err != nil {
		return nil, err
	}
	base, err := w.store.fold(w.base)
	if err != nil {
		return nil, err
	}
	if err := w.restoreLinks(base); err != nil {
		return nil, err
	}
	s := &scanner{
		root: filepath.Join(w.path, "upper"), base: base, epoch: c.Epoch,
		overlay: w.view.Dir == "", before: w.before,
	}
	d, err := s.run(ctx)
	if err != nil {
		return nil, err
	}
	after := base
	if len(d.changed)+len(d.removed) > 0 {
		after = newFold(merge(base.items, d))
	}
	if w.want != "" && after.digest != w.want {
		return nil, errDamaged
	}
	r, err := newRecord(c, d)
	if err != nil {
		return nil, err
	}
	r.Base, r.Digest, r.Dropped = base.digest, after.digest, s.dropped
	r.Empty = after.digest == base.digest
	if err := w.makeData(s, d, r); err != nil {
		return nil, err
	}
	layer, err := w.store.place(w, r, d)
	if err != nil {
		return nil, err
	}
	w.store.folds.put(after)
	return layer, w.Discard()
}

// newRecord fills in what does not depend on the base.
func newRecord(c Commit, d *delta) (*record, error) {
	r := &record{Version: recordVersion, Layer: Layer{
		Key: c.Key, Type: c.Type, StepID: c.StepID, Metadata: c.Metadata,
		Changed: len(d.changed), Removed: len(d.removed),
	}}
	if len(c.Metadata) > 0 && !json.Valid(c.Metadata) {
		return nil, fmt.Errorf("the metadata is not JSON")
	}
	for _, i := range d.changed {
		if i.entry.Hardlink == "" || i.entry.Hardlink == i.entry.Path {
			r.Bytes += i.entry.Size
		}
	}
	return r, nil
}

// makeData leaves the layer's directory in layer/data.
func (w *dirWork) makeData(s *scanner, d *delta, r *record) (err error) {
	data := filepath.Join(w.path, "layer", "data")
	r.Form = formOverlay
	switch {
	case r.Empty:
		*d = delta{}
		return os.Mkdir(data, 0o755)
	case w.before == nil:
		return os.Rename(s.root, data)
	}
	if err := os.Mkdir(data, 0o755); err != nil {
		return err
	}
	m := layerMaker{tree: s.root, data: data, base: s.base, delta: d}
	r.Form, err = m.build(s.found)
	return err
}

// place writes what belongs to the layer in layer/, makes it durable, and
// gives it its name and its key.
func (d *Dir) place(w *dirWork, r *record, delta *delta) (*Layer, error) {
	dir := filepath.Join(w.path, "layer")
	entries, err := delta.encode()
	if err != nil {
		return nil, err
	}
	r.Entries = hexSHA256(entries)
	if err := os.WriteFile(filepath.Join(dir, "entries.jsonl"), entries, 0o644); err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		r.ID = layerID(r.Key, r.Digest, n)
		there, err := d.readRecord(r.ID)
		switch {
		case err == nil && there.Key != r.Key:
			continue // another layer has the same short name
		case err == nil && d.serves(there, r):
			r = there // another process was faster, or was killed before it wrote the key
		default:
			if err := d.publish(w, r, delta); err != nil {
				return nil, err
			}
		}
		delta.setLayer(r.ID)
		return d.point(r)
	}
}

// serves tells whether the layer there can be taken in place of r.
func (d *Dir) serves(there, r *record) bool {
	return there.Key == r.Key && there.Entries == r.Entries && there.Form == r.Form && d.whole(there)
}

// whole tells whether a layer's files are there and its list is as it says.
func (d *Dir) whole(r *record) bool {
	_, err := d.readEntries(r)
	info, statErr := os.Lstat(d.join("layers", r.ID, "data"))
	return err == nil && statErr == nil && info.IsDir()
}

// publish writes layer.json as the last file, makes all durable and renames
// the layer into its place. What is there already is damaged and goes.
func (d *Dir) publish(w *dirWork, r *record, delta *delta) error {
	dir, final := filepath.Join(w.path, "layer"), d.join("layers", r.ID)
	data, err := r.encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "layer.json"), data, 0o644); err != nil {
		return err
	}
	if err := syncLayer(dir, delta); err != nil {
		return err
	}
	err = os.Rename(dir, final)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, unix.ENOTEMPTY) {
		if there, err := d.readRecord(r.ID); err == nil && d.serves(there, r) {
			return nil // it was made while this one was written
		}
		if err := os.Rename(final, filepath.Join(w.path, "damaged")); err != nil {
			return err
		}
		err = os.Rename(dir, final)
	}
	if err != nil {
		return err
	}
	return syncDir(d.join("layers"))
}

// point makes the key lead to the layer. The record is taken in the form that
// a later Lookup gives.
func (d *Dir) point(r *record) (*Layer, error) {
	if err := writeFile(d.join("keys", r.Key), []byte(r.ID+"\n")); err != nil {
		return nil, err
	}
	r, err := d.readRecord(r.ID)
	if err != nil {
		return nil, err
	}
	return &r.Layer, nil
}

// fewFiles is up to how many files are synced one by one. Beyond it one
// syncfs is cheaper, though it waits for what others wrote as well.
const fewFiles = 64

// syncLayer makes a layer durable. The files are synced all at once: a
// filesystem with a journal then writes it once for many of them, where one
// after the other would wait for as many writes as there are files.
func syncLayer(dir string, d *delta) error {
	if len(d.changed)+len(d.carried) > fewFiles {
		return syncFilesystem(dir)
	}
	var g errgroup.Group
	for _, list := range [][]*item{d.changed, d.carried} {
		for _, i := range list {
			if i.entry.Type != report.File && i.entry.Type != report.Directory {
				continue // these live in their directory
			}
			g.Go(func() error { return syncDir(filepath.Join(dir, "data", string(i.entry.Path))) })
		}
	}
	for _, name := range []string{"data", "entries.jsonl", "layer.json", "."} {
		g.Go(func() error { return syncDir(filepath.Join(dir, name)) })
	}
	return g.Wait()
}
