package erofs

import (
	"errors"
	"fmt"
	"sync"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

const (
	attrHeader = 12 // struct erofs_xattr_ibody_header
	attrEntry  = 4  // struct erofs_xattr_entry
	// longPrefix marks the index of a prefix of the filesystem's own.
	longPrefix = 0x80
)

// attrPrefix is what stands before a name, by its index; the kernel shows no
// others.
func attrPrefix(index byte) string {
	switch index {
	case 1:
		return "user."
	case 2:
		return "system.posix_acl_access"
	case 3:
		return "system.posix_acl_default"
	case 4:
		return "trusted."
	case 6:
		return "security."
	}
	return ""
}

// A prefix is a struct erofs_xattr_long_prefix.
type prefix struct {
	index byte
	infix string
}

// attributes are what was decoded and may be used again, within a bound of
// bytes for everything: inodes may claim the same bytes over and over.
type attributes struct {
	mu     sync.Mutex
	left   int64
	shared map[uint32]attribute
	linked map[uint64]map[string]report.Raw // of inodes with several names
}

type attribute struct {
	name  string
	value report.Raw
}

func newAttributes(most int64) *attributes {
	return &attributes{left: most, shared: map[uint32]attribute{}, linked: map[uint64]map[string]report.Raw{}}
}

// take accounts for n bytes.
func (a *attributes) take(n int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left -= int64(n); a.left < 0 {
		return errors.New("the attributes of the filesystem are more than it can hold: not read further")
	}
	return nil
}

// attributesOf reads all attributes of an inode. With an error it returns what
// could be read.
func (fs *FS) attributesOf(ino *inode) (map[string]report.Raw, error) {
	if ino.xattrs == 0 {
		return nil, nil
	}
	a := fs.attributes
	a.mu.Lock()
	known, ok := a.linked[ino.nid]
	a.mu.Unlock()
	if ok {
		return known, nil
	}
	out := map[string]report.Raw{}
	if err := fs.readAttributes(ino, out); err != nil {
		return out, fmt.Errorf("inode %d: attributes: %w", ino.nid, err)
	}
	if ino.links > 1 {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.linked[ino.nid] = out
	}
	return out, nil
}

// readAttributes reads the area behind an inode: a header, the numbers of shared
// attributes, its own ones.
func (fs *FS) readAttributes(ino *inode, out map[string]report.Raw) error {
	if ino.xattrs == attrHeader {
		return errors.New("a header alone is not read")
	}
	area, err := fs.area(ino.box)
	if err != nil {
		return err
	}
	b := make([]byte, ino.xattrs)
	if err := area.read(b, ino.at+int64(ino.size)); err != nil {
		return err
	}
	count := int(b[4])
	const inMap = 48 // bytes of an entry
	if err := fs.attributes.take(ino.xattrs + inMap*count); err != nil {
		return err
	}
	if attrHeader+4*count > len(b) {
		return fmt.Errorf("%d shared ones in %d bytes", count, len(b))
	}
	err = fs.ownAttributes(b[attrHeader+4*count:], out)
	var errs []error
	for i := range count {
		errs = append(errs, fs.sharedAttribute(le.Uint32(b[attrHeader+4*i:]), out))
	}
	return fsys.Reasons(err, fsys.Reasons(errs...))
}

// ownAttributes decodes the entries of one inode. The kernel takes the first of a
// name.
func (fs *FS) ownAttributes(b []byte, out map[string]report.Raw) error {
	for len(b) > 0 {
		n, value := attrSizes(b)
		end := (attrEntry + n + value + 3) &^ 3
		if end > len(b) {
			return fmt.Errorf("an entry of %d bytes, %d are left", end, len(b))
		}
		name := fs.attrName(b[1], string(b[attrEntry:attrEntry+n]))
		if _, twice := out[name]; name != "" && !twice {
			out[name] = report.Raw(b[attrEntry+n : attrEntry+n+value])
		}
		b = b[end:]
	}
	return nil
}

// attrSizes are those of an entry's name and value.
func attrSizes(b []byte) (name, value int) { return int(b[0]), int(le.Uint16(b[2:])) }

// attrName is the name that listxattr(2) shows; empty for none.
func (fs *FS) attrName(index byte, name string) string {
	if index&longPrefix != 0 {
		n := int(index &^ longPrefix)
		if n >= len(fs.prefixes) {
			return ""
		}
		index, name = fs.prefixes[n].index, fs.prefixes[n].infix+name
	}
	if p := attrPrefix(index); p != "" {
		return p + name
	}
	return ""
}

// sharedAttribute adds the attribute with a number: its place in units of four
// bytes.
func (fs *FS) sharedAttribute(number uint32, out map[string]report.Raw) error {
	a := fs.attributes
	a.mu.Lock()
	known, ok := a.shared[number]
	a.mu.Unlock()
	if !ok {
		var err error
		if known, err = fs.readShared(number); err != nil {
			return fmt.Errorf("shared one %d: %w", number, err)
		}
		a.mu.Lock()
		a.shared[number] = known
		a.mu.Unlock()
	}
	if _, twice := out[known.name]; known.name != "" && !twice {
		out[known.name] = known.value
	}
	return nil
}

func (fs *FS) readShared(number uint32) (attribute, error) {
	area, err := fs.area(fs.compat&compatSharedInBox != 0)
	if err != nil {
		return attribute{}, err
	}
	at := fs.shared + 4*int64(number)
	head := make([]byte, attrEntry)
	if err := area.read(head, at); err != nil {
		return attribute{}, err
	}
	n, size := attrSizes(head)
	if err := fs.attributes.take(attrEntry + n + size); err != nil {
		return attribute{}, err
	}
	b := make([]byte, n+size)
	if err := area.read(b, at+attrEntry); err != nil {
		return attribute{}, err
	}
	return attribute{fs.attrName(head[1], string(b[:n])), report.Raw(b[n:])}, nil
}

// readPrefixes reads the table of prefixes. It lies in the metabox, else with
// the fragments, else on the device; a feature puts it on the device always.
func (fs *FS) readPrefixes() error {
	count, at := int(fs.raw[91]), int64(le.Uint32(fs.raw[92:]))*4
	if count == 0 {
		return nil
	}
	area, err := fs.prefixArea()
	if err != nil {
		return err
	}
	for range count {
		at = (at + 3) &^ 3
		b := make([]byte, 2)
		if err := area.read(b, at); err != nil {
			return err
		}
		size := int(le.Uint16(b))
		if size < 1 || size > nameMax+1 {
			return fmt.Errorf("one of %d bytes", size)
		}
		b = make([]byte, size)
		if err := area.read(b, at+2); err != nil {
			return err
		}
		fs.prefixes = append(fs.prefixes, prefix{b[0], string(b[1:])})
		at += 2 + int64(size)
	}
	return nil
}

func (fs *FS) prefixArea() (area, error) {
	switch {
	case fs.compat&compatPlainPrefixes != 0:
		return fs.dev, nil
	case fs.boxNID != 0:
		return fs.area(true)
	case fs.packedNID != 0:
		return fs.packed()
	}
	return fs.dev, nil
}
