package yamltext

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Python is the first document of data as PyYAML's safe_load makes it, which reads
// YAML 1.1: map[string]any, []any, string, bool, int64, float64 or nil. Keys that are
// no text become text as JSON of Python has it; dates stay text.
func Python(data []byte) (any, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	p := &python{}
	return p.value(doc.Content[0], 0)
}

type python struct{ count int }

func (p *python) value(n *yaml.Node, depth int) (any, error) {
	if p.count++; p.count > maxLeaves {
		return nil, fmt.Errorf("line %d: more than %d values", n.Line, maxLeaves)
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d: more than %d levels", n.Line, maxDepth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return p.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			v, err := p.value(c, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		return p.mapping(n, depth)
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 || n.Tag == "!!str" && n.Style&yaml.TaggedStyle != 0 {
		return n.Value, nil
	}
	return plain(n.Value), nil
}

func (p *python) mapping(n *yaml.Node, depth int) (any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		v, err := p.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		key := n.Content[i].Value
		if key == "<<" && n.Content[i].Style == 0 {
			merge(m, v)
			continue
		}
		m[key] = v
	}
	return m, nil
}

// merge puts in what a "<<" key names, where nothing has the key.
func merge(m map[string]any, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if _, ok := m[k]; !ok {
				m[k] = x
			}
		}
	case []any:
		for _, x := range v {
			merge(m, x)
		}
	}
}

// plain reads a text without quotes as YAML 1.1 does: yaml.org/type.
func plain(s string) any {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	}
	switch strings.ToLower(s) {
	case "yes", "true", "on":
		return true
	case "no", "false", "off":
		return false
	}
	if v, ok := integer(s); ok {
		return v
	}
	if v, err := strconv.ParseFloat(s, 64); err == nil && strings.Contains(s, ".") && !strings.ContainsAny(s, "xXpP_") && (!strings.ContainsAny(s, "eE") || strings.ContainsAny(s, "+-")) {
		return v
	}
	return s
}

// integer reads decimal, 0octal, 0xhex and 0bbinary numbers.
func integer(s string) (int64, bool) {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || digits == "" || digits[0] < '0' || digits[0] > '9' {
		return 0, false
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0x"), strings.HasPrefix(digits, "0b"):
		base = map[byte]int{'x': 16, 'b': 2}[digits[1]]
		digits = digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base = 8
	}
	v, err := strconv.ParseInt(strings.ReplaceAll(digits, "_", ""), base, 64)
	if s[0] == '-' {
		v = -v
	}
	return v, err == nil
}
