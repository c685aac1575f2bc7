package iso9660

import (
	"context"
	"errors"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// A file is what Open needs of one.
type file struct {
	runs []fsys.Extent
	size int64
}

// A walker is one walk.
type walker struct {
	fs      *FS
	ctx     context.Context
	fn      func(*fsys.Node) error
	claimed map[int64]bool    // sectors that hold directories
	serials map[uint32]*entry // what each serial number stands for
}

// Walk implements fsys.Tree.
func (fs *FS) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	w := walker{fs: fs, ctx: ctx, fn: fn, claimed: map[int64]bool{}, serials: map[uint32]*entry{}}
	return w.visit(&entry{record: fs.root}, "/", 0)
}

// visit shows one name, and what is below it.
func (w *walker) visit(e *entry, path report.Raw, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	n := &fsys.Node{Entry: report.Entry{Path: path}, Links: 1, Physical: -1}
	n.Fail(e.err)
	if !e.directory() && e.child == nil {
		w.fill(n, e)
		return w.fn(n)
	}
	names := w.enter(n, e, depth)
	if err := w.fn(n); err != nil {
		return err
	}
	for _, name := range names {
		if err := w.visit(name, fsys.Join(path, name.name), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// enter reads a directory: what it says of itself stands in its first record.
func (w *walker) enter(n *fsys.Node, e *entry, depth int) []*entry {
	block := e.extent
	if e.child != nil {
		block = *e.child
	}
	dot, err := w.fs.firstRecord(block)
	if err != nil {
		w.fill(n, e)
		n.Type = report.Directory
		n.Fail(fmt.Errorf("the directory: %w", err))
		return nil
	}
	self := &entry{record: dot}
	if w.fs.names == rockRidge {
		self.posix, err = w.fs.posix(&dot)
		n.Fail(err)
	}
	w.fill(n, self)
	n.Type = report.Directory
	if depth > fsys.MaxDepth || len(n.Path) > fsys.MaxPath {
		n.Fail(fmt.Errorf("the tree is deeper than %d names or %d bytes: not read further", fsys.MaxDepth, fsys.MaxPath))
		return nil
	}
	data, err := w.read(block, int64(dot.size))
	n.Fail(err)
	names, err := w.fs.list(data)
	n.Fail(err)
	return names
}

// read gives the bytes of a directory, unless they were read before.
func (w *walker) read(block uint32, size int64) ([]byte, error) {
	at := int64(block) * w.fs.blockSize
	if !w.fs.within(at, size) {
		return nil, fmt.Errorf("the directory has %d bytes at block %d, which are outside of the image", size, block)
	}
	for s := at / sectorSize; s*sectorSize < at+size; s++ {
		if w.claimed[s] {
			return nil, fmt.Errorf("the directory at block %d was read before, or overlaps one: not read again", block)
		}
		w.claimed[s] = true
	}
	data := make([]byte, size)
	if n, err := w.fs.r.ReadAt(data, at); n < len(data) {
		return data[:n], fmt.Errorf("read the directory at block %d: %w", block, err)
	}
	return data, nil
}

// fill sets the fields of a node.
func (w *walker) fill(n *fsys.Node, e *entry) {
	n.Type, n.Mode, n.Mtime = report.File, 0o555, e.mtime()
	if e.directory() {
		n.Type = report.Directory
	}
	if e.modified != nil {
		n.Mtime = *e.modified
	}
	if e.known {
		w.fillPOSIX(n, e)
	}
	if n.Type == report.File {
		w.fillFile(n, e)
	}
}

// fillPOSIX sets what the field PX says.
func (w *walker) fillPOSIX(n *fsys.Node, e *entry) {
	kinds := map[uint32]report.Type{0o100000: report.File, 0o040000: report.Directory, 0o120000: report.Symlink,
		0o020000: report.Char, 0o060000: report.Block, 0o010000: report.FIFO, 0o140000: report.Socket}
	kind, ok := kinds[e.mode&0o170000]
	if !ok || (kind == report.Directory) != e.directory() && e.child == nil {
		n.Fail(fmt.Errorf("its mode is %#o, which is no type or not that of the record", e.mode))
	} else {
		n.Type = kind
	}
	n.Mode, n.UID, n.GID = report.Mode(e.mode&0o7777), e.uid, e.gid
	n.Links = max(1, e.links)
	switch n.Type {
	case report.Symlink:
		n.Target = report.Raw(e.target.text)
	case report.Char, report.Block:
		if n.Device = e.number(); !e.device {
			n.Fail(errors.New("it is a device without a number"))
		}
	}
	if n.Links > 1 && n.Type != report.Directory {
		n.Inode = w.inode(n, e)
	}
}

// inode is what names of one file share. A serial number that stands for two
// contents is none.
func (w *walker) inode(n *fsys.Node, e *entry) uint64 {
	if e.serial == 0 {
		if e.size == 0 {
			return 0
		}
		return 1<<32 | uint64(e.extent)
	}
	first, ok := w.serials[e.serial]
	if !ok {
		w.serials[e.serial] = e
		return uint64(e.serial)
	}
	same := first.mode == e.mode && first.size == e.size && (e.size == 0 || first.extent == e.extent) &&
		first.number() == e.number() && first.target.text == e.target.text
	if !same {
		n.Fail(fmt.Errorf("another file has its serial number %d", e.serial))
		return 0
	}
	return uint64(e.serial)
}

// fillFile sets what lets the content be read.
func (w *walker) fillFile(n *fsys.Node, e *entry) {
	n.Size = e.size
	switch {
	case e.zipped:
		n.Fail(errors.New("it is compressed (zisofs): not read"))
	case e.sparse:
		n.Fail(errors.New("it is a sparse file of Rock Ridge: not read"))
	}
	if n.Err != nil {
		return
	}
	n.Sys = &file{runs: e.list, size: e.size}
	if len(e.list) > 0 {
		n.Physical = e.list[0].Physical
	}
}
