package grammar

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// The notation of shapes:
//
//	str int num bool null arr obj any    a kind of value
//	"a" 7 true                           this value
//	enum("a" "b")                        one of these values
//	/^[a-z]+$/                           a string in which the expression is found
//	{a: str, b!: int, c}                 an object: b must be there; c is any; no other key
//	{/^x-/: str, @path: str, *: any}     keys by expression or shape; * is every other key
//	{a: str, ...}                        the same as *: any
//	[str]                                an array of strings
//	#[str, int]                          an array of a string and an integer; nothing more
//	str 1..64   int 0..   [str] 1..  {…} 1..1   bounds: length, value, items, keys
//	[str] unique                         no item twice
//	?{a: str}                            that, where the value is an object at all
//	!X    X & Y    X | Y    X || Y       not; both; exactly one; at least one
//	@name                                a shape that is defined elsewhere
//
// | and || bind loosest and are not mixed without parentheses; & binds tighter.

// Parse reads one shape. The definitions are what @name may mean.
func Parse(text string, definitions map[string]*Shape) (*Shape, error) {
	p := &notation{text: text, definitions: definitions}
	s, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if p.space(); p.pos < len(p.text) {
		return nil, p.errorf("expected the end")
	}
	return s, nil
}

type notation struct {
	text        string
	pos         int
	definitions map[string]*Shape
}

func (p *notation) errorf(format string, args ...any) error {
	rest := p.text[p.pos:]
	return fmt.Errorf("%s before %.40q", fmt.Sprintf(format, args...), rest)
}

func (p *notation) space() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

// take consumes the token if it comes next.
func (p *notation) take(token string) bool {
	if p.space(); !strings.HasPrefix(p.text[p.pos:], token) {
		return false
	}
	p.pos += len(token)
	return true
}

func (p *notation) expect(token string) error {
	if !p.take(token) {
		return p.errorf("expected %q", token)
	}
	return nil
}

func (p *notation) alternatives() (*Shape, error) {
	first, err := p.conjunction()
	if err != nil {
		return nil, err
	}
	list := []*Shape{first}
	separator := ""
	for {
		switch {
		case separator != "|" && p.take("||"):
			separator = "||"
		case separator != "||" && p.take("|"):
			separator = "|"
		case separator == "":
			return first, nil
		case separator == "|":
			return &Shape{one: list}, nil
		default:
			return &Shape{any: list}, nil
		}
		next, err := p.conjunction()
		if err != nil {
			return nil, err
		}
		list = append(list, next)
	}
}

func (p *notation) conjunction() (*Shape, error) {
	first, err := p.bounded()
	if err != nil || !p.take("&") {
		return first, err
	}
	list := []*Shape{first}
	for {
		next, err := p.bounded()
		if err != nil {
			return nil, err
		}
		list = append(list, next)
		if !p.take("&") {
			return &Shape{all: list}, nil
		}
	}
}

var boundsForm = regexp.MustCompile(`^(-?[0-9]+)?\.\.(-?[0-9]+)?`)

// bounded is an atom with its bounds.
func (p *notation) bounded() (*Shape, error) {
	s, err := p.atom()
	if err != nil {
		return nil, err
	}
	p.space()
	if m := boundsForm.FindStringSubmatch(p.text[p.pos:]); m != nil && !strings.HasPrefix(p.text[p.pos:], "...") {
		p.pos += len(m[0])
		b := span{hasLow: m[1] != "", hasHigh: m[2] != ""}
		b.low, _ = strconv.ParseFloat(m[1], 64)
		b.high, _ = strconv.ParseFloat(m[2], 64)
		for k := range s.size {
			if s.kinds != 0 && s.kinds.has(pyjson.Kind(k)) {
				s.size[k] = b
			}
		}
	}
	s.unique = p.take("unique")
	return s, nil
}

