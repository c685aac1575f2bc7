package build

import (
	"fmt"
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
	// Part is the leaf: "tree before", "build root", "options.users.bob.uid",
	// "inputs.packages", "devices.disk.options.size", "mounts.root.target", …
	Part string `json:"part"`
	// Old is empty for what is new, New for what is gone.
	Old string `json:"old"`
	New string `json:"new"`
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
	for _, c := range e.Changed[:min(len(e.Changed), mostChanges)] {
		parts = append(parts, c.String())
	}
	if more := len(e.Changed) - mostChanges; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return "miss: changed " + strings.Join(parts, ", ")
}

// mostChanges is how many changes a line names; the JSON result has all.
const mostChanges = 8

func (c Change) String() string {
	switch {
	case c.Old == "":
		return fmt.Sprintf("%s: %s added", c.Part, shorten(c.New))
	case c.New == "":
		return fmt.Sprintf("%s: %s removed", c.Part, shorten(c.Old))
	}
	return fmt.Sprintf("%s (%s → %s)", c.Part, shorten(c.Old), shorten(c.New))
}

// shorten keeps a value readable in a line; digests by their beginning.
func shorten(s string) string {
	const most, digits = 40, 12
	digest := s[strings.LastIndexByte(s, ':')+1:]
	if len(digest) >= 32 && strings.Trim(digest, "0123456789abcdef") == "" {
		return s[:len(s)-len(digest)+digits]
	}
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
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
