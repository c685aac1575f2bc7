package lvm

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of numbers in a text, so that no sum or product of them overflows.
const (
	maxExtents = 1 << 32
	maxSectors = 1 << 52
	// maxExtentSize is what lvm2 takes, in sectors.
	maxExtentSize = 1<<32 - 1
	// maxSize bounds volumes, in bytes.
	maxSize = 1 << 61
)

// A group is what a text says of a volume group. Sizes are in bytes.
type group struct {
	name, id   string
	sequence   int64
	extentSize int64
	status     []string
	physical   map[string]physical // by the names that segments use
	logical    []*logical          // sorted by name
	byName     map[string]*logical
}

// A physical is a physical volume as the text knows it.
type physical struct {
	id      string
	device  string // where it was when the text was written
	missing bool
	start   int64 // of its extents
	extents int64
}

// A logical is a logical volume as the text knows it.
type logical struct {
	name, id string
	status   []string
	flags    []string
	tags     []string
	extents  int64
	segments []segment
}

// A segment is a run of a logical volume, in extents.
type segment struct {
	start, count int64
	kind         string
	chunk        int64 // in bytes; of striped ones
	legs         []leg
	attributes   *section
}

// A leg is where a stripe begins: on a physical or a logical volume.
type leg struct {
	name  string
	start int64 // in extents
}

func parseGroup(text []byte) (*group, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	if len(root.names) != 1 {
		return nil, fmt.Errorf("it tells of %d volume groups, not of one", len(root.names))
	}
	g := &group{name: root.names[0], physical: map[string]physical{}, byName: map[string]*logical{}}
	if err := checkName(g.name); err != nil {
		return nil, err
	}
	if err := g.read(&reader{section: root.sections[g.name]}); err != nil {
		return nil, fmt.Errorf("volume group %s: %w", g.name, err)
	}
	return g, nil
}

func (g *group) read(r *reader) error {
	g.id = r.text("id")
	g.sequence = r.number("seqno", 1<<62)
	g.extentSize = r.number("extent_size", maxExtentSize) * sectorSize
	g.status = r.list("status")
	if r.err != nil {
		return r.err
	}
	if g.extentSize == 0 {
		return errors.New("extent_size is 0")
	}
	if format := r.values["format"]; len(format) == 1 && format[0].text != "lvm2" {
		return fmt.Errorf("format %q is not read", format[0].text)
	}
	for _, name := range r.child("physical_volumes").names {
		if err := g.readPhysical(name, &reader{section: r.child("physical_volumes").sections[name]}); err != nil {
			return fmt.Errorf("physical volume %s: %w", name, err)
		}
	}
	for _, name := range r.child("logical_volumes").names {
		if err := g.readLogical(name, &reader{section: r.child("logical_volumes").sections[name]}); err != nil {
			return fmt.Errorf("logical volume %s: %w", name, err)
		}
	}
	slices.SortFunc(g.logical, func(a, b *logical) int { return strings.Compare(a.name, b.name) })
	return nil
}

// child is a section that may be absent.
func (s *section) child(name string) *section {
	if c := s.sections[name]; c != nil {
		return c
	}
	return &section{}
}

func (g *group) readPhysical(name string, r *reader) error {
	p := physical{
		id:      r.text("id"),
		missing: slices.Contains(r.list("status"), "MISSING"),
		start:   r.number("pe_start", maxSectors) * sectorSize,
		extents: r.number("pe_count", maxExtents),
	}
	if v := r.values["device"]; len(v) == 1 {
		p.device = v[0].text
	}
	if p.extents > maxSize/g.extentSize {
		r.fail("pe_count", "is more than any device has")
	}
	g.physical[name] = p
	return r.err
}

func (g *group) readLogical(name string, r *reader) error {
	if err := checkName(name); err != nil {
		return err
	}
	l := &logical{name: name, id: r.text("id"), status: r.list("status"), flags: r.list("flags"), tags: r.list("tags")}
	count := r.number("segment_count", maxExtents)
	if r.err != nil {
		return r.err
	}
	for _, n := range r.names {
		if number, ok := strings.CutPrefix(n, "segment"); ok && number != "" {
			s, err := readSegment(&reader{section: r.sections[n]})
			if err != nil {
				return fmt.Errorf("%s: %w", n, err)
			}
			l.segments = append(l.segments, s)
		}
	}
	if int64(len(l.segments)) != count || count == 0 {
		return fmt.Errorf("segment_count is %d, but there are %d segments", count, len(l.segments))
	}
	g.logical = append(g.logical, l)
	g.byName[name] = l
	if err := l.order(); err != nil {
		return err
	}
	if l.extents > maxSize/g.extentSize {
		return fmt.Errorf("%d extents of %d bytes are more than any device has", l.extents, g.extentSize)
	}
	return nil
}

// order sorts the segments, and refuses gaps.
func (l *logical) order() error {
	slices.SortFunc(l.segments, func(a, b segment) int { return cmp.Compare(a.start, b.start) })
	for _, s := range l.segments {
		if s.start != l.extents || l.extents > maxExtents-s.count {
			return fmt.Errorf("a segment begins at extent %d, but the one before it ends at %d", s.start, l.extents)
		}
		l.extents += s.count
	}
	return nil
}

func readSegment(r *reader) (segment, error) {
	s := segment{
		start:      r.number("start_extent", maxExtents),
		count:      r.number("extent_count", maxExtents),
		kind:       r.text("type"),
		attributes: r.section,
	}
	if r.err == nil && s.count == 0 {
		r.fail("extent_count", "is 0")
	}
	if s.kind != "striped" && s.kind != "linear" {
		return s, r.err
	}
	stripes := r.number("stripe_count", maxExtents)
	if stripes > 1 {
		s.chunk = r.number("stripe_size", maxSectors) * sectorSize
	}
	places := r.values["stripes"]
	if r.err != nil {
		return s, r.err
	}
	if stripes == 0 || int64(len(places)) != 2*stripes || s.count%stripes != 0 {
		return s, fmt.Errorf("%d places and %d extents are impossible for %d stripes", len(places)/2, s.count, stripes)
	}
	for i := 0; i < len(places); i += 2 {
		name, start := places[i], places[i+1]
		if !name.isText || start.isText || start.number < 0 || start.number > maxExtents {
			return s, errors.New("stripes is no list of names and numbers")
		}
		s.legs = append(s.legs, leg{name.text, start.number})
	}
	return s, nil
}

// checkName holds the rule of lvm(8) for names, which become those of devices.
func checkName(name string) error {
	ok := name != "" && len(name) <= 127 && name != "." && name != ".." && name[0] != '-'
	for _, c := range []byte(name) {
		ok = ok && (isLetter(c) || isDigit(c) || strings.ContainsRune("+_.-", rune(c)))
	}
	if !ok {
		return fmt.Errorf("the name %q is not allowed", name)
	}
	return nil
}
