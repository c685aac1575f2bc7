package oci

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/tarball"
	"github.com/assay-os/assay/report"
)

// maxInodes bounds the memory of a merged tree: about 400 bytes for each.
const maxInodes = 4 << 20

// maxLinks is how many symbolic links Linux follows in one name, maxTarget how long
// the target of one is: path_resolution(7). maxSteps bounds the parts of targets that
// are gone through for all names of an image.
const (
	maxLinks  = 40
	maxTarget = 4096
	maxSteps  = 1 << 26
)

// A merged tree is the layers of an image on each other.
type merged struct {
	root *inode
	// count is of all inodes that were made.
	count int
	// layer is the number of the layer that is applied.
	layer int
	// steps counts the parts of the targets of links that names led through.
	steps    int
	problems []error
}

// An inode is one file, which may have several names.
type inode struct {
	entry    report.Entry // without its path
	attrs    map[string]report.Raw
	number   uint64
	links    uint32
	children map[string]name // of directories
	// pruned is the layer that last took away what is older in a directory.
	pruned   int
	member   *tarball.Member
	physical int64
	err      error
}

// A name is an entry of a directory. Layer is that of the last member of this name:
// a whiteout takes away what is older.
type name struct {
	*inode
	layer int
}

func newMerged() *merged {
	m := &merged{}
	m.root = m.implied()
	m.root.links = 1
	return m
}

func (m *merged) implied() *inode {
	return m.make(report.Entry{Type: report.Directory, Mode: 0o755, Mtime: time.Unix(0, 0).UTC()})
}

func (m *merged) make(e report.Entry) *inode {
	m.count++
	i := &inode{entry: e, number: uint64(m.count), physical: -1}
	if e.Type == report.Directory {
		i.children = map[string]name{}
	}
	return i
}

// apply puts a layer onto the tree. What of it is left out becomes a problem of the
// tree; an error says that the layer cannot be read.
func (m *merged) apply(ctx context.Context, layer *plain, what string) error {
	m.layer++
	if layer.size == 0 {
		return nil // an archive of nothing, without its trailer
	}
	missing, err := tarball.Scan(ctx, layer, layer.size, func(t *tarball.Member) error { return m.add(t, layer.base) })
	if missing != nil {
		m.problems = append(m.problems, fmt.Errorf("%s: %w", what, missing))
	}
	return err
}

// The names that stand for what is not there: layer.md, and AUFS, whose own
// files Docker's engine leaves out.
const (
	whiteout  = ".wh."
	auxiliary = ".wh..wh."
	opaque    = ".wh..wh..opq"
)

// add applies one member.
func (m *merged) add(t *tarball.Member, base int64) error {
	if m.count > maxInodes {
		return fmt.Errorf("%w: there are more than %d files", tarball.ErrStop, maxInodes)
	}
	parts, err := tarball.Components(t.Name)
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		if t.Hardlink || t.Entry.Type != report.Directory {
			return errors.New("it takes the place of the root: left out")
		}
		m.root.describe(t)
		return nil
	}
	for _, part := range parts[:len(parts)-1] {
		if strings.HasPrefix(part, auxiliary) {
			return nil
		}
		if strings.HasPrefix(part, whiteout) {
			return fmt.Errorf("the name leads through the whiteout %q: left out", part)
		}
	}
	last := parts[len(parts)-1]
	gone, isWhiteout := strings.CutPrefix(last, whiteout)
	parent, err := m.locate(parts[:len(parts)-1], !isWhiteout)
	if err != nil || parent == nil {
		return err
	}
	switch {
	case last == opaque:
		m.prune(parent)
	case strings.HasPrefix(last, auxiliary):
	case isWhiteout && !fsys.ValidName(gone):
		return errors.New("it takes away an impossible name: left out")
	case isWhiteout:
		m.remove(parent, gone)
	case t.Hardlink:
		return m.link(parent, last, t.Link)
	default:
		m.put(parent, last, t, base)
	}
	return nil
}

// locate finds the directory of a name. Where create is set it makes what is missing;
// else the result may be nil.
func (m *merged) locate(parts []string, create bool) (*inode, error) {
	at, links := []*inode{m.root}, 0
	todo := slices.Clone(parts)
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		dir := at[len(at)-1]
		switch part {
		case "", ".":
			continue
		case "..": // of a symbolic link: in the root it leads to the root
			at = at[:max(1, len(at)-1)]
			continue
		}
		next, ok := dir.children[part]
		if !ok {
			if !create {
				return nil, nil
			}
			if !fsys.ValidName(part) || len(at) > fsys.MaxDepth {
				return nil, errors.New("the name leads to an impossible place: left out")
			}
			next = name{m.implied(), m.layer}
			next.links = 1
			dir.children[part] = next
		}
		switch next.entry.Type {
		case report.Directory:
			at = append(at, next.inode)
		case report.Symlink:
			target := string(next.entry.Target)
			steps := strings.Split(target, "/")
			m.steps += len(steps)
			if links++; links > maxLinks || len(target) > maxTarget || m.steps > maxSteps {
				return nil, errors.New("the name leads through too many symbolic links: left out")
			}
			if strings.HasPrefix(target, "/") {
				at = at[:1]
			}
			todo = append(steps, todo...)
		default:
			if !create {
				return nil, nil // nothing can be there: umoci writes such whiteouts
			}
			return nil, fmt.Errorf("the name leads through %q, a %s: left out", part, next.entry.Type)
		}
	}
	return at[len(at)-1], nil
}

