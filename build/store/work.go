package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A dirWork is a work in the directory work/ID of the store:
//
//	lock    locked as long as the process lives that made it
//	files/  the caller's own files
//	upper/  what the step changed (or, without a base or in copy mode, the tree)
//	ovl/    overlayfs' own
//	layer/  the layer while it is being made
type dirWork struct {
	store *Dir
	path  string
	lock  *lock
	base  Tree
	view  View
	// before is what a copy was like before the step; nil for an overlay.
	before snapshot
	// want is the digest that Commit must find, where it is known.
	want string
}

var errNotHeld = errors.New("the store is not held: call Hold first")

// Begin implements [Store].
func (d *Dir) Begin(ctx context.Context, base Tree) (Work, error) {
	w, err := d.begin(ctx, base)
	if err != nil {
		return nil, fmt.Errorf("begin work: %w", d.explain(err))
	}
	return w, nil
}

func (d *Dir) begin(ctx context.Context, base Tree) (*dirWork, error) {
	if d.held.Load() == 0 {
		return nil, errNotHeld
	}
	mode, err := d.mode()
	if err != nil {
		return nil, err
	}
	w, err := d.newWork()
	if err != nil {
		return nil, err
	}
	w.base = base
	if mode == Overlay && len(base.Layers) > 0 {
		err = w.prepareOverlay(ctx)
	} else {
		err = w.prepareCopy(ctx, mode)
	}
	if err != nil {
		return nil, errors.Join(err, w.Discard())
	}
	return w, nil
}

// newWork makes a work directory and locks it. Making and cleaning exclude
// each other by a lock of their own, or a new directory that is not locked yet
// would be taken for a dead one.
func (d *Dir) newWork() (_ *dirWork, err error) {
	guard, err := d.guardWork()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, guard.release()) }()
	path, err := os.MkdirTemp(d.join("work"), "w")
	if err != nil {
		return nil, err
	}
	l, err := tryLock(lockRequest{path: filepath.Join(path, "lock"), how: unix.LOCK_EX, what: d.options.Holder})
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"files", "upper", "ovl", "layer"} {
		if err := os.Mkdir(filepath.Join(path, name), 0o755); err != nil {
			return nil, errors.Join(err, l.release())
		}
	}
	// The caller's umask must not reach the root of a tree.
	if err := os.Chmod(filepath.Join(path, "upper"), 0o755); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return &dirWork{store: d, path: path, lock: l}, nil
}

func (d *Dir) guardWork() (*lock, error) {
	return acquire(context.Background(), lockRequest{path: d.join("locks", "work"), how: unix.LOCK_EX, what: "cleaning up"})
}

// clean removes the work of processes that are dead, which their locks tell.
func (d *Dir) clean() (err error) {
	names, err := os.ReadDir(d.join("work"))
	if err != nil || len(names) == 0 {
		return err
	}
	guard, err := d.guardWork()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, guard.release()) }()
	for _, n := range names {
		if err := d.cleanOne(d.join("work", n.Name())); err != nil {
			return fmt.Errorf("clean up dead work: %w", err)
		}
	}
	return nil
}

func (d *Dir) cleanOne(path string) error {
	if _, err := os.Lstat(path); err != nil {
		return ignoreMissing(err)
	}
	l, err := tryLock(lockRequest{path: filepath.Join(path, "lock"), how: unix.LOCK_EX})
	if l == nil || err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(path), l.release())
}

// prepareOverlay makes the view an overlay mount over the base's layers.
func (w *dirWork) prepareOverlay(ctx context.Context) error {
	lower, err := w.store.lower(ctx, w.base)
	if err != nil {
		return err
	}
	if err := w.copyRoot(); err != nil {
		return err
	}
	w.view = View{
		Base: w.store.join("layers"), Lower: lower,
		Upper: filepath.Join(relative(w.path), "upper"), Work: filepath.Join(relative(w.path), "ovl"),
	}
	return nil
}

// prepareCopy makes the view a directory that holds the whole base.
func (w *dirWork) prepareCopy(ctx context.Context, mode Mode) error {
	w.view = View{Dir: filepath.Join(w.path, "upper")}
	if mode == Overlay || len(w.base.Layers) == 0 {
		return nil // the tree is empty: all that will be there is the step's
	}
	f, err := w.store.fold(w.base)
	if err != nil {
		return err
	}
	if err := w.store.materialise(ctx, f, w.view.Dir); err != nil {
		return err
	}
	w.before, err = takeSnapshot(w.view.Dir)
	return err
}

// copyRoot gives the upper directory the metadata of the base's root, which
// the overlay shows as the root's.
func (w *dirWork) copyRoot() error {
	f, err := w.store.fold(w.base)
	if err != nil {
		return err
	}
	root := f.entry("/")
	if root == nil {
		return fmt.Errorf("the tree has no root directory")
	}
	upper := filepath.Join(w.path, "upper")
	if err := applyMetadata(upper, &root.entry); err != nil {
		return err
	}
	return setMtime(upper, root.entry.Mtime)
}

// View implements [Work].
func (w *dirWork) View() View { return w.view }

// Dir implements [Work].
func (w *dirWork) Dir() string { return filepath.Join(w.path, "files") }

// Discard implements [Work].
func (w *dirWork) Discard() error {
	if err := errors.Join(os.RemoveAll(w.path), w.lock.release()); err != nil {
		return fmt.Errorf("discard work: %w", err)
	}
	return nil
}

// Keep implements [Work].
func (w *dirWork) Keep() (string, error) {
	name := filepath.Base(w.path)
	kept := w.store.join("failed", name)
	if err := os.Rename(w.path, kept); err != nil {
		return "", fmt.Errorf("keep failed work: %w", err)
	}
	// With its view a failed tree can be mounted again, to look at the whole.
	data, err := json.Marshal(w.view.moved(w.path, kept))
	if err == nil {
		err = os.WriteFile(filepath.Join(kept, "view.json"), append(data, '\n'), 0o644)
	}
	if err = errors.Join(err, w.lock.release()); err != nil {
		return "", fmt.Errorf("keep failed work in %s: %w", kept, err)
	}
	return kept, nil
}

// moved is the view after the directory of its work has got another name.
func (v View) moved(from, to string) View {
	move := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return strings.Replace(path, from, to, 1)
		}
		// Both are in the store's own directory, next to Base.
		return strings.Replace(path, relative(from), relative(to), 1)
	}
	v.Dir, v.Upper, v.Work = move(v.Dir), move(v.Upper), move(v.Work)
	return v
}

// relative is a work's directory as a view names it, seen from layers/.
func relative(work string) string {
	return filepath.Join("..", filepath.Base(filepath.Dir(work)), filepath.Base(work))
}
