package fat

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// A walker is one walk.
type walker struct {
	fs      *FS
	ctx     context.Context
	fn      func(*fsys.Node) error
	claimed set // clusters of what the walk has shown
}

// Walk implements fsys.Tree.
func (fs *FS) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	w := walker{fs: fs, ctx: ctx, fn: fn, claimed: make(set, fs.clusters/64+1)}
	root := &fsys.Node{Entry: report.Entry{Path: "/", Type: report.Directory, Mode: 0o755, Mtime: time.Unix(0, 0).UTC()}, Links: 1, Physical: -1}
	root.Fail(fs.table.compare())
	data, err := w.root()
	root.Fail(err)
	return w.directory(root, data, 0)
}

// root is the root directory: a chain, or a place of its own.
func (w *walker) root() ([]byte, error) {
	if w.fs.bits == 32 {
		return w.content(w.fs.rootCluster)
	}
	data := make([]byte, w.fs.rootEntries*direntSize)
	if n, err := w.fs.r.ReadAt(data, w.fs.rootStart()); n < len(data) {
		return data[:n], fmt.Errorf("read root directory at byte %d: %w", w.fs.rootStart(), err)
	}
	return data, nil
}

// content reads the chain of a directory. With an error it returns what
// comes before.
func (w *walker) content(first uint32) ([]byte, error) {
	var data []byte
	for n := first; ; {
		if !w.fs.table.valid(n) {
			return data, fmt.Errorf("its first cluster is %d, of %d", n, w.fs.clusters+1)
		}
		if !w.claimed.add(n) {
			return data, fmt.Errorf("cluster %d belongs to its chain and another, or is in it twice", n)
		}
		piece := make([]byte, w.fs.clusterSize)
		if got, err := w.fs.r.ReadAt(piece, w.fs.clusterAt(n)); got < len(piece) {
			return data, fmt.Errorf("read cluster %d: %w", n, err)
		}
		if data = append(data, piece...); len(data) > maxDirectory {
			return data[:maxDirectory], fmt.Errorf("the directory has more than %d bytes, the most that one may have", maxDirectory)
		}
		next, err := w.fs.table.next(n)
		if next == 0 {
			return data, err
		}
		n = next
	}
}

// directory shows a directory whose bytes were read, and what is in it.
func (w *walker) directory(n *fsys.Node, data []byte, depth int) error {
	names, err := w.fs.list(data)
	n.Fail(err)
	if depth > fsys.MaxDepth || len(n.Path) > fsys.MaxPath {
		n.Fail(fmt.Errorf("the tree is deeper than %d names or %d bytes: not read further", fsys.MaxDepth, fsys.MaxPath))
		names = nil
	}
	if err := w.fn(n); err != nil {
		return err
	}
	for _, d := range names {
		if err := w.visit(d, fsys.Join(n.Path, d.name), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// visit shows one name, and what is below it.
func (w *walker) visit(d dirent, path report.Raw, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	n := w.node(d, path)
	if n.Type == report.File {
		w.file(n, d)
		return w.fn(n)
	}
	if d.first == 0 { // Linux shows it empty
		return w.directory(n, nil, depth)
	}
	data, err := w.content(d.first)
	n.Fail(err)
	return w.directory(n, data, depth)
}

// file checks a file's chain, and lets those be opened that have a whole one
// of their own.
func (w *walker) file(n *fsys.Node, d dirent) {
	n.Size, n.Sys = d.size, d
	if d.size == 0 {
		return
	}
	if err := w.fs.chain(d.first, w.fs.clustersOf(d.size), w.claimed, func(uint32) {}); err != nil {
		n.Fail(err)
		n.Sys = nil
		return
	}
	n.Physical = w.fs.clusterAt(d.first)
}

// node has the fields of an entry. Linux takes read-only from files alone.
func (w *walker) node(d dirent, path report.Raw) *fsys.Node {
	n := &fsys.Node{Entry: report.Entry{Path: path, Type: report.File, Mode: 0o755, Mtime: mtime(d.date, d.time)}, Links: 1, Physical: -1}
	if d.attr&attrDirectory != 0 {
		n.Type = report.Directory
	} else if d.attr&attrReadOnly != 0 {
		n.Mode = 0o555
	}
	n.Attributes = attributes(d.attr)
	return n
}

// attributes names those that a mode does not show.
func attributes(attr byte) string {
	var names []string
	add := func(is bool, name string) {
		if is {
			names = append(names, name)
		}
	}
	add(attr&attrArchive != 0, "archive")
	add(attr&attrHidden != 0, "hidden")
	add(attr&(attrReadOnly|attrDirectory) == attrReadOnly|attrDirectory, "read-only")
	add(attr&attrSystem != 0, "system")
	return strings.Join(names, ",")
}

// mtime is a date and a time of two seconds' precision, which have no zone, as
// UTC. Impossible ones mean what they mean to Linux (fat_time_fat2unix): no
// month or day is the first, no month after December has days before it, and
// hours and minutes are only added.
func mtime(date, clock uint16) time.Time {
	before := [16]int{0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}
	year, month, day := int(date>>9), max(1, int(date>>5&0xf)), max(1, int(date&0x1f))
	leaps := (year + 3) / 4
	const not2100 = 2100 - 1980
	if year > not2100 {
		leaps--
	}
	if year%4 == 0 && year != not2100 && month > 2 {
		leaps++
	}
	const to1980 = 10*365 + 2
	days := int64(year*365 + leaps + before[month] + day - 1 + to1980)
	seconds := int64(clock&0x1f)*2 + int64(clock>>5&0x3f)*60 + int64(clock>>11)*3600
	return time.Unix(days*86400+seconds, 0).UTC()
}
