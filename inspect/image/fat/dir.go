package fat

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/image/fsys"
)

const (
	direntSize = 32
	// maxDirectory is where the specification ends a directory.
	maxDirectory = 65536 * direntSize

	charsInSlot = 13
	maxSlots    = 20
	lastSlot    = 0x40
)

// The attributes of an entry.
const (
	attrReadOnly  = 0x01
	attrHidden    = 0x02
	attrSystem    = 0x04
	attrVolume    = 0x08
	attrDirectory = 0x10
	attrArchive   = 0x20
	attrLong      = 0x0f
)

// A dirent is one name of a directory.
type dirent struct {
	name       string
	attr       byte
	first      uint32
	size       int64
	date, time uint16
}

// A lister collects the names of one directory.
type lister struct {
	fs    *FS
	data  []byte
	names []dirent
	errs  []error
}

// list returns the names in the bytes of a directory, sorted, but "." and "..".
// With an error it returns those that could be read.
func (fs *FS) list(data []byte) ([]dirent, error) {
	l := lister{fs: fs, data: data}
	l.entries()
	slices.SortStableFunc(l.names, func(a, b dirent) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(l.names); i++ {
		if l.names[i].name == l.names[i-1].name {
			l.fail(fmt.Errorf("the name %q is in it twice", l.names[i].name))
		}
	}
	l.names = slices.CompactFunc(l.names, func(a, b dirent) bool { return a.name == b.name })
	return l.names, fsys.Reasons(l.errs...)
}

// fail keeps the first few reasons; a broken directory has thousands.
func (l *lister) fail(err error) {
	if len(l.errs) < 3 {
		l.errs = append(l.errs, err)
	}
}

// at is the n-th entry, or nil.
func (l *lister) at(n int) []byte {
	if (n+1)*direntSize > len(l.data) {
		return nil
	}
	return l.data[n*direntSize : (n+1)*direntSize]
}

// entries goes through the directory up to its end mark. Linux reads on behind
// it; so that nobody sees more there than we do, names there are an error.
func (l *lister) entries() {
	for n := 0; ; {
		e := l.at(n)
		switch {
		case e == nil:
			return
		case e[0] == 0:
			l.afterEnd(n)
			return
		case e[0] == 0xe5:
			n++
		case e[11] == attrLong:
			n = l.long(n)
		default:
			l.add(shortName(e), e)
			n++
		}
	}
}

func (l *lister) afterEnd(n int) {
	for ; l.at(n) != nil; n++ {
		if e := l.at(n); e[0] != 0 && e[0] != 0xe5 && e[11]&attrVolume == 0 {
			l.fail(errors.New("entries follow the mark of its end: Linux shows them, the specification does not"))
			return
		}
	}
}

// long reads the slots of a long name from entry n on, last part first, and
// the entry that they are for. It returns where to read on. Slots that are not
// whole, or are for another entry, count for nothing.
func (l *lister) long(n int) int {
	first := l.at(n)
	slots := int(first[0] &^ lastSlot)
	if first[0]&lastSlot == 0 || slots == 0 || slots > maxSlots {
		return n + 1
	}
	units := make([]uint16, slots*charsInSlot)
	for i := range slots {
		e := l.at(n + i)
		if e == nil {
			return n + i
		}
		order := e[0]
		if i == 0 {
			order &^= lastSlot
		}
		if e[11] != attrLong || int(order) != slots-i || e[13] != first[13] {
			return n + i
		}
		slotUnits(e, units[(slots-i-1)*charsInSlot:])
	}
	e := l.at(n + slots)
	if e == nil || e[0] == 0 || e[0] == 0xe5 || e[11]&attrVolume != 0 {
		return n + slots
	}
	name := decode16(units)
	if checksum(e) != first[13] {
		name = shortName(e)
	}
	l.add(name, e)
	return n + slots + 1
}

// slotUnits copies the 13 characters of a slot, which lie in three places.
func slotUnits(e []byte, out []uint16) {
	for i := range charsInSlot {
		at := 1 + 2*i
		if i >= 5 {
			at = 14 + 2*(i-5)
		}
		if i >= 11 {
			at = 28 + 2*(i-11)
		}
		out[i] = le.Uint16(e[at:])
	}
}

// add takes one entry, unless it is the volume's label or a link to a directory.
// Without any name, Linux does not show it.
func (l *lister) add(name string, e []byte) {
	raw := string(e[:11])
	if e[11]&attrVolume != 0 || raw == ".          " || raw == "..         " || strings.Trim(raw, " ") == "" {
		return
	}
	if !fsys.ValidName(name) {
		l.fail(fmt.Errorf("it holds the impossible name %q", name))
		return
	}
	d := dirent{name: name, attr: e[11], size: int64(le.Uint32(e[28:])), time: le.Uint16(e[22:]), date: le.Uint16(e[24:])}
	d.first = uint32(le.Uint16(e[26:]))
	if l.fs.bits == 32 {
		d.first |= uint32(le.Uint16(e[20:])) << 16
	}
	l.names = append(l.names, d)
}
