// Package grammar checks JSON values against shapes that are written in a
// short notation, and holds the shapes of osbuild's inputs, devices, mounts,
// sources, stages and assemblers.
//
// It knows single modules only; how they hang together in a manifest is the
// business of package manifest.
package grammar

import "fmt"

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
