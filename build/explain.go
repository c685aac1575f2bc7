package build

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// An Explanation says why a step's output came from the store, or why not.
type Explanation struct {
	Hit bool `json:"hit"`
	// Known is false when no earlier build of the step is remembered.
	Known bool `json:"known"`
	// Changed are the parts of the key that differ from the last build's.
	Changed []Change `json:"changed,omitempty"`
}

// A Change is one part of a key that differs.
type Change struct {
	// Part is "tree before", "options", "options.users.bob", "input packages",
	// "build root", …
	Part string `json:"part"`
	Old  string `json:"old"`
	New  string `json:"new"`
	// derived marks what other steps' outputs decide.
	derived bool
}

func (e *Explanation) String() string {
	switch {
	case e.Hit:
		return "hit"
	case !e.Known:
		return "miss: never built here"
	case len(e.Changed) == 0:
		return "miss: same key as last time, but its output is gone"
	}
	var parts []string
	for _, c := range e.Changed {
		parts = append(parts, fmt.Sprintf("%s (%s → %s)", c.Part, shorten(c.Old), shorten(c.New)))
	}
	return "miss: changed " + strings.Join(parts, ", ")
}

// shorten keeps a value readable in a line; digests by their beginning.
func shorten(s string) string {
	const most = 40
	if len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" {
		return s[:12]
	}
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	if s == "" {
		return "nothing"
	}
	return s
}

func explain(hit bool, last *record, k Key) *Explanation {
	e := &Explanation{Hit: hit, Known: last != nil}
	if last != nil && !hit {
		e.Changed = changes(last.Key, k)
	}
	return e
}

// changes are the parts in which two keys differ, in a fixed order.
func changes(old, now Key) []Change {
	var list []Change
	add := func(part, a, b string, derived bool) {
		if a != b {
			list = append(list, Change{part, a, b, derived})
		}
	}
	add("type", old.Type, now.Type, false)
	add("kind", old.Kind, now.Kind, false)
	list = append(list, leaves("options", old.Options, now.Options)...)
	list = append(list, inputChanges(old.Inputs, now.Inputs)...)
	add("runner", old.Runner, now.Runner, false)
	add("source epoch", fmt.Sprint(old.Epoch), fmt.Sprint(now.Epoch), false)
	add("architecture", old.Architecture, now.Architecture, false)
	add("implementation", old.Implementation, now.Implementation, false)
	add("build root", old.BuildRoot, now.BuildRoot, true)
	add("tree before", old.Tree, now.Tree, true)
	return list
}

func inputChanges(old, now []KeyInput) []Change {
	var list []Change
	names := map[string]bool{}
	for _, in := range append(slices.Clone(old), now...) {
		if names[in.Name] {
			continue
		}
		names[in.Name] = true
		a, b := inputNamed(old, in.Name), inputNamed(now, in.Name)
		if x, y := inputText(a), inputText(b); x != y {
			list = append(list, Change{"input " + in.Name, summary(a), summary(b), in.Type == treeInput})
		}
	}
	return list
}

func inputNamed(inputs []KeyInput, name string) *KeyInput {
	for i := range inputs {
		if inputs[i].Name == name {
			return &inputs[i]
		}
	}
	return nil
}

func inputText(in *KeyInput) string {
	data, err := json.Marshal(in)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func summary(in *KeyInput) string {
	switch {
	case in == nil:
		return ""
	case len(in.References) == 1:
		return in.References[0].ID
	}
	return fmt.Sprintf("%d references", len(in.References))
}

// leaves compares two JSON values and names the places that differ.
func leaves(path string, old, now json.RawMessage) []Change {
	if compactJSON(old) == compactJSON(now) {
		return nil
	}
	var a, b map[string]json.RawMessage
	if json.Unmarshal(old, &a) != nil || json.Unmarshal(now, &b) != nil || a == nil || b == nil {
		return []Change{{Part: path, Old: compactJSON(old), New: compactJSON(now)}}
	}
	var names []string
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		if _, both := a[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var list []Change
	for _, name := range names {
		list = append(list, leaves(path+"."+name, a[name], b[name])...)
	}
	if list == nil { // the same members in another order or form
		return []Change{{Part: path, Old: compactJSON(old), New: compactJSON(now)}}
	}
	return list
}
