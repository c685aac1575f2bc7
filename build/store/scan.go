package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// A scanned is one name that a step changed, as it lies on disk.
type scanned struct {
	disk string
	node *inode
	item *item
}

// A scanner finds out how the directory root differs from base. It makes the
// directory fit to be a layer on the way: times clamped, overlayfs' own
// attributes and sockets gone.
type scanner struct {
	root  string
	base  *fold
	epoch time.Time
	// overlay says that root is an overlay's upper directory, where a
	// character device 0:0 means "removed".
	overlay bool
	// before, for a whole tree, tells what did not change since.
	before snapshot

	found   []*scanned
	dropped []string
	// seen are all paths of a whole tree; gone are paths of base that may be
	// removed: those of them that are not in found are.
	seen map[report.Raw]bool
	gone map[report.Raw]bool
	// same are the unchanged names of inodes that have several.
	same map[uint64][]report.Raw
}

func (s *scanner) disk(path report.Raw) string { return filepath.Join(s.root, string(path)) }

// run scans everything and returns the delta.
func (s *scanner) run(ctx context.Context) (*delta, error) {
	s.gone = make(map[report.Raw]bool)
	s.seen = make(map[report.Raw]bool)
	s.same = make(map[uint64][]report.Raw)
	if err := s.visit(ctx, "/"); err != nil {
		return nil, err
	}
	if err := s.complete(ctx); err != nil {
		return nil, err
	}
	if s.before != nil {
		for _, i := range s.base.items {
			if !s.seen[i.entry.Path] {
				s.gone[i.entry.Path] = true
			}
		}
	}
	if err := s.digest(ctx); err != nil {
		return nil, err
	}
	s.group()
	return s.delta()
}

// visit scans one name and what is in it.
func (s *scanner) visit(ctx context.Context, path report.Raw) error {
	disk := s.disk(path)
	var st unix.Stat_t
	if err := unix.Lstat(disk, &st); err != nil {
		return &os.PathError{Op: "lstat", Path: disk, Err: err}
	}
	s.seen[path] = true
	if s.before.same(string(path), &st) {
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return s.children(ctx, path)
		}
		if st.Nlink > 1 {
			s.same[st.Ino] = append(s.same[st.Ino], path)
		}
		return nil
	}
	n, err := readInode(disk)
	if err != nil {
		return err
	}
	switch {
	case n.isWhiteout():
		return s.whiteout(path, disk)
	case n.isSocket():
		return s.socket(path, disk)
	}
	return s.record(ctx, path, disk, n)
}

