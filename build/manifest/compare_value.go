package manifest

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// An optional is a value that may be missing, which null is not.
type optional struct {
	pyjson.Value
	there bool
}

func itoa(n int) string { return strconv.Itoa(n) }

// value reads canonical JSON of the model back; it cannot be wrong there.
func value(raw json.RawMessage) pyjson.Value {
	v, err := pyjson.Parse(raw)
	if err != nil {
		return pyjson.Value{}
	}
	return v
}

func text(s string) pyjson.Value {
	if s == "" {
		return pyjson.Value{}
	}
	return pyjson.NewString(s)
}

func number(n *int64) pyjson.Value {
	if n == nil {
		return pyjson.Value{}
	}
	return value([]byte(strconv.FormatInt(*n, 10)))
}

func list(names []string) json.RawMessage {
	b := []byte{'['}
	for i, name := range names {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, quote(name)...)
	}
	return append(b, ']')
}

// objectOf is an object of the given members without those that are null.
func objectOf(members ...pyjson.Member) pyjson.Value {
	return pyjson.NewObject(slices.DeleteFunc(members, func(m pyjson.Member) bool { return m.Value.Kind() == pyjson.Null }))
}

func deviceValue(d *Device) pyjson.Value {
	if d == nil {
		return pyjson.Value{}
	}
	return objectOf(pyjson.Member{Key: "type", Value: text(d.Type)}, pyjson.Member{Key: "parent", Value: text(d.Parent)},
		pyjson.Member{Key: "options", Value: value(d.Options)})
}

func mountValue(m *Mount) pyjson.Value {
	if m == nil {
		return pyjson.Value{}
	}
	return objectOf(pyjson.Member{Key: "type", Value: text(m.Type)}, pyjson.Member{Key: "source", Value: text(m.Source)},
		pyjson.Member{Key: "target", Value: text(m.Target)}, pyjson.Member{Key: "partition", Value: number(m.Partition)},
		pyjson.Member{Key: "options", Value: value(m.Options)})
}

func mountNames(mounts []*Mount) []string {
	names := make([]string, len(mounts))
	for i, m := range mounts {
		names[i] = m.Name
	}
	return names
}

// inputValue is an input with its references as an object: of equal ids the
// last one counts, as in its id.
func inputValue(in *Input) pyjson.Value {
	if in == nil {
		return pyjson.Value{}
	}
	return objectOf(pyjson.Member{Key: "type", Value: text(in.Type)}, pyjson.Member{Key: "origin", Value: text(in.Origin)},
		pyjson.Member{Key: "references", Value: value(canonicalReferences(in.References))}, pyjson.Member{Key: "options", Value: value(in.Options)})
}

func (c *comparison) input(path Path, a, b *Input) {
	c.values(path, inputValue(a), inputValue(b))
	if a != nil && b != nil {
		c.order(path.At("references"), referenceIDs(a), referenceIDs(b))
	}
}

func referenceIDs(in *Input) []string {
	ids := make([]string, len(in.References))
	for i, ref := range in.References {
		ids[i] = ref.ID
	}
	return ids
}

// values reports where two values differ, as deep as they have the same form.
// Null is a value that is not there at the outset.
func (c *comparison) values(path Path, a, b pyjson.Value) {
	c.optional(path, optional{a, a.Kind() != pyjson.Null}, optional{b, b.Kind() != pyjson.Null})
}

func (c *comparison) optional(path Path, a, b optional) {
	switch {
	case !a.there && !b.there:
	case !a.there:
		c.add(Added, path, nil, b.Append(nil))
	case !b.there:
		c.add(Removed, path, a.Append(nil), nil)
	case a.Kind() == pyjson.Object && b.Kind() == pyjson.Object:
		c.objects(path, a.Value, b.Value)
	case a.Kind() == pyjson.Array && b.Kind() == pyjson.Array:
		c.arrays(path, a.Items(), b.Items())
	case a.String() != b.String():
		c.add(Changed, path, a.Append(nil), b.Append(nil))
	}
}

// objects compares by key; keys are in the first one's order, then the other's.
func (c *comparison) objects(path Path, a, b pyjson.Value) {
	left, right := index(a), index(b)
	for _, m := range a.Members() {
		y, ok := right[m.Key]
		c.optional(path.At(m.Key), optional{m.Value, true}, optional{y, ok})
	}
	for _, m := range b.Members() {
		if _, ok := left[m.Key]; !ok {
			c.optional(path.At(m.Key), optional{}, optional{m.Value, true})
		}
	}
}

func index(v pyjson.Value) map[string]pyjson.Value {
	all := make(map[string]pyjson.Value, len(v.Members()))
	for _, m := range v.Members() {
		all[m.Key] = m.Value
	}
	return all
}

// arrays compares what lies between the equal beginnings and ends: item by item
// where as many are left on both sides, else as items that came and went.
func (c *comparison) arrays(path Path, a, b []pyjson.Value) {
	same := func(x, y pyjson.Value) bool { return x.String() == y.String() }
	start := 0
	for start < min(len(a), len(b)) && same(a[start], b[start]) {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && same(a[endA-1], b[endB-1]) {
		endA, endB = endA-1, endB-1
	}
	pairwise := endA-start == endB-start
	for i := start; i < endA; i++ {
		if pairwise {
			c.optional(path.At(i), optional{a[i], true}, optional{b[i], true})
			continue
		}
		c.optional(path.At(i), optional{a[i], true}, optional{})
	}
	for i := start; i < endB && !pairwise; i++ {
		c.optional(path.At(i), optional{}, optional{b[i], true})
	}
}
