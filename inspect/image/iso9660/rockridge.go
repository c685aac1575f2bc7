package iso9660

import (
	"errors"
	"fmt"
	"time"
)

// maxContinuations bounds the areas of one record, as Linux does.
const maxContinuations = 32

// A posix is what Rock Ridge says of a record.
type posix struct {
	known    bool // there is a PX
	mode     uint32
	links    uint32
	uid, gid uint32
	serial   uint32
	name     string
	named    bool
	nameMore bool
	high     uint32 // of a device number
	low      uint32
	device   bool
	target   link
	modified *time.Time
	child    *uint32 // where a directory was moved to
	moved    bool    // this is where one was moved to
	zipped   bool
	sparse   bool
}

// posix reads the system use area of a record, and what continues it.
func (fs *FS) posix(rec *record) (posix, error) {
	var p posix
	area := rec.systemUse
	if len(area) < fs.skip {
		return p, nil
	}
	area = area[fs.skip:]
	for range maxContinuations {
		next, err := p.parse(area)
		if err != nil || next == nil {
			return p, err
		}
		block, offset, length := int64(le.Uint32(next[4:])), int64(le.Uint32(next[12:])), int64(le.Uint32(next[20:]))
		if offset >= sectorSize || length > sectorSize-offset || !fs.within(block*fs.blockSize+offset, length) {
			return p, fmt.Errorf("a continuation of %d bytes at block %d, byte %d is impossible", length, block, offset)
		}
		area = make([]byte, length)
		if n, err := fs.r.ReadAt(area, block*fs.blockSize+offset); n < len(area) {
			return p, fmt.Errorf("read the continuation at block %d: %w", block, err)
		}
	}
	return p, fmt.Errorf("more than %d continuations", maxContinuations)
}

// parse reads the fields of one area. It returns the one that says where the
// next area is.
func (p *posix) parse(area []byte) (next []byte, err error) {
	for len(area) >= 4 {
		length := int(area[2])
		if length < 4 || length > len(area) {
			if area[0] == 0 {
				return next, nil // padding
			}
			return nil, fmt.Errorf("the field %q has %d bytes", area[:2], length)
		}
		field := area[:length]
		switch string(field[:2]) {
		case "ST":
			return next, nil
		case "CE":
			if length < 28 {
				return nil, errors.New("the field CE is too short")
			}
			next = field
		default:
			if err := p.field(field); err != nil {
				return nil, fmt.Errorf("the field %q: %w", field[:2], err)
			}
		}
		area = area[length:]
	}
	return next, nil
}

// field takes one field of Rock Ridge; others mean nothing to it.
func (p *posix) field(f []byte) error {
	kind := string(f[:2])
	least := map[string]int{"PX": 36, "PN": 20, "SL": 5, "NM": 5, "CL": 12, "TF": 5, "ZF": 16}[kind]
	if len(f) < least {
		return fmt.Errorf("%d bytes are too short", len(f))
	}
	switch kind {
	case "PX":
		p.known = true
		p.mode, p.links, p.uid, p.gid = le.Uint32(f[4:]), le.Uint32(f[12:]), le.Uint32(f[20:]), le.Uint32(f[28:])
		if len(f) >= 44 {
			p.serial = le.Uint32(f[36:])
		}
	case "PN":
		p.device, p.high, p.low = true, le.Uint32(f[4:]), le.Uint32(f[12:])
	case "SL":
		return p.target.add(f)
	case "NM":
		p.addName(f)
	case "CL":
		child := le.Uint32(f[4:])
		p.child = &child
	case "RE":
		p.moved = true
	case "TF":
		return p.times(f)
	case "ZF":
		p.zipped = true
	case "SF":
		p.sparse = true
	}
	return nil
}

// addName takes a part of the name; those of "." and ".." have none.
func (p *posix) addName(f []byte) {
	const more, current, parent = 1, 2, 4
	if f[4]&(current|parent) != 0 || p.named && !p.nameMore {
		return
	}
	p.name += string(f[5:])
	p.named = true
	p.nameMore = f[4]&more != 0
}

// times takes the time of the last change, which comes after that of the making.
func (p *posix) times(f []byte) error {
	const creation, modify, long = 1, 2, 0x80
	size, at := 7, 5
	if f[4]&long != 0 {
		size = 17
	}
	if f[4]&modify == 0 {
		return nil
	}
	if f[4]&creation != 0 {
		at += size
	}
	if at+size > len(f) {
		return errors.New("the times are cut off")
	}
	t := shortTime
	if f[4]&long != 0 {
		when, err := longTime(f[at : at+size])
		p.modified = &when
		return err
	}
	when := t(f[at : at+size])
	p.modified = &when
	return nil
}

// number is the device number: Linux takes two halves of 32 bits, or where the
// first is zero the old form in 16.
func (p *posix) number() string {
	if p.high == 0 && p.low > 0xff {
		return fmt.Sprintf("%d:%d", p.low>>8, p.low&0xff)
	}
	return fmt.Sprintf("%d:%d", p.high, p.low)
}

// A link is the target of a symlink, put together from components.
type link struct {
	text string
	// open tells that the next component goes on with this one's name.
	open bool
	any  bool
}

const maxTarget = 4096 // PATH_MAX

// add takes the components of one field.
func (l *link) add(f []byte) error {
	const more, current, parent, root = 1, 2, 4, 8
	for c := f[5:]; len(c) > 0; {
		if len(c) < 2 || int(c[1]) > len(c)-2 {
			return errors.New("a component is cut off")
		}
		flags, name := c[0], string(c[2:2+c[1]])
		c = c[2+len(name):]
		switch {
		case flags&root != 0:
			l.text = ""
			name = "/"
		case flags&parent != 0:
			name = ".."
		case flags&current != 0:
			name = "."
		}
		if l.any && !l.open && l.text != "/" && name != "/" {
			l.text += "/"
		}
		l.text += name
		l.any, l.open = true, flags&more != 0
		if len(l.text) > maxTarget {
			return fmt.Errorf("the target is longer than %d bytes", maxTarget)
		}
	}
	return nil
}