// complete adds the other names of what was found. A renamed directory gives a
// file in it a new name and touches neither the inode nor its other names.
func (s *scanner) complete(ctx context.Context) error {
	for _, f := range slices.Clone(s.found) {
		names := s.same[f.node.st.Ino]
		delete(s.same, f.node.st.Ino)
		for _, path := range names {
			disk := s.disk(path)
			n, err := readInode(disk)
			if err != nil {
				return err
			}
			if err := s.record(ctx, path, disk, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// whiteout handles the mark of a removed name.
func (s *scanner) whiteout(path report.Raw, disk string) error {
	if !s.overlay {
		return fmt.Errorf("%s is a character device 0:0, by which a layer marks a removed file; a tree cannot hold it", path)
	}
	if s.base.entry(path) == nil {
		return os.Remove(disk)
	}
	s.hide(path)
	return nil
}

// socket drops a socket: without the process that made it, it means nothing,
// and no image format can hold it.
func (s *scanner) socket(path report.Raw, disk string) error {
	s.dropped = append(s.dropped, path.String())
	delete(s.seen, path)
	if err := os.Remove(disk); err != nil {
		return err
	}
	if !s.overlay || s.base.entry(path) == nil {
		return nil
	}
	s.hide(path)
	return makeWhiteout(disk)
}

// hide notes that path and everything below it in the base may be gone.
func (s *scanner) hide(path report.Raw) {
	s.gone[path] = true
	for i := range s.base.below(path) {
		s.gone[i.entry.Path] = true
	}
}

// record notes an entry. The time of a directory is set when everything in it
// is done.
func (s *scanner) record(ctx context.Context, path report.Raw, disk string, n *inode) error {
	e, err := n.entry(string(path), disk, s.epoch)
	if err != nil {
		return err
	}
	if old := s.base.entry(path); old != nil && s.before == nil && (n.opaque || !n.isDir()) {
		s.hide(path)
	}
	s.found = append(s.found, &scanned{disk: disk, node: n, item: &item{entry: e}})
	if err := s.strip(disk, n); err != nil {
		return err
	}
	if n.isDir() {
		if err := s.children(ctx, path); err != nil {
			return err
		}
	}
	if unchanged := n.st.Mtim.Sec == e.Mtime.Unix() && n.st.Mtim.Nsec == 0; unchanged && !n.isDir() {
		return nil
	}
	return setMtime(disk, e.Mtime)
}

func (s *scanner) children(ctx context.Context, path report.Raw) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	names, err := os.ReadDir(s.disk(path))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.visit(ctx, fsys.Join(path, name.Name())); err != nil {
			return err
		}
	}
	return nil
}

// strip removes overlayfs' attributes: they name inodes of the layers below,
// and a layer must fit on any stack with equal content. Opaque marks stay.
func (s *scanner) strip(disk string, n *inode) error {
	for _, name := range n.own {
		if name == opaqueXattr && n.opaque && s.overlay && n.isDir() {
			continue
		}
		if err := unix.Lremovexattr(disk, name); err != nil {
			return &os.PathError{Op: "remove attribute " + name + " of", Path: disk, Err: err}
		}
	}
	return nil
}

// digest hashes the files, each inode once, two at a time.
func (s *scanner) digest(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	first := make(map[uint64]*scanned)
	var again []*scanned
	for _, f := range s.found {
		if f.item.entry.Type != report.File {
			continue
		}
		if _, ok := first[f.node.st.Ino]; ok {
			again = append(again, f)
			continue
		}
		first[f.node.st.Ino] = f
		g.Go(func() (err error) {
			f.item.entry.SHA256, err = hashFile(ctx, f.disk)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, f := range again {
		f.item.entry.SHA256 = first[f.node.st.Ino].item.entry.SHA256
	}
	return nil
}

func hashFile(ctx context.Context, path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if err := hashContent(&contextWriter{ctx, h}, f); err != nil {
		return "", fmt.Errorf("hash %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// maxHoles bounds the zeros that one file's holes may stand for: a step makes
// exabytes of them in an instant, and hashing them would not end. A TiB takes minutes.
const maxHoles = 1 << 40

// hashContent writes a file to w. The holes of a disk image are written from
// one small buffer: read, they would fill the page cache with zeros.
func hashContent(w io.Writer, f *os.File) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	buf := make([]byte, 256<<10)
	if st.Blocks*512 >= st.Size {
		_, err := io.CopyBuffer(w, struct{ io.Reader }{f}, buf)
		return err
	}
	zeros, done, holes := make([]byte, len(buf)), int64(0), int64(0)
	fill := func(end int64) error {
		if holes += end - done; holes > maxHoles {
			return fmt.Errorf("its holes stand for more than %d bytes of zeros", int64(maxHoles))
		}
		for ; done < end; done += min(end-done, int64(len(zeros))) {
			if _, err := w.Write(zeros[:min(end-done, int64(len(zeros)))]); err != nil {
				return err
			}
		}
		return nil
	}
	err := dataRuns(f, st.Size, func(start, end int64) error {
		if err := fill(start); err != nil {
			return err
		}
		n, err := io.CopyBuffer(w, io.LimitReader(f, end-start), buf)
		done += n
		return err
	})
	if err != nil {
		return err
	}
	return fill(st.Size)
}

// group fills in Hardlink. The names of one inode are all in found: the index
// of overlayfs and the time of status change both see to it.
func (s *scanner) group() {
	names := make(map[uint64][]*scanned)
	for _, f := range s.found {
		if !f.node.isDir() && f.node.st.Nlink > 1 {
			names[f.node.st.Ino] = append(names[f.node.st.Ino], f)
		}
	}
	for _, list := range names {
		if len(list) < 2 {
			continue
		}
		slices.SortFunc(list, func(a, b *scanned) int { return compareItems(a.item, b.item) })
		for _, f := range list {
			f.item.entry.Hardlink = list[0].item.entry.Path
		}
	}
}

// delta sorts what was found into what differs from the base and what does not.
func (s *scanner) delta() (*delta, error) {
	d := new(delta)
	l := newLiner()
	for _, f := range s.found {
		var err error
		if f.item.line, err = l.line(f.item.entry); err != nil {
			return nil, err
		}
		delete(s.gone, f.item.entry.Path)
		old := s.base.entry(f.item.entry.Path)
		if old != nil && string(old.line) == string(f.item.line) {
			d.carried = append(d.carried, f.item)
		} else {
			d.changed = append(d.changed, f.item)
		}
	}
	slices.SortFunc(d.changed, compareItems)
	slices.SortFunc(d.carried, compareItems)
	for path := range s.gone {
		if s.base.entry(path) != nil {
			d.removed = append(d.removed, path)
		}
	}
	slices.Sort(d.removed)
	slices.Sort(s.dropped)
	return d, checkGroups(s.base, d)
}

// checkGroups makes sure that no hard-link group of the base is half in the
// layer: its names would become different files in the next step.
func checkGroups(base *fold, d *delta) error {
	in := make(map[report.Raw]bool)
	for _, list := range [][]*item{d.changed, d.carried} {
		for _, i := range list {
			in[i.entry.Path] = true
		}
	}
	for _, p := range d.removed {
		in[p] = true
	}
	for _, members := range base.groups() {
		touched := 0
		for _, i := range members {
			if in[i.entry.Path] {
				touched++
			}
		}
		if touched != 0 && touched != len(members) {
			return fmt.Errorf("hard links of %s came apart: %d of %d names changed", members[0].entry.Path, touched, len(members))
		}
	}
	return nil
}

// groups gives the items of each hard-link group, sorted.
func (f *fold) groups() map[report.Raw][]*item {
	g := make(map[report.Raw][]*item)
	for _, i := range f.items {
		if h := i.entry.Hardlink; h != "" {
			g[h] = append(g[h], i)
		}
	}
	return g
}

func makeWhiteout(disk string) error {
	if err := unix.Mknod(disk, unix.S_IFCHR, 0); err != nil {
		return &os.PathError{Op: "make whiteout", Path: disk, Err: err}
	}
	return nil
}