func (p *notation) atom() (*Shape, error) {
	switch {
	case p.take("("):
		s, err := p.alternatives()
		if err != nil {
			return nil, err
		}
		return s, p.expect(")")
	case p.take("!"):
		s, err := p.atom()
		return &Shape{none: s}, err
	case p.take("?"):
		s, err := p.bounded()
		if err != nil {
			return nil, err
		}
		s.kinds = 0
		return s, nil
	case p.take("@"):
		return p.reference()
	case p.take("{"):
		return p.object()
	case p.take("#["):
		tuple, err := p.list("]")
		return &Shape{kinds: of(pyjson.Array), tuple: tuple}, err
	case p.take("["):
		items, err := p.alternatives()
		if err != nil {
			return nil, err
		}
		return &Shape{kinds: of(pyjson.Array), items: items}, p.expect("]")
	case p.take("/"):
		return p.expression()
	case p.take("enum("):
		return p.enum()
	}
	return p.wordOrLiteral()
}

func (p *notation) reference() (*Shape, error) {
	name := p.name()
	s, ok := p.definitions[name]
	if !ok {
		return nil, p.errorf("@%s is not defined", name)
	}
	return &Shape{all: []*Shape{s}}, nil
}

// name takes letters, digits, '_', '-' and '.'.
func (p *notation) name() string {
	start := p.pos
	for p.pos < len(p.text) && (simple(p.text[p.pos:p.pos+1]) || p.text[p.pos] == '.' && !strings.HasPrefix(p.text[p.pos:], "..")) {
		p.pos++
	}
	return p.text[start:p.pos]
}

func (p *notation) list(closing string) ([]*Shape, error) {
	var list []*Shape
	for {
		s, err := p.alternatives()
		if err != nil {
			return nil, err
		}
		list = append(list, s)
		if p.take(closing) {
			return list, nil
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}

func (p *notation) enum() (*Shape, error) {
	s := &Shape{}
	for !p.take(")") {
		v, err := p.literal()
		if err != nil {
			return nil, err
		}
		s.literal = append(s.literal, v)
	}
	return s, nil
}

func (p *notation) wordOrLiteral() (*Shape, error) {
	p.space()
	start := p.pos
	if s := word(p.name()); s != nil {
		return s, nil
	}
	p.pos = start
	v, err := p.literal()
	return &Shape{literal: []pyjson.Value{v}}, err
}

// literal reads one JSON scalar.
func (p *notation) literal() (pyjson.Value, error) {
	p.space()
	end := p.pos
	if end < len(p.text) && p.text[end] == '"' {
		quoted, err := strconv.QuotedPrefix(p.text[end:])
		if err != nil {
			return pyjson.Value{}, p.errorf("a string that does not end")
		}
		end += len(quoted)
	} else {
		for end < len(p.text) && !strings.ContainsRune(" \t\n,)}]|&", rune(p.text[end])) {
			end++
		}
	}
	v, err := pyjson.Parse([]byte(p.text[p.pos:end]))
	if err != nil {
		return v, p.errorf("expected a shape")
	}
	p.pos = end
	return v, nil
}

func (p *notation) object() (*Shape, error) {
	m := &members{}
	s := &Shape{kinds: of(pyjson.Object), object: m}
	for !p.take("}") {
		if err := p.member(m); err != nil {
			return nil, err
		}
		if !p.take(",") {
			return s, p.expect("}")
		}
	}
	return s, nil
}

func (p *notation) member(m *members) (err error) {
	switch {
	case p.take("..."):
		m.rest = &Shape{}
		return nil
	case p.take("*"):
		m.rest, err = p.afterColon()
		return err
	case p.take("/"), p.take("@"):
		p.pos--
		key, err := p.atom()
		if err != nil {
			return err
		}
		shape, err := p.afterColon()
		m.patterns = append(m.patterns, patternMember{key, shape})
		return err
	}
	return p.namedMember(m)
}

func (p *notation) namedMember(m *members) error {
	p.space()
	name := p.name()
	if name == "" {
		v, err := p.literal()
		if err != nil || v.Kind() != pyjson.String {
			return p.errorf("expected a key")
		}
		name = v.Text()
	}
	if slices.ContainsFunc(m.named, func(x member) bool { return x.name == name }) {
		return p.errorf("the key %q stands twice", name)
	}
	x := member{name: name, required: p.take("!"), shape: &Shape{}}
	if p.take(":") {
		s, err := p.alternatives()
		if err != nil {
			return err
		}
		x.shape = s
	}
	m.named = append(m.named, x)
	return nil
}

func (p *notation) afterColon() (*Shape, error) {
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	return p.alternatives()
}
