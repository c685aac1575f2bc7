package btrfs

import (
	"errors"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
)

const dirEntrySize = 30

// A dirEntry is a struct btrfs_dir_item: a name, or an attribute. The bytes belong to
// the tree.
type dirEntry struct {
	location key
	kind     byte
	name     []byte
	data     []byte
}

// dirEntries reads the entries of an item; those whose names have one hash share it. With an
// error it returns those before.
func dirEntries(b []byte) ([]dirEntry, error) {
	var out []dirEntry
	for len(b) > 0 {
		if len(b) < dirEntrySize {
			return out, errors.New("an entry is cut off")
		}
		dataLen, nameLen := int(le.Uint16(b[25:])), int(le.Uint16(b[27:]))
		end := dirEntrySize + nameLen + dataLen
		if end > len(b) {
			return out, errors.New("an entry is cut off")
		}
		out = append(out, dirEntry{
			location: decodeKey(b),
			kind:     b[29],
			name:     b[dirEntrySize:][:nameLen],
			data:     b[dirEntrySize+nameLen : end],
		})
		b = b[end:]
	}
	return out, nil
}

// A dirent is one name of a directory.
type dirent struct {
	name string
	// object is an inode, or a tree when subvolume says so.
	object    uint64
	subvolume bool
	kind      byte
}

// base is the name.
func (d dirent) base() string { return d.name }

// A lister collects the names of one directory: those that readdir(3) shows, and those
// that open(2) finds.
type lister struct {
	listed, found []dirent
	fsys.Faults
}

// list returns the names of a directory, sorted. With an error it returns
// those that could be read.
func (t *tree) list(number uint64) ([]dirent, error) {
	var l lister
	err := t.scan(key{number, kindDirItem, 0}, func(k key, data []byte) error {
		switch {
		case k.object != number || k.kind > kindDirIndex:
			return errStop
		case k.kind == kindDirItem:
			l.item(k, data)
		case k.kind == kindDirIndex:
			l.listed = l.entries(l.listed, data)
		}
		return nil
	})
	if err != nil {
		l.Fault(err)
	}
	l.listed = fsys.SortNames(l.listed, dirent.base, &l.Faults)
	l.found = fsys.SortNames(l.found, dirent.base, &l.Faults)
	if err == nil {
		l.compare()
	}
	if err := l.Err(); err != nil {
		return l.listed, fmt.Errorf("directory inode %d: %w", number, err)
	}
	return l.listed, nil
}

// item reads the names of one hash.
func (l *lister) item(k key, data []byte) {
	before := len(l.found)
	l.found = l.entries(l.found, data)
	for _, d := range l.found[before:] {
		if nameHash([]byte(d.name)) != k.offset {
			l.Fault(fmt.Errorf("the name %q is not where its hash says", d.name))
		}
	}
}

func (l *lister) entries(to []dirent, data []byte) []dirent {
	entries, err := dirEntries(data)
	if err != nil {
		l.Fault(err)
	}
	for _, e := range entries {
		name := string(e.name)
		if !fsys.ValidName(name) || len(name) > 255 {
			l.Fault(fmt.Errorf("the name %q is impossible", name))
			continue
		}
		if e.location.kind != kindInode && e.location.kind != kindRoot {
			l.Fault(fmt.Errorf("the name %q leads to an item of kind %d", name, e.location.kind))
			continue
		}
		to = append(to, dirent{name, e.location.object, e.location.kind == kindRoot, e.kind})
	}
	return to
}

// compare requires that what is listed can be opened and what can be opened is listed:
// a name that only one of both has would be hidden from somebody.
func (l *lister) compare() {
	listed, found := l.listed, l.found
	for len(listed) > 0 || len(found) > 0 {
		switch {
		case len(listed) > 0 && len(found) > 0 && listed[0] == found[0]:
			listed, found = listed[1:], found[1:]
		case len(found) == 0 || len(listed) > 0 && listed[0].name < found[0].name:
			l.Fault(fmt.Errorf("the name %q is listed, but cannot be opened", listed[0].name))
			listed = listed[1:]
		case len(listed) == 0 || found[0].name < listed[0].name:
			l.Fault(fmt.Errorf("the name %q can be opened, but is not listed", found[0].name))
			found = found[1:]
		default:
			l.Fault(fmt.Errorf("the name %q leads to two files", listed[0].name))
			listed, found = listed[1:], found[1:]
		}
	}
}
