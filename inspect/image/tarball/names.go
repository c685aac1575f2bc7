package tarball

import (
	"errors"
	"fmt"
	"strings"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// components splits a member's name. It is empty for the root.
func components(name string) ([]string, error) {
	if len(name) > fsys.MaxPath {
		return nil, fmt.Errorf("the name is longer than %d bytes: left out", fsys.MaxPath)
	}
	var out []string
	for _, c := range strings.Split(name, "/") {
		switch {
		case c == "" || c == ".":
		case c == "..":
			return nil, errors.New(`the name holds "..": left out`)
		case !fsys.ValidName(c):
			return nil, errors.New("the name is impossible: left out")
		default:
			out = append(out, c)
		}
	}
	if len(out) > fsys.MaxDepth {
		return nil, fmt.Errorf("the name is deeper than %d directories: left out", fsys.MaxDepth)
	}
	return out, nil
}

// locate finds the directory of a name, and makes those that are missing. The
// root has no name.
func (t *Tree) locate(name string) (*member, string, error) {
	parts, err := components(name)
	if err != nil || len(parts) == 0 {
		return t.root, "", err
	}
	dir := t.root
	for _, c := range parts[:len(parts)-1] {
		next := dir.children[c]
		if next == nil {
			next = t.impliedDirectory()
			next.links = 1
			dir.children[c] = next
		}
		if next.children == nil {
			return nil, "", fmt.Errorf("the name leads through %q, a %s: left out", c, next.entry.Type)
		}
		dir = next
	}
	return dir, parts[len(parts)-1], nil
}

// add puts a member into the tree. An error tells what of it, or of what was there
// before, is left out.
func (t *Tree) add(m *Member) error {
	if t.count > MaxMembers {
		return errTooMany
	}
	parent, name, err := t.locate(m.Name)
	if err != nil {
		return err
	}
	if m.Hardlink {
		return t.link(parent, name, m.Link)
	}
	at, err := t.put(parent, name, m.Entry)
	if at != nil {
		at.attrs, at.body, at.err = m.attrs, m.body, m.Err
	}
	return err
}

// put gives a name to a new member, or describes a directory anew. With an error
// the member may be nil.
func (t *Tree) put(parent *member, name string, e report.Entry) (at *member, err error) {
	old := t.root
	if name != "" {
		old = parent.children[name]
	}
	if old != nil && old.children != nil {
		if e.Type == report.Directory {
			old.entry, old.implied = e, false
			return old, nil
		}
		if name == "" {
			return nil, fmt.Errorf("a %s takes the place of the root: left out", e.Type)
		}
		if len(old.children) > 0 {
			err = fmt.Errorf("the directory and what is in it are replaced by a %s", e.Type)
		}
	}
	if old != nil {
		old.links--
	}
	m := t.newMember(e)
	m.links = 1
	parent.children[name] = m
	return m, err
}

// link gives another name to a member.
func (t *Tree) link(parent *member, name, target string) error {
	from, base, err := t.find(target)
	if err != nil {
		return err
	}
	m := from.children[base]
	switch old := parent.children[name]; {
	case m == nil || base == "":
		return fmt.Errorf("it links to %q, which is not in the archive before it: left out", target)
	case m.children != nil:
		return fmt.Errorf("it links to the directory %q: left out", target)
	case name == "":
		return errors.New("a link takes the place of the root: left out")
	case old == m:
		return nil
	case old != nil && old.children != nil:
		return errors.New("a link takes the place of a directory: left out")
	case old != nil:
		old.links--
	}
	parent.children[name] = m
	m.links++
	return nil
}

// find looks a name up and makes nothing.
func (t *Tree) find(name string) (*member, string, error) {
	parts, err := components(name)
	if err != nil || len(parts) == 0 {
		return t.root, "", err
	}
	dir := t.root
	for _, c := range parts[:len(parts)-1] {
		if dir = dir.children[c]; dir == nil || dir.children == nil {
			return nil, "", fmt.Errorf("it links to %q, which is not in the archive before it: left out", name)
		}
	}
	return dir, parts[len(parts)-1], nil
}
