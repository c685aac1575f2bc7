package pyjson

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// string reads a string from its opening quote to behind its closing one.
func (p *parser) string() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.data) && plain(p.data[p.pos]) {
		p.pos++
	}
	if p.peek() == '"' {
		p.pos++
		return string(p.data[start : p.pos-1]), nil
	}
	return p.escaped(start)
}

func plain(c byte) bool { return c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' }

// escaped reads the rest of a string that is not all plain ASCII.
func (p *parser) escaped(start int) (string, error) {
	s := bytes.Clone(p.data[start:p.pos])
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		switch {
		case c == '"':
			p.pos++
			return string(s), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			s = appendRune(s, r)
		case c < ' ':
			return "", p.errorf("a control character (0x%02x) in a string; escape it", c)
		default:
			_, n := utf8.DecodeRune(p.data[p.pos:])
			if c >= utf8.RuneSelf && n == 1 {
				return "", p.errorf("the byte 0x%02x is not UTF-8", c)
			}
			s = append(s, p.data[p.pos:p.pos+n]...)
			p.pos += n
		}
	}
	return "", p.errorAt(start-1, "a string that does not end")
}

// escape reads one escape; two that are a surrogate pair are one.
func (p *parser) escape() (rune, error) {
	if p.pos+1 >= len(p.data) {
		return 0, p.errorf("an escape that does not end")
	}
	const names, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	c := p.data[p.pos+1]
	if i := strings.IndexByte(names, c); i >= 0 {
		p.pos += 2
		return rune(meanings[i]), nil
	}
	r, ok := hexEscape(p.data[p.pos:])
	if !ok {
		return 0, p.errorf("an escape that JSON does not have")
	}
	p.pos += 6
	if r >= 0xd800 && r < 0xdc00 {
		if low, ok := hexEscape(p.data[p.pos:]); ok && low >= 0xdc00 && low < 0xe000 {
			p.pos += 6
			return 0x10000 + (r-0xd800)<<10 + (low - 0xdc00), nil
		}
	}
	return r, nil
}

// hexEscape reads the \uXXXX at the start of data.
func hexEscape(data []byte) (rune, bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	r := rune(0)
	for _, c := range data[2:6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// number reads an integer or float, or -Infinity. As in Python, a fraction or
// exponent without digits is not part of the number.
func (p *parser) number() (Value, error) {
	start := p.pos
	if p.peek() == '-' {
		if p.pos++; bytes.HasPrefix(p.data[p.pos:], []byte("Infinity")) {
			p.pos += len("Infinity")
			return Value{kind: Float, text: "-Infinity"}, nil
		}
	}
	digits := p.pos
	if p.skipDigits(); p.pos == digits {
		return Value{}, p.errorf("expected a digit, found %s", p.next())
	}
	if p.data[digits] == '0' && p.pos > digits+1 {
		return Value{}, p.errorAt(digits, "a number with a leading zero")
	}
	fraction := p.fraction()
	exponent := p.exponent()
	text := string(p.data[start:p.pos])
	if fraction || exponent {
		return Value{kind: Float, text: float(text)}, nil
	}
	if p.pos-digits > maxDigits {
		return Value{}, p.errorAt(start, "an integer of more than "+strconv.Itoa(maxDigits)+" digits")
	}
	if text == "-0" {
		text = "0"
	}
	return Value{kind: Int, text: text}, nil
}

func (p *parser) skipDigits() {
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
}

func (p *parser) fraction() bool {
	if p.peek() != '.' {
		return false
	}
	return p.digitsAfter(p.pos + 1)
}

func (p *parser) exponent() bool {
	if c := p.peek(); c != 'e' && c != 'E' {
		return false
	}
	from := p.pos + 1
	if from < len(p.data) && (p.data[from] == '+' || p.data[from] == '-') {
		from++
	}
	return p.digitsAfter(from)
}

// digitsAfter takes the digits at from, or goes back where there are none.
func (p *parser) digitsAfter(from int) bool {
	back := p.pos
	p.pos = from
	if p.skipDigits(); p.pos == from {
		p.pos = back
		return false
	}
	return true
}

// float is a number's token in the form of Python's repr(float): the shortest
// digits that read back, with an exponent below 1e-4 and from 1e16 on.
func float(token string) string {
	// Out of range is no error: ParseFloat then gives the infinity that Python gives.
	f, _ := strconv.ParseFloat(token, 64)
	if math.IsInf(f, 0) {
		return map[bool]string{true: "Infinity", false: "-Infinity"}[f > 0]
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
