package image

import (
	"context"
	"slices"

	"github.com/assay-os/assay/inspect/image/lvm"
	"github.com/assay-os/assay/report"
)

// addPhysical keeps a physical volume until all are known.
func (s *stack) addPhysical(_ context.Context, b *block, f report.Filesystem) {
	p, err := lvm.Open(b.name, b)
	if err != nil {
		s.refuse(b, f, err)
		return
	}
	if s.lvmOn == nil {
		s.lvmOn, s.grouped = map[string]*block{}, map[string]bool{}
	}
	s.physical = append(s.physical, p)
	s.lvmOn[b.name] = b
}

// assemble puts volume groups together: those of which nothing is missing, and
// when there are no more of these, the others. It tells whether it did any.
func (s *stack) assemble() bool {
	if len(s.physical) == 0 {
		return false
	}
	groups := slices.DeleteFunc(lvm.Assemble(s.physical), func(g *lvm.Group) bool { return s.grouped[g.UUID] })
	complete := slices.DeleteFunc(slices.Clone(groups), func(g *lvm.Group) bool { return len(g.Missing) > 0 })
	if len(complete) > 0 {
		groups = complete
	}
	for _, g := range groups {
		s.grouped[g.UUID] = true
		s.addGroup(g)
	}
	if len(groups) == 0 {
		s.findOrphans()
	}
	return len(groups) > 0
}

// addGroup adds the volumes of a group, and what its members leave.
func (s *stack) addGroup(g *lvm.Group) {
	s.img.Problems = append(s.img.Problems, g.Problems...)
	depth := 0
	for _, p := range g.Members {
		b := s.lvmOn[p.Name]
		depth = max(depth, b.depth)
		b.leave("boot code", 0, p.Label)
		for _, r := range g.Free(p) {
			b.leave("free space", r.Offset, r.Length)
		}
		s.settle(b, map[string]string{"group": g.Name, "group_uuid": g.UUID})
		delete(s.lvmOn, p.Name)
	}
	for _, v := range g.Volumes {
		s.addMapped(report.MappedDevice{
			Name: g.Name + "/" + v.Name, Type: "lvm2", UUID: v.UUID, Size: v.Size, Members: v.Members, Settings: v.Settings,
		}, v.Device, depth+1, "lvm2", v.Err)
	}
}

// findOrphans tells of physical volumes that no group has. One that never was
// in any is empty.
func (s *stack) findOrphans() {
	for _, p := range s.physical {
		b := s.lvmOn[p.Name]
		if b == nil {
			continue
		}
		delete(s.lvmOn, p.Name)
		if err := p.Unknown(); err != nil {
			s.refuse(b, report.Filesystem{Type: lvm.Kind, UUID: p.UUID}, err)
			continue
		}
		b.leave("", 0, b.Size())
	}
}
