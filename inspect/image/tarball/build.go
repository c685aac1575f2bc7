package tarball

import (
	"fmt"
	"io"

	"github.com/assay-os/assay/report"
)

// New is a tree without members, for archives of another format that are put together
// by the same rules: see [Tree.Add].
func New() *Tree {
	t := &Tree{}
	t.root = t.impliedDirectory()
	t.root.links = 1
	return t
}

// NewMember describes a member whose content lies in one run at at, of e.Size bytes.
// Unread is why the content cannot be read.
func NewMember(name string, e report.Entry, r io.ReaderAt, at int64, unread error) *Member {
	b := body{r: r, size: e.Size, unread: unread}
	if e.Type == report.File && e.Size > 0 {
		b.segments = []segment{{length: e.Size, at: at}}
	}
	return &Member{Name: name, Entry: e, Err: unread, body: b}
}

// NewLink describes another name of the member that target names.
func NewLink(name, target string) *Member { return &Member{Name: name, Hardlink: true, Link: target} }

// Add puts a member into the tree. What is left out is told by the root's error; the error
// here says that there are too many.
func (t *Tree) Add(m *Member) error {
	if t.count > MaxMembers {
		return errTooMany
	}
	if err := t.add(m); err != nil {
		t.problems.add("member %q: %w", m.Name, err)
	}
	return nil
}

// Missing records that something of the archive is not in the tree.
func (t *Tree) Missing(format string, args ...any) { t.problems.add(format, args...) }

// errTooMany ends the index of an archive.
var errTooMany = fmt.Errorf("more than %d members", MaxMembers)
