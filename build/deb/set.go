package deb

import (
	"cmp"
	"fmt"
	"slices"
)

// A Set is packages that are to be installed together, sorted by name.
type Set struct {
	Packages []*Package
	byName   map[string]*Package
}

// NewSet sorts the packages: their order must not depend on how they came. A
// package that is there twice is refused.
func NewSet(packages []*Package) (*Set, error) {
	s := &Set{Packages: slices.Clone(packages), byName: map[string]*Package{}}
	slices.SortFunc(s.Packages, func(a, b *Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Architecture, b.Architecture))
	})
	for _, p := range s.Packages {
		if other, ok := s.byName[p.Name]; ok {
			return nil, fmt.Errorf("package %s is given twice: %s %s and %s %s; leave one out",
				p.Name, other.Version, other.Architecture, p.Version, p.Architecture)
		}
		s.byName[p.Name] = p
	}
	for _, p := range s.Packages {
		for _, name := range p.Provides {
			if _, ok := s.byName[name]; !ok {
				s.byName[name] = p
			}
		}
	}
	return s, nil
}

// Find is the package of the set that a dependency means: the first
// alternative that is there, by its own name or by what one provides.
func (s *Set) Find(a Alternatives) (*Package, bool) {
	for _, name := range a {
		if p, ok := s.byName[name]; ok {
			return p, true
		}
	}
	return nil, false
}

// Essential is the essential packages and everything that they need, sorted
// by name. A dependency that the set lacks is left to dpkg to refuse.
func (s *Set) Essential() []*Package {
	in := map[*Package]bool{}
	var take func(*Package)
	take = func(p *Package) {
		if in[p] {
			return
		}
		in[p] = true
		for _, a := range slices.Concat(p.PreDepends, p.Depends) {
			if needed, ok := s.Find(a); ok {
				take(needed)
			}
		}
	}
	for _, p := range s.Packages {
		if p.Essential {
			take(p)
		}
	}
	return s.filter(func(p *Package) bool { return in[p] })
}

func (s *Set) filter(keep func(*Package) bool) []*Package {
	var list []*Package
	for _, p := range s.Packages {
		if keep(p) {
			list = append(list, p)
		}
	}
	return list
}

// Batches sorts packages so that what one needs comes before it, as far as
// circles allow, and cuts where a package pre-depends on one that is not
// configured yet: dpkg refuses to unpack it before. Done is what is
// configured already.
func (s *Set) Batches(packages, done []*Package) [][]*Package {
	configured := map[*Package]bool{}
	for _, p := range done {
		configured[p] = true
	}
	var batches [][]*Package
	var batch []*Package
	waiting := map[*Package]bool{}
	for _, p := range s.ordered(packages, configured) {
		if s.preDependsOn(p, waiting) {
			batches = append(batches, batch)
			batch, waiting = nil, map[*Package]bool{}
		}
		batch = append(batch, p)
		waiting[p] = true
	}
	if len(batch) > 0 {
		batches = append(batches, batch)
	}
	return batches
}

// preDependsOn tells whether p's pre-dependencies, or what those need, are
// among the waiting.
func (s *Set) preDependsOn(p *Package, waiting map[*Package]bool) bool {
	for _, a := range p.PreDepends {
		if needed, ok := s.Find(a); ok && waiting[needed] && needed != p {
			return true
		}
	}
	return false
}

// ordered is a depth-first order over the dependencies, in the order in which
// they are written; a circle is cut where it closes.
func (s *Set) ordered(packages []*Package, done map[*Package]bool) []*Package {
	wanted, seen := map[*Package]bool{}, map[*Package]bool{}
	for _, p := range packages {
		wanted[p] = !done[p]
	}
	var order []*Package
	var visit func(*Package)
	visit = func(p *Package) {
		if seen[p] || !wanted[p] {
			return
		}
		seen[p] = true
		for _, a := range slices.Concat(p.PreDepends, p.Depends) {
			if needed, ok := s.Find(a); ok {
				visit(needed)
			}
		}
		order = append(order, p)
	}
	for _, p := range packages {
		visit(p)
	}
	return order
}

// Kernels splits packages into those that need an initramfs to be made, with
// what depends on them, and the others. Who installs the others first gets an
// initramfs that is made once, from a whole system.
func (s *Set) Kernels(packages []*Package) (others, kernels []*Package) {
	is := map[*Package]bool{}
	for _, p := range packages {
		is[p] = slices.ContainsFunc(p.Depends, func(a Alternatives) bool { return slices.Contains(a, initramfsTool) })
	}
	for changed := true; changed; {
		changed = false
		for _, p := range packages {
			if !is[p] && s.dependsOn(p, is) {
				is[p], changed = true, true
			}
		}
	}
	for _, p := range packages {
		if is[p] {
			kernels = append(kernels, p)
		} else {
			others = append(others, p)
		}
	}
	return others, kernels
}

// initramfsTool is the virtual package that Debian's kernels depend on.
const initramfsTool = "linux-initramfs-tool"

func (s *Set) dependsOn(p *Package, some map[*Package]bool) bool {
	return slices.ContainsFunc(slices.Concat(p.PreDepends, p.Depends), func(a Alternatives) bool {
		needed, ok := s.Find(a)
		return ok && some[needed]
	})
}
