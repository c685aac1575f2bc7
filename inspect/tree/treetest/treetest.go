// Package treetest makes trees of files that tests write down as maps.
package treetest

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// A Map is a filesystem written down: "/dir/": "" is a directory,
// "/link": "-> target" a symbolic link, all else a file with its content.
// Directories on the way need not be written. It implements [image.Tree].
type Map struct {
	Files map[string]string
	// Change may bend a node.
	Change func(*image.Node)
	// Content, when set, gives the contents.
	Content func(*image.Node) (image.Content, error)
}

// Of is the tree of a map.
func Of(t testing.TB, m Map) *tree.Tree {
	t.Helper()
	return walked(t, &m)
}

// Open is the tree of a directory, a disk of one filesystem or what else
// [image.Open] takes; it is closed with the test.
func Open(t testing.TB, name string) *tree.Tree {
	t.Helper()
	img, err := image.Open(context.Background(), name, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { img.Close() })
	return walked(t, img.Trees[0].Tree)
}

// walked collects what a walk finds.
func walked(t testing.TB, source image.Tree) *tree.Tree {
	t.Helper()
	on := &tree.Tree{}
	err := source.Walk(context.Background(), func(n *image.Node) error {
		on.Files = append(on.Files, tree.File{Path: string(n.Path), Node: n, Source: source})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	tree.Sort(on.Files)
	on.Link()
	return on
}

// Walk implements [image.Tree].
func (m *Map) Walk(_ context.Context, fn func(*image.Node) error) error {
	all := map[string]string{}
	maps.Copy(all, m.Files)
	for name := range m.Files {
		for dir := path.Dir(strings.TrimSuffix(name, "/")); dir != "/"; dir = path.Dir(dir) {
			all[dir+"/"] = ""
		}
	}
	all["/"] = ""
	for i, name := range slices.Sorted(maps.Keys(all)) {
		n := node(name, all[name])
		n.Inode, n.Physical = uint64(i+1), -1
		if m.Change != nil {
			m.Change(n)
		}
		if err := fn(n); err != nil {
			return err
		}
	}
	return nil
}

func node(name, value string) *image.Node {
	n := &image.Node{Entry: report.Entry{Path: report.Raw(name), Mode: 0o644, Mtime: time.Unix(1e9, 0).UTC()}, Links: 1}
	target, link := strings.CutPrefix(value, "-> ")
	switch {
	case strings.HasSuffix(name, "/"):
		n.Type, n.Mode = report.Directory, 0o755
		n.Path = report.Raw("/" + strings.Trim(name, "/"))
	case link:
		n.Type, n.Mode, n.Target = report.Symlink, 0o777, report.Raw(target)
	default:
		n.Type, n.Size = report.File, int64(len(value))
	}
	return n
}

// Open implements [image.Tree].
func (m *Map) Open(n *image.Node) (image.Content, error) {
	if m.Content != nil {
		return m.Content(n)
	}
	value, ok := m.Files[string(n.Path)]
	if !ok {
		return nil, errors.New("no such file")
	}
	return Text(value), nil
}

// Text is a content of which the place on a medium is not known.
func Text(s string) image.Content { return text{strings.NewReader(s)} }

type text struct{ *strings.Reader }

func (text) Close() error { return nil }

func (t text) Extents() ([]image.Extent, error) {
	return []image.Extent{{Length: t.Size(), Physical: -1}}, nil
}
