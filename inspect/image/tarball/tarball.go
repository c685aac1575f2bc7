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
	// maxMembers bounds the memory of an index: about 400 bytes for each.
	maxMembers = 4 << 20
	// maxRecords bounds one extended header: Linux needs 64 KiB for the
	// attributes, and a path.
	maxRecords = 1 << 20
	// maxProblems bounds how many reasons are told.
	maxProblems = 5
)

// A Tree is an indexed archive. It implements fsys.Tree, and may be used
// concurrently.
type Tree struct {
	r    io.ReaderAt
	size int64
	root *member
	// count is of members and implied directories.
	count    int
	problems []error
	more     int
}

// A member is one inode. What has several names is one member.
type member struct {
	entry    report.Entry // without its path
	attrs    map[string]report.Raw
	inode    uint64
	links    uint32
	implied  bool
	children map[string]*member // of directories
	segments []segment
	// err is why the member could not be read whole, unread why its content
	// cannot be.
	err, unread error
}

// A segment is a run of a file's content in the archive.
type segment struct{ offset, length, at int64 }

// Open indexes the archive in the first size bytes of r.
func Open(ctx context.Context, r io.ReaderAt, size int64) (*Tree, error) {
	t := &Tree{r: r, size: size}
	t.root = t.impliedDirectory()
	t.root.links = 1
	x := indexer{tree: t}
	if err := x.run(ctx); err != nil {
		return nil, err
	}
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

// problem records that something of the archive is not in the tree.
func (t *Tree) problem(format string, args ...any) {
	if len(t.problems) == maxProblems {
		t.more++
		return
	}
	t.problems = append(t.problems, fmt.Errorf(format, args...))
}

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

func (t *Tree) missing() error {
	reasons := t.problems
	if t.more > 0 {
		reasons = append(slices.Clip(reasons), fmt.Errorf("and %d more", t.more))
	}
	return fsys.Reasons(reasons...)
}

func (m *member) node(path report.Raw) *fsys.Node {
	n := &fsys.Node{Entry: m.entry, Inode: m.inode, Links: m.links, Physical: -1, Err: m.err, Sys: m}
	n.Path = path
	n.SetXattrs(m.attrs)
	if len(m.segments) > 0 {
		n.Physical = m.segments[0].at
	}
	return n
}

// Open implements fsys.Tree.
func (t *Tree) Open(n *fsys.Node) (fsys.Content, error) {
	m, ok := n.Sys.(*member)
	if !ok || m.entry.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this archive", n.Path)
	}
	if m.unread != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, m.unread)
	}
	return &content{r: t.r, segments: m.segments, size: m.entry.Size}, nil
}

// content is a file's bytes in the archive.
type content struct {
	r        io.ReaderAt
	segments []segment
	size     int64
}

func (c *content) Size() int64  { return c.size }
func (c *content) Close() error { return nil }

// Extents implements fsys.Content.
func (c *content) Extents() ([]fsys.Extent, error) {
	var out []fsys.Extent
	for _, s := range c.segments {
		out = append(out, fsys.Extent{Offset: s.offset, Length: s.length, Physical: s.at})
	}
	return out, nil
}

// ReadAt implements io.ReaderAt.
func (c *content) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read at negative offset %d", off)
	}
	if off >= c.size {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), c.size-off))
	clear(p[:want])
	i, _ := slices.BinarySearchFunc(c.segments, off, func(s segment, off int64) int {
		if s.offset+s.length <= off {
			return -1
		}
		return 1
	})
	for _, s := range c.segments[i:] {
		from, to := max(s.offset, off), min(s.offset+s.length, off+int64(want))
		if from >= to {
			break
		}
		if n, err := c.r.ReadAt(p[from-off:to-off], s.at+from-s.offset); int64(n) < to-from {
			return int(from-off) + n, fmt.Errorf("read archive at byte %d: %w", s.at+from-s.offset, err)
		}
	}
	if want < len(p) {
		return want, io.EOF
	}
	return want, nil
}
