package build

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// changes are the parts in which two keys differ, in a fixed order.
func changes(old, now Key) []Change {
	list := differ(nil, "type", old.Type, now.Type)
	list = differ(list, "kind", old.Kind, now.Kind)
	list = append(list, leaves("options", old.Options, now.Options)...)
	list = append(list, named("inputs", old.Inputs, now.Inputs, KeyInput.name, inputChanges)...)
	list = append(list, named("devices", old.Devices, now.Devices, KeyDevice.name, deviceChanges)...)
	list = append(list, named("mounts", old.Mounts, now.Mounts, KeyMount.name, mountChanges)...)
	list = differ(list, "runner", old.Runner, now.Runner)
	list = differ(list, "source epoch", fmt.Sprint(old.Epoch), fmt.Sprint(now.Epoch))
	list = differ(list, "architecture", old.Architecture, now.Architecture)
	list = differ(list, "implementation", old.Implementation, now.Implementation)
	mine := len(list)
	list = differ(list, "build root", old.BuildRoot, now.BuildRoot)
	list = differ(list, "tree before", old.Tree, now.Tree)
	for i := mine; i < len(list); i++ {
		list[i].derived = true
	}
	return list
}

// differ adds a change to list where there is one.
func differ(list []Change, part, old, now string) []Change {
	if old == now {
		return list
	}
	return append(list, Change{Part: part, Old: old, New: now})
}

func (k KeyInput) name() string  { return k.Name }
func (k KeyDevice) name() string { return k.Name }
func (k KeyMount) name() string  { return k.Name }

// named compares two lists of parts that have names.
func named[T any](what string, old, now []T, name func(T) string, compare func(path string, a, b T) []Change) []Change {
	var list []Change
	for _, a := range old {
		path := what + "." + name(a)
		if i := slices.IndexFunc(now, func(b T) bool { return name(b) == name(a) }); i >= 0 {
			list = append(list, compare(path, a, now[i])...)
		} else {
			list = append(list, Change{Part: path, Old: text(a)})
		}
	}
	both := func(x T, in []T) bool {
		return slices.ContainsFunc(in, func(y T) bool { return name(x) == name(y) })
	}
	for _, b := range now {
		if !both(b, old) {
			list = append(list, Change{Part: what + "." + name(b), New: text(b)})
		}
	}
	if list == nil && text(old) != text(now) {
		return []Change{{Part: what + ", order", Old: names(old, name), New: names(now, name)}}
	}
	return list
}

func names[T any](list []T, name func(T) string) string {
	var words []string
	for _, x := range list {
		words = append(words, name(x))
	}
	return strings.Join(words, " ")
}

// text is a part of a key as JSON, for comparing and showing.
func text(part any) string {
	data, err := json.Marshal(part)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func inputChanges(path string, a, b KeyInput) []Change {
	list := differ(nil, path+".type", a.Type, b.Type)
	list = differ(list, path+".origin", a.Origin, b.Origin)
	list = append(list, leaves(path+".options", a.Options, b.Options)...)
	derived := a.Origin == fromPipeline && b.Origin == fromPipeline
	for _, c := range referenceChanges(path, a.References, b.References) {
		c.derived = derived && c.Part == path
		list = append(list, c)
	}
	return list
}

// referenceChanges names what came and went; those changes have the part path.
func referenceChanges(path string, old, now []KeyReference) []Change {
	var list, came []Change
	at := map[string][]KeyReference{}
	for _, ref := range now {
		at[ref.ID] = append(at[ref.ID], ref)
	}
	for _, ref := range old {
		same := at[ref.ID]
		if len(same) == 0 {
			list = append(list, Change{Part: path, Old: ref.ID})
			continue
		}
		at[ref.ID] = same[1:]
		list = append(list, leaves(path+"["+shorten(ref.ID)+"].options", ref.Options, same[0].Options)...)
	}
	for _, ref := range now {
		if len(at[ref.ID]) > 0 {
			at[ref.ID] = at[ref.ID][1:]
			came = append(came, Change{Part: path, New: ref.ID})
		}
	}
	if len(list) == 1 && len(came) == 1 && list[0].New == "" && list[0].Part == path {
		return []Change{{Part: path, Old: list[0].Old, New: came[0].New}}
	}
	if list = append(list, came...); list == nil && text(old) != text(now) {
		return []Change{{Part: path + ", order", Old: text(old), New: text(now)}}
	}
	return list
}

func deviceChanges(path string, a, b KeyDevice) []Change {
	list := differ(nil, path+".type", a.Type, b.Type)
	list = differ(list, path+".parent", a.Parent, b.Parent)
	return append(list, leaves(path+".options", a.Options, b.Options)...)
}

func mountChanges(path string, a, b KeyMount) []Change {
	list := differ(nil, path+".type", a.Type, b.Type)
	list = differ(list, path+".source", a.Source, b.Source)
	list = differ(list, path+".target", a.Target, b.Target)
	list = differ(list, path+".partition", text(a.Partition), text(b.Partition))
	return append(list, leaves(path+".options", a.Options, b.Options)...)
}

// leaves compares two JSON values and names the places that differ: down to the
// members of objects, and to the items of arrays of the same length.
func leaves(path string, old, now json.RawMessage) []Change {
	if compactJSON(old) == compactJSON(now) {
		return nil
	}
	list, ok := memberChanges(path, old, now)
	if !ok {
		list = itemChanges(path, old, now)
	}
	if list == nil { // a scalar, or the same members in another order or form
		return []Change{{Part: path, Old: compactJSON(old), New: compactJSON(now)}}
	}
	return list
}

// memberChanges is false where the values are not both objects.
func memberChanges(path string, old, now json.RawMessage) ([]Change, bool) {
	var a, b map[string]json.RawMessage
	if json.Unmarshal(old, &a) != nil || json.Unmarshal(now, &b) != nil || a == nil || b == nil {
		return nil, false
	}
	all := maps.Clone(a)
	maps.Copy(all, b)
	var list []Change
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, leaves(path+"."+name, a[name], b[name])...)
	}
	return list, true
}

func itemChanges(path string, old, now json.RawMessage) []Change {
	var a, b []json.RawMessage
	if json.Unmarshal(old, &a) != nil || json.Unmarshal(now, &b) != nil || len(a) != len(b) {
		return nil
	}
	var list []Change
	for i := range a {
		list = append(list, leaves(fmt.Sprintf("%s[%d]", path, i), a[i], b[i])...)
	}
	return list
}