// describe gives a directory the facts of a member.
func (i *inode) describe(t *tarball.Member) {
	i.entry, i.attrs, i.err, i.member = t.Entry, t.Xattrs(), t.Err, t
}

// put gives a name to a member.
func (m *merged) put(parent *inode, last string, t *tarball.Member, base int64) {
	old, ok := parent.children[last]
	if ok && old.children != nil && t.Entry.Type == report.Directory {
		old.describe(t)
		parent.children[last] = name{old.inode, m.layer}
		return
	}
	if ok {
		old.unlink()
	}
	i := m.make(t.Entry)
	i.links = 1
	i.describe(t)
	if start := t.Start(); start >= 0 {
		i.physical = base + start
	}
	parent.children[last] = name{i, m.layer}
}

// unlink takes one name from what is at it and below.
func (i *inode) unlink() {
	i.links--
	for _, c := range i.children {
		c.unlink()
	}
}

// remove applies a whiteout: what older layers have at the name and below goes.
func (m *merged) remove(parent *inode, last string) {
	old, ok := parent.children[last]
	if !ok {
		return
	}
	if old.children != nil {
		m.prune(old.inode)
	}
	if old.layer < m.layer && len(old.children) == 0 {
		old.unlink()
		delete(parent.children, last)
	}
}

// prune takes away what older layers have in a directory.
func (m *merged) prune(dir *inode) {
	if dir.pruned == m.layer {
		return // what is there now came with this layer
	}
	dir.pruned = m.layer
	for n := range dir.children {
		m.remove(dir, n)
	}
}

// link gives another name to what target is.
func (m *merged) link(parent *inode, last, target string) error {
	parts, err := tarball.Components(target)
	if err != nil || len(parts) == 0 {
		return fmt.Errorf("it links to %q, which no layer can hold: left out", target)
	}
	from, err := m.locate(parts[:len(parts)-1], false)
	if err != nil || from == nil {
		return fmt.Errorf("it links to %q, which is not there: left out", target)
	}
	to, ok := from.children[parts[len(parts)-1]]
	switch old, there := parent.children[last]; {
	case !ok:
		return fmt.Errorf("it links to %q, which is not there: left out", target)
	case to.children != nil:
		return fmt.Errorf("it links to the directory %q: left out", target)
	case there && old.inode == to.inode:
		parent.children[last] = name{to.inode, m.layer}
		return nil
	case there:
		old.unlink()
	}
	to.links++
	parent.children[last] = name{to.inode, m.layer}
	return nil
}

// Walk implements fsys.Tree.
func (m *merged) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	return m.walk(ctx, m.root, "/", 0, fn)
}

func (m *merged) walk(ctx context.Context, i *inode, path report.Raw, depth int, fn func(*fsys.Node) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n := &fsys.Node{Entry: i.entry, Inode: i.number, Links: i.links, Physical: i.physical, Err: i.err, Sys: i}
	n.Path = path
	n.SetXattrs(i.attrs)
	if i == m.root {
		n.Fail(fsys.Reasons(m.problems...))
	}
	deep := i.children != nil && (depth >= fsys.MaxDepth || len(path) > fsys.MaxPath)
	if deep {
		n.Fail(fmt.Errorf("the tree is deeper than %d names or %d bytes: not read further", fsys.MaxDepth, fsys.MaxPath))
	}
	if err := fn(n); err != nil || deep {
		return err
	}
	for _, c := range slices.Sorted(maps.Keys(i.children)) {
		if err := m.walk(ctx, i.children[c].inode, fsys.Join(path, c), depth+1, fn); err != nil {
			return err
		}
	}
	return nil
}

// Open implements fsys.Tree.
func (m *merged) Open(n *fsys.Node) (fsys.Content, error) {
	i, ok := n.Sys.(*inode)
	if !ok || i.entry.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this image", n.Path)
	}
	c, err := i.member.Content()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	return &content{Content: c, shift: i.physical - i.member.Start()}, nil
}

// content moves the places of a layer to those of the image.
type content struct {
	fsys.Content
	shift int64
}

// Extents implements fsys.Content.
func (c *content) Extents() ([]fsys.Extent, error) {
	runs, err := c.Content.Extents()
	for n := range runs {
		runs[n].Physical += c.shift
	}
	return runs, err
}
