package filecontexts

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The bounds of one expression. PCRE2 nests 250 deep and repeats 65,535 times;
// libselinux refuses expressions of 4,096 bytes since 3.8.
const (
	maxRegex   = 4096
	maxNesting = 100
	maxRepeat  = 65535
)

// errUnsupported marks what PCRE2 knows and this package does not.
var errUnsupported = errors.New("not supported")

// A nodeOp is what a node of a parsed expression is.
type nodeOp uint8

const (
	opText   nodeOp = iota // the bytes of text
	opSet                  // one byte of set
	opSeq                  // subs, one after the other
	opAlt                  // one of subs
	opRepeat               // subs[0], from lo to hi times; hi < 0 is no bound
	opBegin                // ^
	opEnd                  // $
)

type node struct {
	op     nodeOp
	text   string
	set    *byteSet
	subs   []*node
	lo, hi int
}

// A parser reads an expression of PCRE2, as libselinux compiles it: dot matches
// all, bytes and no UTF, nothing else set.
type parser struct {
	text  string
	at    int
	depth int
}

// parseAnchored parses regex as libselinux anchors it: by putting "^" and "$"
// around the text. A backslash at its end so makes the dollar a literal.
func parseAnchored(regex string) (*node, error) {
	if len(regex) >= maxRegex {
		return nil, fmt.Errorf("expression of %d bytes is too long", len(regex))
	}
	p := parser{text: "^" + regex + "$"}
	n, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.text) {
		return nil, errors.New("unmatched closing parenthesis")
	}
	return n, nil
}

// peek is the next byte, or 0 at the end; a text never holds NUL.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) take() byte {
	c := p.peek()
	p.at++
	return c
}

// alternatives reads to the end or to a closing parenthesis, which it leaves.
func (p *parser) alternatives() (*node, error) {
	alt := &node{op: opAlt}
	for {
		seq, err := p.sequence()
		if err != nil {
			return nil, err
		}
		alt.subs = append(alt.subs, seq)
		if p.peek() != '|' {
			break
		}
		p.at++
	}
	if len(alt.subs) == 1 {
		return alt.subs[0], nil
	}
	return alt, nil
}

func (p *parser) sequence() (*node, error) {
	seq := &node{op: opSeq}
	for p.at < len(p.text) && p.peek() != '|' && p.peek() != ')' {
		if run := p.literals(); run != "" {
			seq.subs = append(seq.subs, &node{op: opText, text: run})
			continue
		}
		n, err := p.atom()
		if err != nil {
			return nil, err
		}
		if n, err = p.quantified(n); err != nil {
			return nil, err
		}
		// What follows a dollar could still match the newline that the dollar
		// stands before.
		if n.op == opEnd && p.at < len(p.text) && p.peek() != '|' && p.peek() != ')' && p.peek() != '$' {
			return nil, fmt.Errorf("%w: text after $", errUnsupported)
		}
		seq.subs = append(seq.subs, n)
	}
	return seq, nil
}

// isSyntax tells whether c means something outside of a class.
func isSyntax(c byte) bool { return c == '\\' || c == ')' || Until37.isMeta(c) }

// literals takes the bytes that stand for themselves, but leaves the last one if
// it is repeated.
func (p *parser) literals() string {
	start := p.at
	for p.at < len(p.text) && !isSyntax(p.text[p.at]) {
		p.at++
	}
	if p.at > start && p.at < len(p.text) && strings.IndexByte("*+?{", p.text[p.at]) >= 0 {
		p.at--
	}
	return p.text[start:p.at]
}

func (p *parser) atom() (*node, error) {
	switch c := p.take(); c {
	case '.':
		any := anyByte()
		return &node{op: opSet, set: &any}, nil
	case '^':
		return &node{op: opBegin}, nil
	case '$':
		return &node{op: opEnd}, nil
	case '[':
		return p.class()
	case '(':
		return p.group()
	case '*', '+', '?':
		return nil, fmt.Errorf("%q repeats nothing", c)
	case '\\':
		set, _, err := p.escape(false)
		return &node{op: opSet, set: &set}, err
	case '{':
		p.at--
		if _, _, ok, err := p.counted(); ok || err != nil {
			return nil, errors.Join(err, errors.New("repetition of nothing"))
		}
		p.at++
		return &node{op: opText, text: "{"}, nil
	default:
		return &node{op: opText, text: p.text[p.at-1 : p.at]}, nil
	}
}

func (p *parser) group() (*node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, fmt.Errorf("parentheses nest deeper than %d", maxNesting)
	}
	defer func() { p.depth-- }()
	switch p.peek() {
	case '?':
		if p.at+1 >= len(p.text) || p.text[p.at+1] != ':' {
			return nil, fmt.Errorf("%w: group that starts with (?", errUnsupported)
		}
		p.at += 2
	case '*':
		return nil, fmt.Errorf("%w: (*", errUnsupported)
	}
	n, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if p.take() != ')' {
		return nil, errors.New("missing closing parenthesis")
	}
	// A group of one sequence stays a node of its own: "(^)" must not look
	// like an assertion that could be repeated.
	return &node{op: opSeq, subs: []*node{n}}, nil
}

// quantified reads the repetition that may follow n. A lazy one matches the
// same paths as a greedy one, since the whole path has to match.
func (p *parser) quantified(n *node) (*node, error) {
	lo, hi, ok, err := p.quantifier()
	if err != nil || !ok {
		return n, err
	}
	if n.op == opBegin || n.op == opEnd {
		return nil, fmt.Errorf("%w: repeated ^ or $", errUnsupported)
	}
	switch p.peek() {
	case '?':
		p.at++
	case '+':
		return nil, fmt.Errorf("%w: possessive repetition", errUnsupported)
	}
	if _, _, again, err := p.quantifier(); again || err != nil {
		return nil, fmt.Errorf("%w: repetition of a repetition", errUnsupported)
	}
	return &node{op: opRepeat, subs: []*node{n}, lo: lo, hi: hi}, nil
}

func (p *parser) quantifier() (lo, hi int, ok bool, err error) {
	switch p.peek() {
	case '*':
		p.at++
		return 0, -1, true, nil
	case '+':
		p.at++
		return 1, -1, true, nil
	case '?':
		p.at++
		return 0, 1, true, nil
	case '{':
		return p.counted()
	}
	return 0, 0, false, nil
}

// counted reads {2}, {2,} or {2,3}. Any other brace is a literal.
func (p *parser) counted() (lo, hi int, ok bool, err error) {
	start := p.at
	p.at++
	first, comma := p.digits(), false
	if p.peek() == ',' {
		comma = true
		p.at++
	}
	second := p.digits()
	if p.take() != '}' || first == "" && second == "" {
		p.at = start
		return 0, 0, false, nil
	}
	if first == "" {
		return 0, 0, false, fmt.Errorf("%w: {,%s} is a literal before PCRE2 10.43 and a repetition since", errUnsupported, second)
	}
	lo, err = strconv.Atoi(first)
	if hi = lo; comma {
		hi = -1
	}
	if second != "" && err == nil {
		hi, err = strconv.Atoi(second)
	}
	if err != nil || lo > maxRepeat || hi > maxRepeat || hi >= 0 && hi < lo {
		return 0, 0, false, fmt.Errorf("repetition %s is out of range or out of order", p.text[start:p.at])
	}
	return lo, hi, true, nil
}

func (p *parser) digits() string {
	start := p.at
	for p.peek() >= '0' && p.peek() <= '9' {
		p.at++
	}
	return p.text[start:p.at]
}
