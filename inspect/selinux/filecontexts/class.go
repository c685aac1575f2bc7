package filecontexts

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(c byte)      { s[c>>6] |= 1 << (c & 63) }
func (s *byteSet) has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }

func (s *byteSet) addRange(lo, hi byte) {
	for c := int(lo); c <= int(hi); c++ {
		s.add(byte(c))
	}
}

func (s *byteSet) addSet(other byteSet) {
	for i := range s {
		s[i] |= other[i]
	}
}

func (s *byteSet) invert() {
	for i := range s {
		s[i] = ^s[i]
	}
}

func oneByte(c byte) (s byteSet) {
	s.add(c)
	return s
}

func anyByte() (s byteSet) {
	s.invert()
	return s
}

// single gives the one byte of a set that has just one.
func (s *byteSet) single() (byte, bool) {
	found, n := byte(0), 0
	for c := 0; c < 256 && n < 2; c++ {
		if s.has(byte(c)) {
			found, n = byte(c), n+1
		}
	}
	return found, n == 1
}

// setOf makes a set of pairs of first and last bytes.
func setOf(ranges string) (s byteSet) {
	for i := 0; i+1 < len(ranges); i += 2 {
		s.addRange(ranges[i], ranges[i+1])
	}
	return s
}

// namedSet gives the classes that have a name in the C locale: pcre2pattern(3).
func namedSet(name string) (byteSet, bool) {
	ranges, ok := map[string]string{
		"alpha": "AZaz", "digit": "09", "alnum": "09AZaz", "upper": "AZ", "lower": "az", "word": "09AZ__az",
		"space": "\t\r  ", "blank": "\t\t  ", "cntrl": "\x00\x1f\x7f\x7f", "punct": "!/:@[`{~",
		"graph": "!~", "print": " ~", "xdigit": "09AFaf", "ascii": "\x00\x7f",
	}[name]
	return setOf(ranges), ok
}

// escape reads what follows a backslash. many tells that it is a class of
// bytes, which cannot bound a range.
func (p *parser) escape(inClass bool) (set byteSet, many bool, err error) {
	if p.at >= len(p.text) {
		return set, false, errors.New("backslash at the end")
	}
	c := p.take()
	switch c {
	case 'd', 'D', 's', 'S', 'w', 'W':
		set, _ = namedSet(map[byte]string{'d': "digit", 's': "space", 'w': "word"}[c|0x20])
		if c&0x20 == 0 {
			set.invert()
		}
		return set, true, nil
	case 'n', 'r', 't', 'f', 'e', 'a':
		return oneByte("\n\r\t\f\x1b\a"[strings.IndexByte("nrtfea", c)]), false, nil
	case 'x':
		return p.hex()
	}
	if c == 'b' && inClass {
		return oneByte('\b'), false, nil
	}
	if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
		return set, false, fmt.Errorf("%w: \\%c", errUnsupported, c)
	}
	return oneByte(c), false, nil
}

// hex reads up to two digits after \x.
func (p *parser) hex() (set byteSet, many bool, err error) {
	if p.peek() == '{' {
		return set, false, fmt.Errorf("%w: \\x{", errUnsupported)
	}
	start := p.at
	for p.at < len(p.text) && p.at < start+2 && strings.IndexByte("0123456789abcdefABCDEF", p.peek()) >= 0 {
		p.at++
	}
	value, err := strconv.ParseUint("0"+p.text[start:p.at], 16, 8)
	return oneByte(byte(value)), false, err
}

// class reads a bracket expression whose "[" is taken.
func (p *parser) class() (*node, error) {
	n := &node{op: opSet, set: new(byteSet)}
	negated := p.peek() == '^'
	if negated {
		p.at++
	}
	for first := true; ; first = false {
		if p.at >= len(p.text) {
			return nil, errors.New("missing ] of a class")
		}
		if p.peek() == ']' && !first {
			p.at++
			break
		}
		if err := p.member(n.set); err != nil {
			return nil, err
		}
	}
	if negated {
		n.set.invert()
	}
	return n, nil
}

// member reads one byte, range, named class or escape of a class into set.
func (p *parser) member(set *byteSet) error {
	one, many, err := p.classAtom()
	if err != nil {
		return err
	}
	dash := p.peek() == '-' && p.at+1 < len(p.text) && p.text[p.at+1] != ']'
	if !dash {
		set.addSet(one)
		return nil
	}
	if many {
		return fmt.Errorf("%w: range after a class of bytes", errUnsupported)
	}
	p.at++
	last, many, err := p.classAtom()
	if err != nil {
		return err
	}
	if many {
		return errors.New("range up to a class of bytes")
	}
	lo, _ := one.single()
	hi, _ := last.single()
	if lo > hi {
		return fmt.Errorf("range %q-%q is out of order", lo, hi)
	}
	set.addRange(lo, hi)
	return nil
}

func (p *parser) classAtom() (set byteSet, many bool, err error) {
	if p.peek() == '\\' {
		p.at++
		return p.escape(true)
	}
	if p.peek() == '[' && p.at+1 < len(p.text) && strings.IndexByte(":.=", p.text[p.at+1]) >= 0 {
		if end := strings.Index(p.text[p.at+2:], p.text[p.at+1:p.at+2]+"]"); end >= 0 {
			return p.named(end)
		}
	}
	if p.at >= len(p.text) {
		return set, false, errors.New("missing ] of a class")
	}
	return oneByte(p.take()), false, nil
}

// named reads [:name:], whose name is length bytes long.
func (p *parser) named(length int) (set byteSet, many bool, err error) {
	mark, name := p.text[p.at+1], p.text[p.at+2:p.at+2+length]
	negated := strings.HasPrefix(name, "^")
	set, ok := namedSet(strings.TrimPrefix(name, "^"))
	if mark != ':' || !ok {
		return set, false, fmt.Errorf("%w: class [%c%s%c]", errUnsupported, mark, name, mark)
	}
	if negated {
		set.invert()
	}
	p.at += length + 4
	return set, true, nil
}
