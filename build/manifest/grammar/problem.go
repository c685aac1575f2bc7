// Package grammar checks JSON values against shapes that are written in a
// short notation, and holds the shapes of osbuild's inputs, devices, mounts,
// sources, stages and assemblers.
//
// It knows single modules only; how they hang together in a manifest is the
// business of package manifest.
package grammar

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// A Path leads to a place in a document: keys (string) and indices (int). In
// JSON it is an array of both, as osbuild writes it.
type Path []any

// At is the path of what lies below p; it shares nothing with p.
func (p Path) At(below ...any) Path {
	return append(p[:len(p):len(p)], below...)
}

// MarshalJSON writes an array, which is empty for the document itself.
func (p Path) MarshalJSON() ([]byte, error) {
	if p == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]any(p))
}

// String is the path as people write it: pipelines[1].stages[3].inputs.tree.
// Keys that are not simple words are quoted: urls["sha256:…"].
func (p Path) String() string {
	var b strings.Builder
	for _, step := range p {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		case string:
			writeKey(&b, step)
		}
	}
	return b.String()
}

func writeKey(b *strings.Builder, key string) {
	if !simple(key) {
		b.WriteString("[" + strconv.Quote(key) + "]")
		return
	}
	if b.Len() > 0 {
		b.WriteByte('.')
	}
	b.WriteString(key)
}

// simple reports whether key reads without quotes between the dots of a path.
func simple(key string) bool {
	for _, c := range key {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '_' && c != '-' {
			return false
		}
	}
	return key != ""
}

// A Problem is one thing that is wrong with a document, and where.
type Problem struct {
	Path    Path   `json:"path"`
	Message string `json:"message"`
}

func (p Problem) Error() string {
	if len(p.Path) == 0 {
		return p.Message
	}
	return p.Path.String() + ": " + p.Message
}

// Problems is every problem of a document, as one error.
type Problems []Problem

// Error is the first problem, with how many more there are.
func (p Problems) Error() string {
	switch len(p) {
	case 0:
		return "no problem"
	case 1:
		return p[0].Error()
	case 2:
		return p[0].Error() + " (and one more problem)"
	}
	return fmt.Sprintf("%s (and %d more problems)", p[0].Error(), len(p)-1)
}

// Err is p as an error, nil when there is none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}
