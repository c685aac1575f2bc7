// Package pyjson reads JSON as Python's json module reads it, and writes it as
// json.dumps(sort_keys=True) writes it, byte for byte: osbuild's ids are
// digests of those bytes.
//
// What that means beyond RFC 8259: NaN, Infinity and -Infinity are numbers,
// integers have any size, of equal keys the last value wins and the first
// place stays, and a lone surrogate escape ("\ud800") is a character of its own.
//
//	v, err := pyjson.Parse([]byte(`{"b": 1.0, "a": "é"}`))
//	v.Append(nil) // {"a": "\u00e9", "b": 1.0}
//
// It does not decode into Go types and does not keep the document's layout.
package pyjson

// A Kind is a type of JSON.
type Kind uint8

// The kinds of values. Python tells integers and floats apart, and so do ids.
const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	Array
	Object
)

// String is the name by which messages call the kind.
func (k Kind) String() string {
	return [...]string{"null", "boolean", "integer", "number", "string", "array", "object"}[k]
}

// A Value is one parsed value. The zero Value is null.
type Value struct {
	kind Kind
	// text is the canonical token of a number or boolean, or a string's
	// characters in UTF-8, with lone surrogates in the same scheme (three
	// bytes). The order of those bytes is the order of the code points.
	text    string
	items   []Value
	members []Member
}

// A Member is one key of an object with its value.
type Member struct {
	Key   string
	Value Value
}

// NewString is a string value; s is UTF-8.
func NewString(s string) Value { return Value{kind: String, text: s} }

// NewObject is an object of the given members, whose keys must differ.
func NewObject(members []Member) Value { return Value{kind: Object, members: members} }

// NewArray is an array value.
func NewArray(items []Value) Value { return Value{kind: Array, items: items} }

// Kind tells the type.
func (v Value) Kind() Kind { return v.kind }

// Text is a string's characters or a number's canonical token.
func (v Value) Text() string { return v.text }

// True is Python's truth of a value: false for null, false, zero and whatever is empty.
func (v Value) True() bool {
	switch v.kind {
	case Bool:
		return v.text == "true"
	case Int, Float:
		return v.text != "0" && v.text != "0.0" && v.text != "-0.0"
	case String:
		return v.text != ""
	case Array:
		return len(v.items) > 0
	case Object:
		return len(v.members) > 0
	}
	return false
}

// Items are the values of an array.
func (v Value) Items() []Value { return v.items }

// Members are an object's keys and values, in Python's order: where a key first stood.
func (v Value) Members() []Member { return v.members }

// Lookup finds the value of a key.
func (v Value) Lookup(key string) (Value, bool) {
	for i := range v.members {
		if v.members[i].Key == key {
			return v.members[i].Value, true
		}
	}
	return Value{}, false
}

// Finite reports whether every number of v is one in RFC 8259 too, so that
// other readers accept what Append writes.
func (v Value) Finite() bool {
	switch v.kind {
	case Float:
		return v.text != "NaN" && v.text != "Infinity" && v.text != "-Infinity"
	case Array:
		for _, x := range v.items {
			if !x.Finite() {
				return false
			}
		}
	case Object:
		for _, m := range v.members {
			if !m.Value.Finite() {
				return false
			}
		}
	}
	return true
}
