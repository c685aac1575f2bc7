package lvm

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/mapper"
)

// maxStack bounds volumes that lie on volumes.
const maxStack = 8

// A built is a logical volume as a device, or why it is none.
type built struct {
	device fsys.Device
	err    error
}

// A use is a run of a physical volume's extents that a volume takes.
type use struct {
	start, end int64
	by         string
}

// errBusy marks a volume that is being built: who meets it goes in a circle.
var errBusy = errors.New("it lies on itself")

// build makes a device of a logical volume.
func (g *Group) build(name string, depth int) *built {
	if b := g.built[name]; b != nil {
		return b
	}
	b := &built{err: errBusy}
	g.built[name] = b
	if depth > maxStack {
		b.err = fmt.Errorf("more than %d volumes lie on each other", maxStack)
		return b
	}
	b.device, b.err = g.table(g.byName[name], depth)
	return b
}

func (g *Group) table(l *logical, depth int) (fsys.Device, error) {
	if err := g.snapshots[l.name]; err != nil {
		return nil, err
	}
	var targets []mapper.Target
	for i, s := range l.segments {
		t, err := g.target(s, depth)
		if err != nil {
			return nil, fmt.Errorf("segment %d: %w", i+1, err)
		}
		targets = append(targets, t)
	}
	d, err := mapper.New(targets)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// target maps one segment.
func (g *Group) target(s segment, depth int) (mapper.Target, error) {
	t := mapper.Target{Length: s.count * g.extentSize, Chunk: s.chunk}
	switch s.kind {
	case "zero":
		return t, nil
	case "error":
		t.Err = errors.New("the volume has no data here: its segment is of the type error")
		return t, nil
	case "striped", "linear":
	default:
		return t, fmt.Errorf("its type is %q, which is not read (linear and striped are)", s.kind)
	}
	for _, l := range s.legs {
		place, err := g.place(l, s.count/int64(len(s.legs)), depth)
		if err != nil {
			return t, err
		}
		t.Legs = append(t.Legs, place)
	}
	return t, nil
}

// place finds the device of a leg.
func (g *Group) place(l leg, count int64, depth int) (mapper.Leg, error) {
	p, ok := g.physical[l.name]
	if !ok {
		if g.byName[l.name] == nil {
			return mapper.Leg{}, fmt.Errorf("it lies on %q, which is neither a physical nor a logical volume of the group", l.name)
		}
		below := g.build(l.name, depth+1)
		if below.err != nil {
			return mapper.Leg{}, fmt.Errorf("it lies on volume %s: %w", l.name, below.err)
		}
		return mapper.Leg{Device: below.device, Offset: l.start * g.extentSize}, nil
	}
	found := g.found[l.name]
	switch {
	case found == nil:
		return mapper.Leg{}, g.lacks(l.name)
	case p.missing:
		return mapper.Leg{}, fmt.Errorf("physical volume %s is marked as missing although it is there: vgextend --restoremissing", p.id)
	}
	offset := p.start + l.start*g.extentSize
	if end, size := offset+count*g.extentSize, found.Device.Size(); end > size {
		return mapper.Leg{}, fmt.Errorf("it goes to byte %d of %s, which ends at byte %d: it is truncated", end, found.Name, size)
	}
	return mapper.Leg{Device: found.Device, Offset: offset}, nil
}

// findSnapshots notes the volumes that are not what their own segments say:
// snapshots, which are kept as differences, and origins that one is being
// merged into.
func (g *Group) findSnapshots() {
	for _, l := range g.logical {
		for _, s := range l.segments {
			if s.kind != "snapshot" {
				continue
			}
			r := &reader{section: s.attributes}
			origin := r.word("origin")
			if store := r.word("cow_store"); store != "" {
				g.stores[store] = true
				g.snapshots[store] = fmt.Errorf("it is a snapshot of %s, which is not read", origin)
			}
			if store := r.word("merging_store"); store != "" {
				err := fmt.Errorf("snapshot %s is being merged into %s, which is not read", store, origin)
				g.snapshots[store], g.snapshots[origin] = err, err
			}
		}
	}
}

// word is a string that may be absent.
func (r *reader) word(name string) string {
	if v := r.values[name]; len(v) == 1 {
		return v[0].text
	}
	return ""
}

// layout notes which extents are taken, and refuses what lies beyond a
// physical volume's extents or belongs to two volumes.
func (g *Group) layout() error {
	for _, l := range g.logical {
		for _, s := range l.segments {
			for _, leg := range s.legs {
				p, ok := g.physical[leg.name]
				if !ok {
					continue
				}
				u := use{leg.start, leg.start + s.count/int64(len(s.legs)), l.name}
				if u.end > p.extents {
					return fmt.Errorf("volume %s goes to extent %d of physical volume %s, which has %d", l.name, u.end, p.id, p.extents)
				}
				g.used[leg.name] = append(g.used[leg.name], u)
			}
		}
	}
	for name, list := range g.used {
		slices.SortFunc(list, func(a, b use) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
		for i := 1; i < len(list); i++ {
			if list[i].start < list[i-1].end {
				return fmt.Errorf("volumes %s and %s share extent %d of physical volume %s", list[i-1].by, list[i].by, list[i].start, g.physical[name].id)
			}
		}
	}
	return nil
}

// Free are the runs of a member, in bytes, that neither a volume nor the
// metadata takes.
func (g *Group) Free(p *Physical) []fsys.Extent {
	taken := []fsys.Extent{{Length: p.Label + sectorSize}}
	for _, a := range p.areas {
		taken = append(taken, fsys.Extent{Offset: a.offset, Length: a.size})
	}
	for name, found := range g.found {
		if found != p {
			continue
		}
		for _, u := range g.used[name] {
			taken = append(taken, fsys.Extent{Offset: g.physical[name].start + u.start*g.extentSize, Length: (u.end - u.start) * g.extentSize})
		}
	}
	slices.SortFunc(taken, func(a, b fsys.Extent) int { return cmp.Compare(a.Offset, b.Offset) })
	var free []fsys.Extent
	at := int64(0)
	for _, t := range append(taken, fsys.Extent{Offset: p.Device.Size()}) {
		if t.Offset > at {
			free = append(free, fsys.Extent{Offset: at, Length: t.Offset - at, Physical: -1})
		}
		at = max(at, t.Offset+t.Length)
	}
	return free
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
