package iso9660

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/runs"
)

// An entry is one name of a directory, with all extents of a file.
type entry struct {
	record
	posix
	name string
	list []fsys.Extent
	size int64
	err  error
}

// firstRecord is the first record of a directory, which stands for itself.
func (fs *FS) firstRecord(block uint32) (record, error) {
	at := int64(block) * fs.blockSize
	b := make([]byte, 256)
	if !fs.within(at, int64(len(b))) {
		return record{}, fmt.Errorf("block %d is outside of the image", block)
	}
	if n, err := fs.r.ReadAt(b, at); n < len(b) {
		return record{}, fmt.Errorf("read block %d: %w", block, err)
	}
	return parseRecord(b[:b[0]])
}

// A lister collects the names of one directory.
type lister struct {
	fs      *FS
	entries []*entry
	open    *entry // a file of which another extent follows
	errs    []error
}

// fail keeps the first few reasons; a broken directory has thousands.
func (l *lister) fail(err error) {
	if len(l.errs) < 3 {
		l.errs = append(l.errs, err)
	}
}

// list reads the names in the bytes of a directory, sorted.
func (fs *FS) list(data []byte) ([]*entry, error) {
	l := lister{fs: fs}
	for at := 0; at < len(data); {
		length := int(data[at])
		if length == 0 { // no record crosses a sector
			at = (at/sectorSize + 1) * sectorSize
			continue
		}
		if at+length > len(data) || at/sectorSize != (at+length-1)/sectorSize {
			l.fail(fmt.Errorf("a record at byte %d has %d bytes", at, length))
			break
		}
		rec, err := parseRecord(data[at : at+length])
		if err != nil {
			l.fail(fmt.Errorf("at byte %d: %w", at, err))
			break
		}
		if !rec.self() && rec.flags&flagAssociated == 0 {
			l.add(rec)
		}
		at += length
	}
	if l.open != nil {
		l.fail(fmt.Errorf("the last extent of %q is missing", l.open.name))
	}
	return l.sorted()
}

func (l *lister) sorted() ([]*entry, error) {
	slices.SortStableFunc(l.entries, func(a, b *entry) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(l.entries); i++ {
		if l.entries[i].name == l.entries[i-1].name {
			l.fail(fmt.Errorf("the name %q is in it twice", l.entries[i].name))
		}
	}
	l.entries = slices.CompactFunc(l.entries, func(a, b *entry) bool { return a.name == b.name })
	return l.entries, fsys.Reasons(l.errs...)
}

// add takes a record: a new name, or another extent of the one before.
func (l *lister) add(rec record) {
	if l.open != nil {
		if string(rec.name) == string(l.open.record.name) {
			l.extend(l.open, rec)
			return
		}
		l.fail(fmt.Errorf("the last extent of %q is missing", l.open.name))
		l.open = nil
	}
	e := &entry{record: rec}
	l.fs.name(e)
	if e.moved {
		return // it is shown where it was moved from
	}
	if !fsys.ValidName(e.name) {
		l.fail(fmt.Errorf("it holds the impossible name %q", e.name))
		return
	}
	l.entries = append(l.entries, e)
	if !rec.directory() {
		l.extend(e, rec)
	}
}

// extend adds an extent to a file.
func (l *lister) extend(e *entry, rec record) {
	l.open = nil
	if rec.flags&flagMore != 0 {
		l.open = e
	}
	at := int64(rec.extent) * l.fs.blockSize
	switch {
	case rec.weaved:
		e.err = fsys.Reasons(e.err, fmt.Errorf("it is interleaved with others: not read"))
	case rec.size > 0 && !l.fs.within(at, int64(rec.size)):
		e.err = fsys.Reasons(e.err, fmt.Errorf("its %d bytes at block %d are outside of the image", rec.size, rec.extent))
	case rec.size > 0:
		e.list = runs.Append(e.list, fsys.Extent{Offset: e.size, Length: int64(rec.size), Physical: at})
	}
	e.size += int64(rec.size)
}

// name finds the name of a record by the kind that is shown.
func (fs *FS) name(e *entry) {
	switch fs.names {
	case joliet:
		e.name = jolietName(e.record.name)
	case rockRidge:
		p, err := fs.posix(&e.record)
		e.posix, e.err = p, err
		if e.name = p.name; !p.named {
			e.name = plainName(e.record.name)
		}
	default:
		e.name = plainName(e.record.name)
	}
}
