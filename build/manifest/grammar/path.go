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

// ParsePath reads what String writes.
func ParsePath(s string) (Path, error) {
	var p Path
	for rest := s; rest != ""; {
		step, after, err := cutStep(rest, len(p) == 0)
		if err != nil {
			return nil, fmt.Errorf("read path %q: %w before %q", s, err, rest)
		}
		p, rest = append(p, step), after
	}
	return p, nil
}

// cutStep takes the first key or index off a path.
func cutStep(s string, first bool) (step any, rest string, err error) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		return cutBrackets(inner)
	}
	s, dot := strings.CutPrefix(s, ".")
	if dot == first {
		return nil, "", fmt.Errorf("expected a key")
	}
	end := strings.IndexAny(s, ".[")
	if end < 0 {
		end = len(s)
	}
	if !simple(s[:end]) {
		return nil, "", fmt.Errorf("expected a simple key")
	}
	return s[:end], s[end:], nil
}

// cutBrackets takes an index or a quoted key, up to behind the bracket.
func cutBrackets(s string) (step any, rest string, err error) {
	text, _, _ := strings.Cut(s, "]")
	if strings.HasPrefix(s, `"`) {
		if text, err = strconv.QuotedPrefix(s); err != nil {
			return nil, "", fmt.Errorf("expected a quoted key")
		}
		if step, err = strconv.Unquote(text); err != nil {
			return nil, "", err
		}
	} else if step, err = strconv.Atoi(text); err != nil {
		return nil, "", fmt.Errorf("expected an index")
	}
	rest, ok := strings.CutPrefix(s[len(text):], "]")
	if !ok {
		return nil, "", fmt.Errorf("expected a bracket")
	}
	return step, rest, nil
}
