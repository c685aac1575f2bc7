package manifest

import (
	"slices"
	"strings"

	"github.com/assay-os/assay/build/manifest/grammar"
	"github.com/assay-os/assay/build/manifest/pyjson"
)

// emptyObject is what a missing options object enters an id as.
const emptyObject = "{}"

// An object is a place in the document that holds named values. Its readers
// report what is wrong and give a zero value then.
type object struct {
	l    *loader
	path Path
	v    pyjson.Value
}

// object takes v as an object that has no other keys than those given.
func (l *loader) object(v pyjson.Value, path Path, keys ...string) (object, bool) {
	o := object{l, path, v}
	if v.Kind() != pyjson.Object {
		l.fail(path, "expected an object, found %s", a(v.Kind()))
		return o, false
	}
	for _, m := range v.Members() {
		if !slices.Contains(keys, m.Key) {
			l.fail(path, "unknown key %q%s", m.Key, grammar.Suggest(m.Key, keys))
		}
	}
	return o, true
}

// lookup finds key as a value of the given kind.
func (o object) lookup(key string, kind pyjson.Kind) (pyjson.Value, bool) {
	v, ok := o.v.Lookup(key)
	if ok && v.Kind() != kind {
		o.l.fail(o.path.At(key), "expected %s, found %s", a(kind), a(v.Kind()))
		return pyjson.Value{}, false
	}
	return v, ok
}

// text is an optional string.
func (o object) text(key string) string {
	v, _ := o.lookup(key, pyjson.String)
	return v.Text()
}

// required is a string that must be there.
func (o object) required(key string) (s string, ok bool) {
	if _, ok := o.v.Lookup(key); !ok {
		o.l.fail(o.path, "%q is missing", key)
		return "", false
	}
	v, ok := o.lookup(key, pyjson.String)
	return v.Text(), ok
}

// string is a string that must be there and may be empty.
func (o object) string(key string) string {
	s, _ := o.required(key)
	return s
}

// name is a string that must be there and hold something.
func (o object) name(key string) string {
	s, ok := o.required(key)
	if ok && s == "" {
		o.l.fail(o.path.At(key), "is empty")
	}
	return s
}

// options is the canonical form of an options object, {} where there is none
// and nil where it is something else.
func (o object) options() []byte {
	if _, ok := o.v.Lookup("options"); !ok {
		return []byte(emptyObject)
	}
	v, ok := o.lookup("options", pyjson.Object)
	if !ok {
		return nil
	}
	return v.Append(nil)
}

// list is the items of an optional array.
func (o object) list(key string) []pyjson.Value {
	v, _ := o.lookup(key, pyjson.Array)
	return v.Items()
}

// members are those of an optional object.
func (o object) members(key string) []pyjson.Member {
	v, _ := o.lookup(key, pyjson.Object)
	return v.Members()
}

// orEmpty is v's canonical form, {} for whatever Python takes as false.
func orEmpty(v pyjson.Value) []byte {
	if !v.True() {
		return []byte(emptyObject)
	}
	return v.Append(nil)
}

// plural lists names for a message: "a", "a and b", "a, b and c".
func plural(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
