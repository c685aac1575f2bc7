// Package yamltext takes YAML of an image apart into its leaves.
//
// Aliases are not followed without end, tags make no objects, and what is deeper or
// more than any configuration is an error.
package yamltext

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The bounds of one document.
const (
	maxDepth  = 64
	maxLeaves = 100_000
)

// A Leaf is one value. Path are the keys on the way to it, a list's elements by their
// numbers from 0. An empty mapping or list is a leaf, "{}" or "[]".
type Leaf struct {
	Path  []string
	Value string
}

// Key is the path with dots between its parts, and numbers in brackets.
func (l Leaf) Key() string {
	var b strings.Builder
	for i, p := range l.Path {
		if i > 0 && !strings.HasPrefix(p, "[") {
			b.WriteByte('.')
		}
		b.WriteString(p)
	}
	return b.String()
}

// Leaves reads the first document of data.
func Leaves(data []byte) ([]Leaf, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	w := &walker{}
	err := w.walk(doc.Content[0], nil)
	return w.leaves, err
}

type walker struct{ leaves []Leaf }

func (w *walker) walk(n *yaml.Node, path []string) error {
	if len(path) > maxDepth {
		return fmt.Errorf("line %d: more than %d levels", n.Line, maxDepth)
	}
	if len(w.leaves) > maxLeaves {
		return fmt.Errorf("line %d: more than %d values", n.Line, maxLeaves)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.walk(n.Alias, path)
	case yaml.MappingNode:
		return w.mapping(n, path)
	case yaml.SequenceNode:
		return w.sequence(n, path)
	}
	w.leaf(path, n.Value)
	return nil
}

func (w *walker) mapping(n *yaml.Node, path []string) error {
	if len(n.Content) == 0 {
		w.leaf(path, "{}")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if err := w.walk(n.Content[i+1], append(path[:len(path):len(path)], n.Content[i].Value)); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) sequence(n *yaml.Node, path []string) error {
	if len(n.Content) == 0 {
		w.leaf(path, "[]")
	}
	for i, item := range n.Content {
		if err := w.walk(item, append(path[:len(path):len(path)], fmt.Sprintf("[%d]", i))); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) leaf(path []string, value string) {
	w.leaves = append(w.leaves, Leaf{Path: path, Value: value})
}
