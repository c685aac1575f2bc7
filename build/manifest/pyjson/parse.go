package pyjson

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// The bounds of a document: bytes, levels, values (the largest manifest that
// osbuild publishes has fewer than 50,000). Python stops at 4300 digits of an
// integer and, by its recursion limit, at fewer than a thousand levels.
const (
	MaxSize   = 256 << 20
	MaxDepth  = 500
	MaxValues = 1 << 20
	maxDigits = 4300
)

// A SyntaxError says where a document stops being JSON: "3:14: expected …". Line and Column count
// from 1; Column counts characters.
type SyntaxError struct {
	Line, Column int
	Message      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
}

// Parse reads one document. Its errors are *SyntaxError.
func Parse(data []byte) (Value, error) {
	p := &parser{data: data}
	v, err := p.document()
	if err != nil {
		return Value{}, err
	}
	return v, nil
}

type parser struct {
	data   []byte
	pos    int
	depth  int
	values int
}

func (p *parser) document() (Value, error) {
	if len(p.data) > MaxSize {
		return Value{}, p.errorAt(0, fmt.Sprintf("the document has more than %d bytes", MaxSize))
	}
	if bytes.HasPrefix(p.data, []byte("\xef\xbb\xbf")) {
		return Value{}, p.errorAt(0, "the document starts with a byte order mark; remove it")
	}
	p.space()
	v, err := p.value()
	if err != nil {
		return Value{}, err
	}
	if p.space(); p.pos < len(p.data) {
		return Value{}, p.errorf("data after the end of the document")
	}
	return v, nil
}

func (p *parser) errorf(format string, args ...any) error {
	return p.errorAt(p.pos, fmt.Sprintf(format, args...))
}

func (p *parser) errorAt(pos int, message string) error {
	before := p.data[:min(pos, len(p.data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return &SyntaxError{
		Line:    1 + bytes.Count(before, []byte("\n")),
		Column:  1 + utf8.RuneCount(before[start:]),
		Message: message,
	}
}

// peek is the next byte, and 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

func (p *parser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// next names what stands at the position, for messages.
func (p *parser) next() string {
	if p.pos >= len(p.data) {
		return "the end of the document"
	}
	r, n := utf8.DecodeRune(p.data[p.pos:])
	if r == utf8.RuneError && n == 1 {
		return fmt.Sprintf("the byte 0x%02x", p.data[p.pos])
	}
	return fmt.Sprintf("%q", r)
}

func (p *parser) value() (Value, error) {
	if p.values++; p.values > MaxValues {
		return Value{}, p.errorf("more than %d values", MaxValues)
	}
	switch c := p.peek(); {
	case c == '"':
		s, err := p.string()
		return Value{kind: String, text: s}, err
	case c == '{' || c == '[':
		return p.nested(c)
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	default:
		return p.word()
	}
}

// nested reads an array or object, one level deeper.
func (p *parser) nested(c byte) (Value, error) {
	if p.depth++; p.depth > MaxDepth {
		return Value{}, p.errorf("more than %d levels of nesting", MaxDepth)
	}
	defer func() { p.depth-- }()
	p.pos++
	if c == '[' {
		return p.array()
	}
	return p.object()
}

func (p *parser) word() (Value, error) {
	words := [...]struct {
		word string
		kind Kind
	}{{"null", Null}, {"true", Bool}, {"false", Bool}, {"NaN", Float}, {"Infinity", Float}}
	for _, w := range words {
		if bytes.HasPrefix(p.data[p.pos:], []byte(w.word)) {
			p.pos += len(w.word)
			return Value{kind: w.kind, text: w.word}, nil
		}
	}
	return Value{}, p.errorf("expected a value, found %s", p.next())
}

func (p *parser) array() (Value, error) {
	v := Value{kind: Array}
	p.space()
	if p.peek() == ']' {
		p.pos++
		return v, nil
	}
	for {
		p.space()
		x, err := p.value()
		if err != nil {
			return Value{}, err
		}
		v.items = append(v.items, x)
		if end, err := p.separator(']'); end || err != nil {
			return v, err
		}
	}
}

// separator reads the comma between two items, or what closes them.
func (p *parser) separator(closing byte) (end bool, err error) {
	p.space()
	switch p.peek() {
	case closing:
		p.pos++
		return true, nil
	case ',':
		p.pos++
		return false, nil
	}
	return false, p.errorf("expected ',' or '%c', found %s", closing, p.next())
}

func (p *parser) object() (Value, error) {
	o := builder{}
	p.space()
	if p.peek() == '}' {
		p.pos++
		return Value{kind: Object}, nil
	}
	for {
		key, err := p.key()
		if err != nil {
			return Value{}, err
		}
		x, err := p.value()
		if err != nil {
			return Value{}, err
		}
		o.set(key, x)
		if end, err := p.separator('}'); end || err != nil {
			return Value{kind: Object, members: o.members}, err
		}
	}
}

// key reads a key with its colon, up to the value.
func (p *parser) key() (string, error) {
	if p.space(); p.peek() != '"' {
		return "", p.errorf("expected a key in double quotes, found %s", p.next())
	}
	key, err := p.string()
	if err != nil {
		return "", err
	}
	if p.space(); p.peek() != ':' {
		return "", p.errorf("expected ':' after the key, found %s", p.next())
	}
	p.pos++
	p.space()
	return key, nil
}

// A builder collects an object's members as a Python dict does.
type builder struct {
	members []Member
	index   map[string]int
}

// few is how many members are searched faster than a map is kept.
const few = 16

func (b *builder) set(key string, v Value) {
	if i, ok := b.find(key); ok {
		b.members[i].Value = v
		return
	}
	if b.index != nil {
		b.index[key] = len(b.members)
	}
	b.members = append(b.members, Member{key, v})
}

func (b *builder) find(key string) (int, bool) {
	if len(b.members) < few {
		for i := range b.members {
			if b.members[i].Key == key {
				return i, true
			}
		}
		return 0, false
	}
	if b.index == nil {
		b.index = make(map[string]int, 4*few)
		for i := range b.members {
			b.index[b.members[i].Key] = i
		}
	}
	i, ok := b.index[key]
	return i, ok
}
