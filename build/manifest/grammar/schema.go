package grammar

import (
	"encoding/json"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// A Schema is a JSON Schema, draft 2020-12, as encoding/json writes it. Nil
// admits everything.
type Schema map[string]any

// Schema is the shape as a JSON Schema. It admits what the shape admits, with
// two exceptions that JSON Schema cannot tell: 1.0 is an integer there, and
// expressions have the meaning that the reader's engine gives them.
func (s *Shape) Schema() Schema {
	if s == nil {
		return nil
	}
	out := Schema{}
	if types := s.kinds.types(); types != nil {
		out["type"] = types
	}
	s.schemaOfLiterals(out)
	if s.pattern != nil {
		out["pattern"] = s.expression
	}
	s.schemaOfSizes(out)
	if s.unique {
		out["uniqueItems"] = true
	}
	if s.items != nil {
		out["items"] = s.items.orTrue()
	}
	if s.tuple != nil {
		out["prefixItems"], out["items"] = schemas(s.tuple), false
	}
	if s.object != nil {
		s.object.schema(out)
	}
	return s.schemaOfCombined(out)
}

// orTrue is the schema where one must stand.
func (s *Shape) orTrue() any {
	if schema := s.Schema(); len(schema) > 0 {
		return schema
	}
	return true
}

func schemas(shapes []*Shape) []any {
	list := make([]any, len(shapes))
	for i, s := range shapes {
		list[i] = s.orTrue()
	}
	return list
}

// types is the keyword "type" of a set of kinds, nil for all.
func (set kinds) types() any {
	if set == 0 {
		return nil
	}
	var list []string
	for k := range kindCount {
		switch kind := pyjson.Kind(k); {
		case !set.has(kind), kind == pyjson.Int && set.has(pyjson.Float):
		default:
			list = append(list, kind.String())
		}
	}
	if len(list) == 1 {
		return list[0]
	}
	return list
}

func (s *Shape) schemaOfLiterals(out Schema) {
	values := make([]any, len(s.literal))
	for i, l := range s.literal {
		values[i] = json.RawMessage(l.Append(nil))
	}
	switch len(values) {
	case 0:
	case 1:
		out["const"] = values[0]
	default:
		out["enum"] = values
	}
}

func (s *Shape) schemaOfSizes(out Schema) {
	for k, b := range s.size {
		var low, high string
		switch pyjson.Kind(k) {
		case pyjson.Int, pyjson.Float:
			low, high = "minimum", "maximum"
		case pyjson.String:
			low, high = "minLength", "maxLength"
		case pyjson.Array:
			low, high = "minItems", "maxItems"
		case pyjson.Object:
			low, high = "minProperties", "maxProperties"
		}
		if b.hasLow {
			out[low] = b.low
		}
		if b.hasHigh {
			out[high] = b.high
		}
	}
}

// schema writes what is said of an object's keys. A key that is told by more
// than one expression goes to propertyNames: patternProperties knows no "not".
func (m *members) schema(out Schema) {
	properties, required := Schema{}, []string{}
	for _, x := range m.named {
		properties[x.name] = x.shape.orTrue()
		if x.required {
			required = append(required, x.name)
		}
	}
	if len(properties) > 0 {
		out["properties"] = properties
	}
	if len(required) > 0 {
		out["required"] = required
	}
	simple, other := Schema{}, []patternMember{}
	for _, x := range m.patterns {
		if x.key.pattern != nil && len(x.key.all) == 0 {
			simple[x.key.expression] = x.shape.orTrue()
			continue
		}
		other = append(other, x)
	}
	if len(simple) > 0 {
		out["patternProperties"] = simple
	}
	switch {
	case len(other) > 0:
		m.schemaOfKeys(out, other)
	case m.rest == nil:
		out["additionalProperties"] = false
	case len(m.rest.Schema()) > 0:
		out["additionalProperties"] = m.rest.Schema()
	}
}

func (m *members) schemaOfKeys(out Schema, patterns []patternMember) {
	var keys, values []any
	for _, x := range patterns {
		keys, values = append(keys, x.key.orTrue()), append(values, x.shape.orTrue())
	}
	for _, x := range m.patterns {
		if len(x.key.all) == 0 {
			keys = append(keys, x.key.orTrue())
		}
	}
	if len(m.named) > 0 {
		var names []string
		for _, x := range m.named {
			names = append(names, x.name)
		}
		keys = append(keys, Schema{"enum": names})
	}
	if m.rest == nil {
		out["propertyNames"] = oneOrAny(keys)
	} else {
		values = append(values, m.rest.orTrue())
	}
	out["additionalProperties"] = oneOrAny(values)
}

func oneOrAny(list []any) any {
	if len(list) == 1 {
		return list[0]
	}
	return Schema{"anyOf": list}
}

func (s *Shape) schemaOfCombined(out Schema) Schema {
	if len(s.all) == 1 && len(out) == 0 && s.any == nil && s.one == nil && s.none == nil {
		return s.all[0].Schema() // a shape that has a name
	}
	if len(s.all) > 0 {
		out["allOf"] = schemas(s.all)
	}
	if s.any != nil {
		out["anyOf"] = schemas(s.any)
	}
	if s.one != nil {
		out["oneOf"] = schemas(s.one)
	}
	if s.none != nil {
		out["not"] = s.none.orTrue()
	}
	return out
}
