package squashfs

import (
	"errors"
	"fmt"
	"sync"

	"github.com/assay-os/assay/report"
)

// attrs are decoded attributes by their full names.
type attrs = map[string]report.Raw

// The bounds of one inode's attributes: limits.h.
const (
	attrMaxValue = 64 << 10 // XATTR_SIZE_MAX
	attrMaxNames = 64 << 10 // XATTR_LIST_MAX
)

// attrApart is the bit of an entry's type which says that its value is a
// reference to one that several entries share.
const attrApart = 0x100

// An attributeTable is what is known of attributes. Many inodes have one set, and
// many sets one value.
type attributeTable struct {
	start int64 // where references count from; 0 where there are no attributes
	count uint32

	mu     sync.Mutex
	sets   map[reference]attrSet
	values map[reference]report.Raw
	// blocks are those that hold attributes, room their bytes; held is what was
	// decoded of them. Where it is more, sets overlap, and a small image would
	// show endlessly many.
	blocks     map[int64]bool
	room, held int64
}

// An attrSet is what came of decoding one set.
type attrSet struct {
	attrs attrs
	err   error
}

// openAttributes reads struct squashfs_xattr_id_table.
func (fs *FS) openAttributes() error {
	if fs.attrTable == -1 {
		return nil
	}
	b := make([]byte, 16)
	if err := fs.readAt(b, fs.attrTable); err != nil {
		return fmt.Errorf("table of attributes: %w", err)
	}
	start := int64(le.Uint64(b))
	if start < superSize || start > fs.attrTable {
		return fmt.Errorf("table of attributes: its start at byte %d is out of place", start)
	}
	fs.xattrs = attributeTable{start: start, count: le.Uint32(b[8:]), sets: map[reference]attrSet{}, values: map[reference]report.Raw{}, blocks: map[int64]bool{}}
	return nil
}

// attributes are those with an index. With an error it returns what could be
// read.
func (fs *FS) attributes(index uint32) (attrs, error) {
	if index == none32 {
		return nil, nil
	}
	t := &fs.xattrs
	if index >= t.count {
		return nil, fmt.Errorf("attributes %d of %d", index, t.count)
	}
	row, err := fs.row(fs.attrTable+16, index, 16)
	if err != nil {
		return nil, fmt.Errorf("attributes %d: %w", index, err)
	}
	ref, count := reference(le.Uint64(row)), le.Uint32(row[8:])
	if count == 0 {
		return nil, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	set, ok := t.sets[ref]
	if !ok {
		set.attrs, set.err = fs.decodeAttributes(ref, count)
		t.sets[ref] = set
	}
	if set.err != nil {
		return set.attrs, fmt.Errorf("attributes %d: %w", index, set.err)
	}
	return set.attrs, nil
}

// openAttribute begins at a reference, and counts the blocks that are read.
func (fs *FS) openAttribute(ref reference) (*cursor, error) {
	t := &fs.xattrs
	return fs.open(ref, t.start, fs.attrTable, func(at int64, size int) error {
		if !t.blocks[at] {
			t.blocks[at] = true
			t.room += int64(size)
		}
		return nil
	})
}

// hold counts what was decoded.
func (t *attributeTable) hold(n int) error {
	if t.held += int64(n); t.held > t.room {
		return errors.New("they overlap others: not read")
	}
	return nil
}

// decodeAttributes reads count times struct squashfs_xattr_entry, the name and
// the value.
func (fs *FS) decodeAttributes(ref reference, count uint32) (attrs, error) {
	c, err := fs.openAttribute(ref)
	if err != nil {
		return nil, err
	}
	out := attrs{}
	for names := 0; count > 0; count-- {
		b, err := c.bytes(4)
		if err != nil {
			return out, err
		}
		kind, size := le.Uint16(b), int(le.Uint16(b[2:]))
		if b, err = c.bytes(size); err != nil {
			return out, err
		}
		name := fullName(kind, string(b))
		if names += len(name) + 1; names > attrMaxNames {
			return out, errors.New("their names are longer than the kernel shows")
		}
		value, err := fs.attrValue(c, kind)
		if err == nil {
			err = fs.xattrs.hold(8 + size)
		}
		if err != nil {
			return out, fmt.Errorf("%q: %w", name, err)
		}
		if _, twice := out[name]; name != "" && !twice { // the kernel finds the first
			out[name] = value
		}
	}
	return out, nil
}

// fullName is the name that listxattr(2) shows; empty for a kind that the kernel
// does not show.
func fullName(kind uint16, name string) string {
	prefixes := [...]string{"user.", "trusted.", "security."}
	if kind &= attrApart - 1; int(kind) < len(prefixes) {
		return prefixes[kind] + name
	}
	return ""
}

// attrValue reads the value at the cursor, or the one that it leads to.
func (fs *FS) attrValue(c *cursor, kind uint16) (report.Raw, error) {
	if kind&attrApart == 0 {
		return fs.attrBytes(c)
	}
	b, err := c.bytes(12)
	if err != nil {
		return "", err
	}
	ref := reference(le.Uint64(b[4:]))
	if value, ok := fs.xattrs.values[ref]; ok {
		return value, nil
	}
	apart, err := fs.openAttribute(ref)
	if err != nil {
		return "", err
	}
	value, err := fs.attrBytes(apart)
	if err == nil {
		fs.xattrs.values[ref] = value
	}
	return value, err
}

// attrBytes reads struct squashfs_xattr_val and what follows.
func (fs *FS) attrBytes(c *cursor) (report.Raw, error) {
	b, err := c.bytes(4)
	if err != nil {
		return "", err
	}
	size := le.Uint32(b)
	if size > attrMaxValue {
		return "", fmt.Errorf("%d bytes are more than the kernel reads", size)
	}
	if b, err = c.bytes(int(size)); err != nil {
		return "", err
	}
	return report.Raw(b), fs.xattrs.hold(int(size))
}
