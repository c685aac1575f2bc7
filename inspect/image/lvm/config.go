package lvm

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a text: what a real one needs a hundred times over.
const (
	maxNodes = 1 << 19
	maxNest  = 8
)

// A section is a part of a text: values and sections by name. Names keeps the
// order in which the sections stand.
type section struct {
	values   map[string][]value
	sections map[string]*section
	names    []string
}

// A value is a string or a number; what is no array is one of one element.
type value struct {
	text   string
	number int64
	isText bool
}

// A parser reads the grammar of lvm.conf(5), as far as metadata uses it.
type parser struct {
	text  []byte
	at    int
	nodes int
}

// parse reads a text up to its first NUL.
func parse(text []byte) (*section, error) {
	text, _, _ = bytes.Cut(text, []byte{0})
	p := &parser{text: text}
	s, err := p.section(0)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", 1+bytes.Count(text[:min(p.at, len(text))], []byte("\n")), err)
	}
	return s, nil
}

// section reads assignments and sections up to "}", or at the top up to the end.
func (p *parser) section(nest int) (*section, error) {
	s := &section{values: map[string][]value{}, sections: map[string]*section{}}
	for {
		switch c := p.peek(); {
		case c == 0 && nest == 0:
			return s, nil
		case c == 0:
			return nil, errors.New("the text ends within a section")
		case c == '}' && nest > 0:
			p.at++
			return s, nil
		}
		if err := p.item(s, nest); err != nil {
			return nil, err
		}
	}
}

// item reads one assignment or section into s.
func (p *parser) item(s *section, nest int) error {
	name := p.word()
	if name == "" {
		return fmt.Errorf("a name is expected, not %q", p.peek())
	}
	if err := p.count(); err != nil {
		return err
	}
	if s.values[name] != nil || s.sections[name] != nil {
		return fmt.Errorf("%s is there twice", name)
	}
	switch p.peek() {
	case '{':
		if nest >= maxNest {
			return fmt.Errorf("more than %d sections stand in each other", maxNest)
		}
		p.at++
		below, err := p.section(nest + 1)
		if err != nil {
			return err
		}
		s.sections[name] = below
		s.names = append(s.names, name)
		return nil
	case '=':
		p.at++
		values, err := p.values()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.values[name] = values
		return nil
	}
	return fmt.Errorf("%s: = or { is expected, not %q", name, p.peek())
}

// values reads a value or an array.
func (p *parser) values() ([]value, error) {
	list := []value{}
	if p.peek() != '[' {
		v, err := p.value()
		return append(list, v), err
	}
	p.at++
	for {
		if p.peek() == ']' {
			p.at++
			return list, nil
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		switch p.peek() {
		case ',':
			p.at++
		case ']':
		default:
			return nil, fmt.Errorf(", or ] is expected, not %q", p.peek())
		}
	}
}

func (p *parser) value() (value, error) {
	if err := p.count(); err != nil {
		return value{}, err
	}
	if c := p.peek(); c == '"' || c == '\'' {
		text, err := p.quoted(c)
		return value{text: text, isText: true}, err
	}
	word := p.word()
	if word == "" {
		return value{}, fmt.Errorf("a value is expected, not %q", p.peek())
	}
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return value{text: word, isText: true}, nil //nolint:nilerr // a word without quotes
	}
	return value{number: n}, nil
}

// quoted reads a string; between " a backslash takes the next byte as it is.
func (p *parser) quoted(end byte) (string, error) {
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		switch {
		case c == end:
			p.at++
			return b.String(), nil
		case c == '\\' && end == '"' && p.at+1 < len(p.text):
			p.at++
			b.WriteByte(p.text[p.at])
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("a string has no end")
}

// word reads a name, a number, or a string without quotes.
func (p *parser) word() string {
	p.peek()
	start := p.at
	for p.at < len(p.text) {
		if c := p.text[p.at]; !isLetter(c) && !isDigit(c) && !strings.ContainsRune("_.+-/@!", rune(c)) {
			break
		}
		p.at++
	}
	return string(p.text[start:p.at])
}

// peek skips white space and comments and returns the byte that follows; 0 at
// the end.
func (p *parser) peek() byte {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case ' ', '\t', '\n', '\r':
			p.at++
		case '#':
			end := bytes.IndexByte(p.text[p.at:], '\n')
			if end < 0 {
				p.at = len(p.text)
				return 0
			}
			p.at += end
		default:
			return c
		}
	}
	return 0
}

// count bounds what a text becomes in memory.
func (p *parser) count() error {
	if p.nodes++; p.nodes > maxNodes {
		return fmt.Errorf("there are more than %d names and values", maxNodes)
	}
	return nil
}

// A reader takes values out of a section and keeps the first error.
type reader struct {
	*section
	err error
}

func (r *reader) fail(name, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s %s", name, what)
	}
}

// text is a value that must be a string.
func (r *reader) text(name string) string {
	v := r.values[name]
	if len(v) != 1 || !v[0].isText {
		r.fail(name, "is no string")
		return ""
	}
	return v[0].text
}

// number is a value that must be a number from 0 to limit.
func (r *reader) number(name string, limit int64) int64 {
	v := r.values[name]
	if len(v) != 1 || v[0].isText || v[0].number < 0 || v[0].number > limit {
		r.fail(name, fmt.Sprintf("is no number from 0 to %d", limit))
		return 0
	}
	return v[0].number
}

// list is a value that is an array of strings; one that is not there is empty.
func (r *reader) list(name string) []string {
	var out []string
	for _, v := range r.values[name] {
		if !v.isText {
			r.fail(name, "is no list of strings")
			return nil
		}
		out = append(out, v.text)
	}
	return out
}
