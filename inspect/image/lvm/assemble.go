package lvm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// A Group is a volume group of which at least one physical volume is there.
type Group struct {
	Name, UUID string
	// Members are the physical volumes that are there, in the order given.
	Members []*Physical
	// Missing names the physical volumes that are not.
	Missing []string
	// Volumes are the logical volumes that lvm2 would show, sorted by name.
	Volumes []Volume
	// Problems are what is wrong although the group can be read.
	Problems []error

	*group
	// By the names that segments use: the physical volumes that are there, the
	// extents that are taken of them, the logical volumes as devices, what they lie
	// on, and why some are not what their segments say.
	found     map[string]*Physical
	used      map[string][]use
	built     map[string]*built
	reached   map[string][]string
	snapshots map[string]error
	// stores are the volumes that hold a snapshot's differences: they stand for it.
	stores map[string]bool
}

// A Volume is a logical volume.
type Volume struct {
	Name, UUID string
	Size       int64
	// Members are the names of the physical volumes that it lies on.
	Members  []string
	Settings map[string]string
	// Device is nil when the volume cannot be read; Err says why.
	Device fsys.Device
	Err    error
}

// Assemble puts physical volumes together to the groups that they tell of,
// sorted by name.
func Assemble(physical []*Physical) []*Group {
	newest := map[string]*group{}
	for _, p := range physical {
		if g := p.group; g != nil && (newest[g.id] == nil || g.sequence > newest[g.id].sequence) {
			newest[g.id] = g
		}
	}
	var out []*Group
	for _, g := range newest {
		out = append(out, assemble(g, physical))
	}
	slices.SortFunc(out, func(a, b *Group) int {
		return strings.Compare(a.Name+"\x00"+a.UUID, b.Name+"\x00"+b.UUID)
	})
	return out
}

func assemble(g *group, physical []*Physical) *Group {
	out := &Group{
		Name: g.name, UUID: g.id, group: g,
		found: map[string]*Physical{}, used: map[string][]use{}, built: map[string]*built{}, reached: map[string][]string{}, snapshots: map[string]error{}, stores: map[string]bool{},
	}
	out.findSnapshots()
	broken := out.findMembers(physical)
	if err := out.layout(); err != nil && broken == nil {
		broken = err
	}
	for _, l := range g.logical {
		if slices.Contains(l.status, "VISIBLE") || out.stores[l.name] {
			out.Volumes = append(out.Volumes, out.volume(l, broken))
		}
	}
	return out
}

// findMembers looks for the physical volumes. One that is there twice makes the
// group unreadable: nobody knows which of them is meant.
func (g *Group) findMembers(physical []*Physical) error {
	var broken error
	for _, name := range sortedKeys(g.physical) {
		want := g.physical[name]
		for _, p := range physical {
			if p.UUID != want.id {
				continue
			}
			if other := g.found[name]; other != nil {
				broken = fmt.Errorf("%s and %s say that they are the same physical volume %s", other.Name, p.Name, p.UUID)
				g.Problems = append(g.Problems, broken)
				continue
			}
			g.found[name] = p
			g.Members = append(g.Members, p)
			g.judge(p)
		}
		if g.found[name] == nil {
			g.Missing = append(g.Missing, g.lacks(name).Error())
		}
	}
	slices.SortFunc(g.Members, func(a, b *Physical) int {
		return slices.Index(physical, a) - slices.Index(physical, b)
	})
	return broken
}

// judge tells of metadata on a member that is not the group's newest.
func (g *Group) judge(p *Physical) {
	g.Problems = append(g.Problems, p.problems()...)
	if p.group != nil && (p.group.id != g.id || p.group.sequence != g.sequence) {
		g.Problems = append(g.Problems, fmt.Errorf("%s: its metadata is version %d of volume group %s, the newest is %d", p.Name, p.group.sequence, g.name, g.sequence))
	}
}

func (p *Physical) problems() []error {
	var out []error
	for _, err := range p.Problems {
		out = append(out, fmt.Errorf("%s: %w", p.Name, err))
	}
	return out
}

// lacks names a physical volume that is not there.
func (g *Group) lacks(name string) error {
	p := g.physical[name]
	return fmt.Errorf("physical volume %s of volume group %s (it was %q) is not in the image", p.id, g.name, p.device)
}

// Unknown says why it is not known of which volume group a physical volume is a
// part that no group has as a member; nil when it is of none.
func (p *Physical) Unknown() error {
	if p.ignored || len(p.areas) == 0 {
		return errors.New("it has no metadata of its own, and no other physical volume in the image tells of it: its volume group is not known")
	}
	return nil
}

// volume builds what is shown of a logical volume.
func (g *Group) volume(l *logical, broken error) Volume {
	v := Volume{Name: l.name, UUID: l.id, Size: l.extents * g.extentSize, Settings: g.settings(l)}
	v.Members = g.members(l)
	b := g.build(l.name, 0)
	switch {
	case broken != nil:
		v.Err = broken
	case b.err != nil:
		v.Err = b.err
	default:
		v.Device = b.device
	}
	return v
}

// settings are what the metadata says of how a volume is read.
func (g *Group) settings(l *logical) map[string]string {
	m := map[string]string{
		"group":       g.name,
		"group_uuid":  g.id,
		"extent_size": fmt.Sprint(g.extentSize),
	}
	for name, list := range map[string][]string{"flags": l.flags, "tags": l.tags} {
		if len(list) > 0 {
			m[name] = strings.Join(list, " ")
		}
	}
	if slices.Contains(g.status, "EXPORTED") {
		m["exported"] = "yes"
	}
	if !slices.Contains(l.status, "WRITE") {
		m["access"] = "read-only"
	}
	texts := make([]string, len(l.segments))
	for i, s := range l.segments {
		texts[i] = g.segmentText(s)
	}
	m["segments"] = strings.Join(texts, "; ")
	return m
}

// segmentText is a segment as "0+3 linear partition 2:0": extents of the
// volume, kind, and where it begins.
func (g *Group) segmentText(s segment) string {
	kind := s.kind
	switch {
	case len(s.legs) == 1:
		kind = "linear"
	case len(s.legs) > 1:
		kind = fmt.Sprintf("striped by %d", s.chunk)
	}
	places := make([]string, len(s.legs))
	for i, l := range s.legs {
		name := l.name
		if p := g.found[l.name]; p != nil {
			name = p.Name
		}
		places[i] = fmt.Sprintf("%s:%d", name, l.start)
	}
	return strings.TrimSpace(fmt.Sprintf("%d+%d %s %s", s.start, s.count, kind, strings.Join(places, ", ")))
}

// members are the physical volumes that a volume lies on, directly or through
// others, sorted.
func (g *Group) members(l *logical) []string {
	if known, ok := g.reached[l.name]; ok {
		return known
	}
	g.reached[l.name] = nil // ends a circle
	set := map[string]bool{}
	for _, s := range l.segments {
		for _, leg := range s.legs {
			if p := g.found[leg.name]; p != nil {
				set[p.Name] = true
			} else if below := g.byName[leg.name]; below != nil {
				for _, name := range g.members(below) {
					set[name] = true
				}
			}
		}
	}
	g.reached[l.name] = sortedKeys(set)
	return g.reached[l.name]
}
