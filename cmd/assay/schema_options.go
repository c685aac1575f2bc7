package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An optionRow is one option of a schema, for a table.
type optionRow struct {
	// name is the option's place: "users.NAME.uid", "paths[].from".
	name     string
	required bool
	// kind is what it is: "string", "array", "yes, no or preserve".
	kind        string
	byDefault   string
	description string
}

func (r optionRow) marked() string { return r.name + star(r.required) }

func (r optionRow) text() string {
	if r.byDefault == "" {
		return r.description
	}
	return fmt.Sprintf("%s (default: %s)", r.description, r.byDefault)
}

// schemaOptions lists the options of a schema: those that must be given
// first, then by name, each before what it holds.
func schemaOptions(schema json.RawMessage) ([]optionRow, error) {
	var root map[string]any
	if err := json.Unmarshal(schema, &root); err != nil {
		return nil, err
	}
	l := optionList{root: root}
	l.object("", root, 0)
	return l.rows, nil
}

type optionList struct {
	root map[string]any
	rows []optionRow
}

// object lists the keys of an object. The depth is bounded: a schema may refer to itself.
func (l *optionList) object(prefix string, node map[string]any, depth int) {
	const deepest = 12
	if depth > deepest {
		return
	}
	required, _ := node["required"].([]any)
	properties, _ := node["properties"].(map[string]any)
	names := slices.SortedFunc(maps.Keys(properties), func(a, b string) int {
		if x, y := slices.Contains(required, any(a)), slices.Contains(required, any(b)); x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		l.option(prefix+name, l.resolve(properties[name]), slices.Contains(required, any(name)), depth)
	}
	patterns, _ := node["patternProperties"].(map[string]any)
	for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
		l.object(prefix+"NAME.", l.resolve(patterns[pattern]), depth+1)
	}
}

func (l *optionList) option(name string, node map[string]any, required bool, depth int) {
	description, _ := node["description"].(string)
	row := optionRow{name: name, required: required, kind: l.kind(node), description: description}
	if v, ok := node["default"]; ok {
		row.byDefault = compactJSON(v)
	}
	l.rows = append(l.rows, row)
	l.object(name+".", node, depth+1)
	if items, ok := node["items"]; ok {
		l.object(name+"[].", l.resolve(items), depth+1)
	}
}

// resolve follows "$ref" to "$defs"; what stands beside it comes first.
func (l *optionList) resolve(value any) map[string]any {
	node, _ := value.(map[string]any)
	for range 8 {
		ref, ok := node["$ref"].(string)
		if !ok {
			break
		}
		var target any = l.root
		for key := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			parent, _ := target.(map[string]any)
			target = parent[key]
		}
		merged := map[string]any{}
		if t, ok := target.(map[string]any); ok {
			maps.Copy(merged, t)
		}
		for key, v := range node {
			if key != "$ref" {
				merged[key] = v
			}
		}
		node = merged
	}
	return node
}

// kind says in a word what a value must be.
func (l *optionList) kind(node map[string]any) string {
	if enum, ok := node["enum"].([]any); ok {
		var words []string
		for _, v := range enum {
			words = append(words, strings.Trim(compactJSON(v), `"`))
		}
		return strings.Join(words, "|")
	}
	if c, ok := node["const"]; ok {
		return strings.Trim(compactJSON(c), `"`)
	}
	switch t := node["type"].(type) {
	case string:
		if items := l.resolve(node["items"]); t == "array" && items["type"] != nil {
			return "array of " + l.kind(items)
		}
		return t
	case []any:
		return strings.Trim(strings.ReplaceAll(compactJSON(t), `","`, "|"), `[]"`)
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		if forms, ok := node[key].([]any); ok {
			var words []string
			for _, form := range forms {
				if word := l.kind(l.resolve(form)); !slices.Contains(words, word) {
					words = append(words, word)
				}
			}
			return strings.Join(words, "|")
		}
	}
	return "any"
}

func compactJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}

// schemaExamples are a schema's own, each on several lines.
func schemaExamples(schema json.RawMessage) []string {
	var doc struct {
		Examples []json.RawMessage `json:"examples"`
	}
	if json.Unmarshal(schema, &doc) != nil {
		return nil
	}
	var list []string
	for _, example := range doc.Examples {
		var b bytes.Buffer
		if json.Indent(&b, example, "", "  ") == nil {
			list = append(list, b.String())
		}
	}
	return list
}

func indent(text, by string) string { return by + strings.ReplaceAll(text, "\n", "\n"+by) }
