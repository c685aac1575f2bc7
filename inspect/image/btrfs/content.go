package btrfs

import (
	"fmt"
	"sort"
	"sync"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// Open implements fsys.Tree.
func (fs *FS) Open(n *fsys.Node) (fsys.Content, error) {
	p, ok := n.Sys.(place)
	if !ok || n.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this filesystem", n.Path)
	}
	c, err := fs.open(p)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	return c, nil
}

func (fs *FS) open(p place) (fsys.Content, error) {
	t, err := fs.tree(p.tree)
	if err != nil {
		return nil, err
	}
	data, err := t.find(key{p.inode, kindInode, 0})
	if err != nil {
		return nil, err
	}
	ino, err := decodeInode(p.inode, data)
	if err != nil {
		return nil, err
	}
	return fs.content(t, ino)
}

func (v *volume) content(t *tree, ino *inode) (fsys.Content, error) {
	runs, err := t.runs(ino, uint64(v.sb.sectorSize))
	if err != nil {
		return nil, err
	}
	return &content{volume: v, runs: runs, size: ino.size, verify: ino.flags&flagNoSums == 0}, nil
}

// content is a file's bytes.
type content struct {
	*volume
	runs   []run
	size   int64
	verify bool

	mu       sync.Mutex
	unpacked []byte // of the run that was decompressed last
	which    int
}

func (c *content) Size() int64  { return c.size }
func (c *content) Close() error { return nil }

// ReadAt implements io.ReaderAt.
func (c *content) ReadAt(p []byte, off int64) (int, error) {
	return fsys.ReadPieces(p, off, c.size, c.readPiece)
}

// readPiece reads up to the end of one run or of one hole.
func (c *content) readPiece(p []byte, from int64) (int, error) {
	off := uint64(from)
	i := sort.Search(len(c.runs), func(i int) bool { return c.runs[i].start+c.runs[i].length > off })
	if i == len(c.runs) {
		clear(p)
		return len(p), nil
	}
	r := &c.runs[i]
	if r.start > off {
		n := int(min(uint64(len(p)), r.start-off))
		clear(p[:n])
		return n, nil
	}
	p = p[:min(uint64(len(p)), r.start+r.length-off)]
	if r.compression == 0 && r.inline == nil {
		return len(p), c.readPlain(p, r.disk+r.offset+off-r.start)
	}
	data, err := c.decompressed(i)
	if err != nil {
		return 0, fmt.Errorf("extent at %d: %w", r.start, err)
	}
	at := min(r.offset+off-r.start, uint64(len(data)))
	clear(p[copy(p, data[at:]):]) // a stream that ends early goes on with zeros
	return len(p), nil
}

// readPlain reads what lies as it is. Checksums cover whole sectors, so the sectors of
// both ends are read apart where p holds only a part of them.
func (c *content) readPlain(p []byte, logical uint64) error {
	if !c.verify {
		return c.nodes.readAny(p, logical)
	}
	sector := uint64(c.sb.sectorSize)
	for len(p) > 0 {
		into := logical % sector
		if into == 0 && uint64(len(p)) >= sector {
			n := uint64(len(p)) / sector * sector
			if err := c.readVerified(p[:n], logical); err != nil {
				return err
			}
			p, logical = p[n:], logical+n
			continue
		}
		b := make([]byte, sector)
		if err := c.readVerified(b, logical-into); err != nil {
			return err
		}
		n := copy(p, b[into:])
		p, logical = p[n:], logical+uint64(n)
	}
	return nil
}

// decompressed is the content of run i, which is inline or compressed.
func (c *content) decompressed(i int) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unpacked != nil && c.which == i {
		return c.unpacked, nil
	}
	r := &c.runs[i]
	packed := r.inline
	if packed == nil {
		packed = make([]byte, r.size)
		read := c.readVerified
		if !c.verify {
			read = c.nodes.readAny
		}
		if err := read(packed, r.disk); err != nil {
			return nil, err
		}
	}
	data, err := c.unpacks.unpack(r.compression, packed, int(r.ram))
	if err != nil {
		return nil, err
	}
	c.unpacked, c.which = data, i
	return c.unpacked, nil
}

// Extents implements fsys.Content. A compressed extent lies nowhere byte by byte.
func (c *content) Extents() ([]fsys.Extent, error) {
	out := make([]fsys.Extent, 0, len(c.runs))
	for i := range c.runs {
		r := &c.runs[i]
		e := fsys.Extent{Offset: int64(r.start), Length: min(int64(r.length), c.size-int64(r.start)), Physical: -1}
		if r.compression == 0 && r.inline == nil {
			e.Physical = c.nodes.physical(r.disk + r.offset)
		}
		if e.Length > 0 {
			out = append(out, e)
		}
	}
	return out, nil
}
