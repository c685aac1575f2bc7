package image

import (
	"context"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// FromEntries takes a recorded list of entries, sorted by path, as an image of one tree.
// Open gives the content of a file of the list; it may be called concurrently. Release
// is called when the image is closed.
func FromEntries(s report.Subject, entries []report.Entry, open func(*report.Entry) (Content, error), release func() error) *Image {
	return &Image{
		Subject: s,
		Trees:   []Volume{{Filesystem: report.Filesystem{Type: s.Kind}, Tree: &recorded{entries, open}}},
		closers: []func() error{release},
	}
}

// A recorded tree is a list of entries.
type recorded struct {
	entries []report.Entry
	open    func(*report.Entry) (Content, error)
}

// Walk implements fsys.Tree. The digests of the list are left out: whoever reads the
// contents computes them.
func (r *recorded) Walk(ctx context.Context, fn func(*Node) error) error {
	links, number := map[report.Raw]uint32{}, map[report.Raw]uint64{}
	for i := range r.entries {
		if first := r.entries[i].Hardlink; first != "" {
			links[first]++
		}
	}
	for i := range r.entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		e := &r.entries[i]
		n := &fsys.Node{Entry: *e, Inode: uint64(i) + 1, Links: 1, Physical: -1, Sys: e}
		n.SHA256, n.Canonical, n.Roles, n.Hardlink = "", nil, nil, ""
		if e.Hardlink != "" {
			if number[e.Hardlink] == 0 {
				number[e.Hardlink] = n.Inode
			}
			n.Inode, n.Links = number[e.Hardlink], links[e.Hardlink]
		}
		if err := fn(n); err != nil {
			return err
		}
	}
	return nil
}

// Open implements fsys.Tree.
func (r *recorded) Open(n *Node) (Content, error) {
	e, ok := n.Sys.(*report.Entry)
	if !ok || e.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this list", n.Path)
	}
	c, err := r.open(e)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	return c, nil
}
