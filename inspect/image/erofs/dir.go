package erofs

import (
	"bytes"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// A dirent is one name of a directory.
type dirent struct {
	name string
	nid  uint64
	kind byte
}

const (
	direntSize = 12
	nameMax    = 255
)

// A lister collects the names of one directory.
type lister struct {
	names []dirent
	fsys.Faults
}

// list returns the names of a directory but "." and "..", sorted. With an
// error it returns those that could be read.
func (fs *FS) list(ino *inode) ([]dirent, error) {
	var l lister
	l.Fault(fs.eachBlock(ino, l.block))
	l.names = fsys.SortNames(l.names, dirent.base, &l.Faults)
	if err := l.Err(); err != nil {
		return l.names, fmt.Errorf("directory inode %d: %w", ino.nid, err)
	}
	return l.names, nil
}

// eachBlock calls fn for the blocks of a directory. An error ends it.
func (fs *FS) eachBlock(ino *inode, fn func([]byte) error) error {
	c, err := fs.content(ino)
	if err != nil {
		return err
	}
	b := make([]byte, fs.blockSize)
	for at := int64(0); at < c.size; at += fs.blockSize {
		b := b[:min(fs.blockSize, c.size-at)]
		if err := c.read(b, at); err != nil {
			return err
		}
		if err := fn(b); err != nil {
			return fmt.Errorf("block %d: %w", at>>fs.blockBits, err)
		}
	}
	return nil
}

// block reads the names of one block: entries of a fixed size, and behind them the
// names. The first name's place says how many entries there are.
func (l *lister) block(b []byte) error {
	if len(b) < direntSize {
		return fmt.Errorf("%d bytes hold no entry", len(b))
	}
	first := int(le.Uint16(b[8:]))
	if first < direntSize || first%direntSize != 0 || first > len(b) {
		return fmt.Errorf("the first name at byte %d of %d", first, len(b))
	}
	for at := 0; at < first; at += direntSize {
		e := b[at:]
		start, end := int(le.Uint16(e[8:])), len(b)
		if at+direntSize < first {
			end = int(le.Uint16(e[direntSize+8:]))
		} else if cut := bytes.IndexByte(b[min(start, len(b)):], 0); cut >= 0 {
			end = start + cut
		}
		if start < first || start >= end || end > len(b) || end-start > nameMax {
			return fmt.Errorf("a name from byte %d to %d of %d", start, end, len(b))
		}
		l.entry(dirent{name: string(b[start:end]), nid: le.Uint64(e), kind: e[10]})
	}
	return nil
}

func (l *lister) entry(d dirent) {
	switch {
	case d.name == "." || d.name == "..":
	case !fsys.ValidName(d.name):
		l.Fault(fmt.Errorf("it holds the impossible name %q", d.name))
	default:
		l.names = append(l.names, d)
	}
}

// base is the name.
func (d dirent) base() string { return d.name }
