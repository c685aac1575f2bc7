// Package tarball reads tar archives as trees: v7, ustar, pax and GNU, with
// long names, sparse files of all four forms, attributes and ACLs.
//
// The archive is indexed once, headers only, and contents are read where they
// lie: it has to be at hand as an io.ReaderAt. Decompression is the caller's.
//
// What an archive leaves open is decided so:
//
//   - a later member with the path of an earlier one replaces it, as when both
//     are extracted; a directory keeps what is in it;
//   - a directory that no member describes is implied by the members below:
//     mode 0755, owner 0:0, the time 1970-01-01;
//   - leading slashes are taken off, as tar(1) does. A name with "..", or one
//     that leads through something that is no directory, is left out;
//   - a hard link is another name of the file that its target was at that point.
//
// What is left out, cut off or unknown is told in the error of the root, so
// that nothing is missing in silence.
package tarball

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// The bounds of an index.
const (
	// MaxMembers bounds the memory of an index: about 400 bytes for each.
	MaxMembers = 4 << 20
	// maxRecords bounds one extended header: Linux needs 64 KiB for the
	// attributes, and a path.
	maxRecords = 1 << 20
	// maxProblems bounds how many reasons are told.
	maxProblems = 5
)

// A Tree is an indexed archive. It implements fsys.Tree, and may be used
// concurrently.
type Tree struct {
	root *member
	// count is of members and implied directories.
	count int
	problems
}

// A member is one inode. What has several names is one member.
type member struct {
	entry    report.Entry // without its path
	attrs    map[string]report.Raw
	inode    uint64
	links    uint32
	implied  bool
	children map[string]*member // of directories
	body     body
	// err is why the member could not be read whole.
	err error
}

// A segment is a run of a file's content in the archive.
type segment struct{ offset, length, at int64 }

// Open indexes the archive in the first size bytes of r.
func Open(ctx context.Context, r io.ReaderAt, size int64) (*Tree, error) {
	t := New()
	x := indexer{r: r, size: size, add: t.add}
	if err := x.run(ctx); err != nil {
		return nil, err
	}
	t.problems = x.problems
	return t, nil
}

func (t *Tree) impliedDirectory() *member {
	m := t.newMember(report.Entry{Type: report.Directory, Mode: 0o755, Mtime: time.Unix(0, 0).UTC()})
	m.implied = true
	return m
}

func (t *Tree) newMember(e report.Entry) *member {
	t.count++
	m := &member{entry: e, inode: uint64(t.count)}
	if e.Type == report.Directory {
		m.children = map[string]*member{}
	}
	return m
}

// Holds tells whether a name is in the top directory.
func (t *Tree) Holds(name string) bool { return t.root.children[name] != nil }

// Walk implements fsys.Tree.
func (t *Tree) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	return t.walk(ctx, t.root, "/", fn)
}

func (t *Tree) walk(ctx context.Context, m *member, path report.Raw, fn func(*fsys.Node) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n := m.node(path)
	if m == t.root {
		n.Fail(t.missing())
	}
	if err := fn(n); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m.children)) {
		if err := t.walk(ctx, m.children[name], fsys.Join(path, name), fn); err != nil {
			return err
		}
	}
	return nil
}

func (m *member) node(path report.Raw) *fsys.Node {
	n := &fsys.Node{Entry: m.entry, Inode: m.inode, Links: m.links, Physical: -1, Err: m.err, Sys: m}
	n.Path = path
	n.SetXattrs(m.attrs)
	n.Physical = m.body.start()
	return n
}

// Open implements fsys.Tree.
func (t *Tree) Open(n *fsys.Node) (fsys.Content, error) {
	m, ok := n.Sys.(*member)
	if !ok || m.entry.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this archive", n.Path)
	}
	c, err := m.body.open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	return c, nil
}
