package inspect

import (
	"context"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// A memTree is a filesystem written down as a map: "/dir/": "" is a directory,
// "/link": "-> target" a symbolic link, all else a file with its content.
// Directories on the way need not be written. change may bend a node.
type memTree struct {
	files   map[string]string
	change  func(*image.Node)
	content func(*image.Node) (image.Content, error)
}

func (m *memTree) Walk(_ context.Context, fn func(*image.Node) error) error {
	all := map[string]string{}
	maps.Copy(all, m.files)
	for name := range m.files {
		for dir := path.Dir(strings.TrimSuffix(name, "/")); dir != "/"; dir = path.Dir(dir) {
			all[dir+"/"] = ""
		}
	}
	all["/"] = ""
	for i, name := range slices.Sorted(maps.Keys(all)) {
		n := memNode(name, all[name])
		n.Inode, n.Physical = uint64(i+1), -1
		if m.change != nil {
			m.change(n)
		}
		if err := fn(n); err != nil {
			return err
		}
	}
	return nil
}

func memNode(name, value string) *image.Node {
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

func (m *memTree) Open(n *image.Node) (image.Content, error) {
	if m.content != nil {
		return m.content(n)
	}
	value, ok := m.files[string(n.Path)]
	if !ok {
		return nil, errors.New("no such file")
	}
	return memContent{strings.NewReader(value)}, nil
}

type memContent struct{ *strings.Reader }

func (memContent) Close() error { return nil }

func (m memContent) Extents() ([]image.Extent, error) {
	return []image.Extent{{Length: m.Size(), Physical: -1}}, nil
}

// directory is an image of one tree.
func directory(files map[string]string) *image.Image {
	return &image.Image{
		Subject: report.Subject{Kind: "directory"},
		Trees:   []image.Volume{{Filesystem: report.Filesystem{Type: "directory"}, Tree: &memTree{files: files}}},
	}
}

// inspectOf runs the inspection of an image in memory.
func inspectOf(t *testing.T, img *image.Image, o Options) *report.Report {
	t.Helper()
	r, err := Inspect(context.Background(), img, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// treeOf is the tree of a map, without an inspection.
func treeOf(t *testing.T, files map[string]string) *Tree {
	t.Helper()
	in := newInspection(directory(files), Options{})
	if err := in.readTree(context.Background()); err != nil {
		t.Fatal(err)
	}
	return in.tree
}

// status requires the state of a section, and words in its reason.
func status(t *testing.T, r *report.Report, section string, want report.Status, words ...string) {
	t.Helper()
	s := r.Sections[section]
	if s.Status != want {
		t.Errorf("section %s is %q (%s), want %q", section, s.Status, s.Reason, want)
	}
	for _, w := range words {
		if !strings.Contains(s.Reason, w) {
			t.Errorf("section %s: reason %q does not tell %q", section, s.Reason, w)
		}
	}
}

// A sparse content is bytes at places, and holes.
type sparse struct {
	size    int64
	data    map[int64]string
	fail    int64 // reading at or over this place fails
	noTouch bool  // reading a hole is an error
}

func (s *sparse) Close() error { return nil }
func (s *sparse) Size() int64  { return s.size }

func (s *sparse) Extents() ([]image.Extent, error) {
	var list []image.Extent
	for _, off := range slices.Sorted(maps.Keys(s.data)) {
		list = append(list, image.Extent{Offset: off, Length: int64(len(s.data[off])), Physical: off})
	}
	return list, nil
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	if s.fail > 0 && off+int64(len(p)) > s.fail {
		return 0, errors.New("medium error")
	}
	n := int(min(int64(len(p)), s.size-off))
	clear(p[:n])
	touched := false
	for at, data := range s.data {
		from, to := max(at, off), min(at+int64(len(data)), off+int64(n))
		if from < to {
			copy(p[from-off:to-off], data[from-at:to-at])
			touched = true
		}
	}
	if s.noTouch && !touched && n > 0 {
		return 0, errors.New("a hole was read")
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
