package fsys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// A Walker walks a filesystem of directories that list names D, which lead to inodes
// I; K is the number of one. It enters no directory twice, and none that is too deep.
type Walker[D any, I any, K comparable] struct {
	// Name is the name in a directory's entry.
	Name func(D) string
	// Node describes what an entry of the directory dir, nil above the root, leads to. It
	// gives no inode where that cannot be trusted.
	Node func(dir *I, d D, path report.Raw) (*Node, *I)
	// Number tells directories apart, also in errors.
	Number func(*I) K
	// List gives the entries of a directory, sorted by their names; with an error those
	// that could be read. Depth is how many directories it lies in.
	List func(dir *I, depth int) ([]D, error)

	ctx  context.Context
	fn   func(*Node) error
	seen map[K]bool
}

// Walk shows what root leads to, and what is below it, as [Tree] wants it.
func (w *Walker[D, I, K]) Walk(ctx context.Context, root D, fn func(*Node) error) error {
	w.ctx, w.fn, w.seen = ctx, fn, map[K]bool{}
	return w.visit(nil, root, "/", 0)
}

func (w *Walker[D, I, K]) visit(above *I, d D, path report.Raw, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	n, dir := w.Node(above, d, path)
	if n.Type != report.Directory || dir == nil {
		return w.fn(n)
	}
	list, err := w.enter(dir, path, depth)
	n.Fail(err)
	if err := w.fn(n); err != nil {
		return err
	}
	for _, d := range list {
		if err := w.visit(dir, d, Join(path, w.Name(d)), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// enter lists a directory, unless the walk was there or is too deep.
func (w *Walker[D, I, K]) enter(dir *I, path report.Raw, depth int) ([]D, error) {
	number := w.Number(dir)
	if w.seen[number] {
		return nil, fmt.Errorf("directory inode %v has more than one name: not read again", number)
	}
	w.seen[number] = true
	if depth > MaxDepth || len(path) > MaxPath {
		return nil, ErrTooDeep
	}
	return w.List(dir, depth)
}

// ErrTooDeep is the error of a directory that no walk enters.
var ErrTooDeep = errors.New("the tree is deeper than 4096 names or 65536 bytes: not read further")

// Faults are the first few reasons of many: a broken directory has thousands.
type Faults struct{ list []error }

// Fault keeps one of the first three.
func (f *Faults) Fault(err error) {
	if len(f.list) < 3 && err != nil {
		f.list = append(f.list, err)
	}
}

// Err is all of them, in one line.
func (f *Faults) Err() error { return Reasons(f.list...) }

// SortNames sorts the entries of a directory by their names. Of those with one name the
// first is kept, and that is a fault.
func SortNames[D any](list []D, name func(D) string, faults *Faults) []D {
	slices.SortStableFunc(list, func(a, b D) int { return strings.Compare(name(a), name(b)) })
	return slices.CompactFunc(list, func(a, b D) bool {
		if name(a) != name(b) {
			return false
		}
		faults.Fault(fmt.Errorf("the name %q is in it twice", name(a)))
		return true
	})
}
