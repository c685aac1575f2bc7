package squashfs

import (
	"errors"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// The bounds of one directory.
const (
	// dirBase is what a directory's size counts for "." and "..", which it does
	// not hold.
	dirBase = 3
	// maxRun is how many names one header may have: SQUASHFS_DIR_COUNT.
	maxRun = 256
	// maxNames bounds the memory that one directory may take.
	maxNames = 8 << 20
)

// A dirent is one name of a directory.
type dirent struct {
	name   string
	ref    reference
	number uint32
	kind   uint16
}

// base is the name.
func (d dirent) base() string { return d.name }

// A lister collects the names of one directory.
type lister struct {
	c *cursor
	// left are the bytes of the directory that are not read.
	left  int64
	names []dirent
	fsys.Faults
}

// list returns the names of a directory, sorted by their bytes, and how many bytes
// they take. With an error it returns those that could be read. Crossed is
// called for each block that holds names.
func (fs *FS) list(ino *inode, crossed func(at int64, size int) error) ([]dirent, int64, error) {
	if ino.size <= dirBase {
		return nil, 0, nil
	}
	c, err := fs.open(reference(ino.start)<<16|reference(ino.offset), fs.dirTable, fs.namesEnd(), crossed)
	if err != nil {
		return nil, 0, fmt.Errorf("directory inode %d: %w", ino.number, err)
	}
	l := lister{c: c, left: ino.size - dirBase}
	l.Fault(l.runs())
	l.names = fsys.SortNames(l.names, dirent.base, &l.Faults)
	taken := ino.size - dirBase - l.left
	if err := l.Err(); err != nil {
		return l.names, taken, fmt.Errorf("directory inode %d: %w", ino.number, err)
	}
	return l.names, taken, nil
}

// namesEnd is where the table of names ends: the next one begins there at the
// latest.
func (fs *FS) namesEnd() int64 {
	end := fs.idTable
	for _, t := range []int64{fs.fragmentTable, fs.exportTable} {
		if t != -1 {
			end = min(end, t)
		}
	}
	return end
}

// take reads the next n bytes of the directory.
func (l *lister) take(n int) ([]byte, error) {
	if int64(n) > l.left {
		return nil, errors.New("it ends within a name")
	}
	l.left -= int64(n)
	return l.c.bytes(n)
}

// runs reads struct squashfs_dir_header and its names, up to the end.
func (l *lister) runs() error {
	for l.left > 0 {
		b, err := l.take(12)
		if err != nil {
			return err
		}
		count, start, base := int64(le.Uint32(b))+1, le.Uint32(b[4:]), le.Uint32(b[8:])
		if count > maxRun {
			return fmt.Errorf("a run of %d names", count)
		}
		for range count {
			if err := l.name(start, base); err != nil {
				return err
			}
		}
	}
	return nil
}

// name reads struct squashfs_dir_entry. Inode numbers are told as differences.
func (l *lister) name(start, base uint32) error {
	b, err := l.take(8)
	if err != nil {
		return err
	}
	d := dirent{
		ref:    reference(start)<<16 | reference(le.Uint16(b)),
		number: base + uint32(int32(int16(le.Uint16(b[2:])))),
		kind:   le.Uint16(b[4:]),
	}
	length := int(le.Uint16(b[6:])) + 1
	if length > maxRun { // SQUASHFS_NAME_LEN
		return fmt.Errorf("a name of %d bytes", length)
	}
	if b, err = l.take(length); err != nil {
		return err
	}
	d.name = string(b)
	if !fsys.ValidName(d.name) {
		l.Fault(fmt.Errorf("it holds the impossible name %q", d.name))
		return nil
	}
	if len(l.names) == maxNames {
		return fmt.Errorf("it holds more than %d names", maxNames)
	}
	l.names = append(l.names, d)
	return nil
}
