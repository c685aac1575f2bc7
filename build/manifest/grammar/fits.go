package grammar

import (
	"slices"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// fits is Check for one bit, without the places and words of problems: most
// values are as they should be, and of several forms all have to be tried.
func (s *Shape) fits(v pyjson.Value) bool {
	if !s.kinds.has(v.Kind()) {
		return false
	}
	if len(s.literal) > 0 && !slices.ContainsFunc(s.literal, func(l pyjson.Value) bool { return same(l, v) }) {
		return false
	}
	if b := s.size[v.Kind()]; b.hasLow || b.hasHigh {
		var c checker
		if s.sizes(&c, v, nil); len(c.problems) > 0 {
			return false
		}
	}
	switch v.Kind() {
	case pyjson.String:
		if s.pattern != nil && !s.pattern.MatchString(v.Text()) {
			return false
		}
	case pyjson.Array:
		if !s.fitsArray(v) {
			return false
		}
	case pyjson.Object:
		if s.object != nil && !s.object.fits(v) {
			return false
		}
	}
	return s.fitsCombined(v)
}

func (s *Shape) fitsArray(v pyjson.Value) bool {
	items := v.Items()
	if s.tuple != nil && len(items) > len(s.tuple) {
		return false
	}
	for i, x := range items {
		switch {
		case s.items != nil:
			if !s.items.fits(x) {
				return false
			}
		case i < len(s.tuple):
			if !s.tuple[i].fits(x) {
				return false
			}
		}
	}
	if s.unique {
		var c checker
		s.repeated(&c, items, nil)
		return len(c.problems) == 0
	}
	return true
}

func (m *members) fits(v pyjson.Value) bool {
	for _, x := range m.named {
		if !x.required {
			continue
		}
		if _, ok := v.Lookup(x.name); !ok {
			return false
		}
	}
	return !slices.ContainsFunc(v.Members(), func(got pyjson.Member) bool { return !m.fitsMember(got) })
}

func (m *members) fitsMember(got pyjson.Member) bool {
	known := false
	for _, x := range m.named {
		if x.name == got.Key {
			known = true
			if !x.shape.fits(got.Value) {
				return false
			}
		}
	}
	if len(m.patterns) > 0 {
		key := pyjson.NewString(got.Key)
		for _, x := range m.patterns {
			if x.key.fits(key) {
				known = true
				if !x.shape.fits(got.Value) {
					return false
				}
			}
		}
	}
	return known || m.rest != nil && m.rest.fits(got.Value)
}

func (s *Shape) fitsCombined(v pyjson.Value) bool {
	fitting := func(x *Shape) bool { return x.fits(v) }
	unfit := func(x *Shape) bool { return !x.fits(v) }
	if slices.ContainsFunc(s.all, unfit) || s.none != nil && s.none.fits(v) || s.any != nil && !slices.ContainsFunc(s.any, fitting) {
		return false
	}
	if s.one == nil {
		return true
	}
	n := 0
	for _, x := range s.one {
		if x.fits(v) {
			n++
		}
	}
	return n == 1
}
