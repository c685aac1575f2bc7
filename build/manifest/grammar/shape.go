package grammar

import (
	"regexp"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// A Shape is what a value must look like. All of its parts must hold; a part
// that speaks of one kind of value says nothing of the others, unless kinds
// names that kind only.
type Shape struct {
	kinds   kinds
	literal []pyjson.Value // one of them, when there are any
	pattern *regexp.Regexp // found in a string
	// expression is the pattern as it was written.
	expression string
	size       [kindCount]span
	unique     bool

	object *members
	items  *Shape
	tuple  []*Shape // item by item; nothing may follow

	all  []*Shape
	any  []*Shape // at least one
	one  []*Shape // exactly one
	none *Shape
}

// members is the shape of an object's keys. Keys that nothing names are
// refused when rest is nil.
type members struct {
	named    []member
	patterns []patternMember
	rest     *Shape
}

type member struct {
	name     string
	required bool
	shape    *Shape
}

type patternMember struct {
	key, shape *Shape
}

// kinds is a set of kinds; an empty one means all.
type kinds uint8

const kindCount = int(pyjson.Object) + 1

func of(list ...pyjson.Kind) kinds {
	var set kinds
	for _, k := range list {
		set |= 1 << k
	}
	return set
}

func (set kinds) has(k pyjson.Kind) bool { return set == 0 || set&(1<<k) != 0 }

// A span bounds a string's characters, an array's items, an object's keys, or
// a number itself. Both ends belong to it.
type span struct {
	low, high       float64
	hasLow, hasHigh bool
}

func (s span) holds(x float64) bool {
	return !(s.hasLow && x < s.low) && !(s.hasHigh && x > s.high)
}

// The shapes of the simple words of the notation.
func word(name string) *Shape {
	switch name {
	case "any":
		return &Shape{}
	case "str":
		return &Shape{kinds: of(pyjson.String)}
	case "int":
		return &Shape{kinds: of(pyjson.Int)}
	case "num":
		return &Shape{kinds: of(pyjson.Int, pyjson.Float)}
	case "bool":
		return &Shape{kinds: of(pyjson.Bool)}
	case "null":
		return &Shape{kinds: of(pyjson.Null)}
	case "arr":
		return &Shape{kinds: of(pyjson.Array)}
	case "obj":
		return &Shape{kinds: of(pyjson.Object)}
	}
	return nil
}
