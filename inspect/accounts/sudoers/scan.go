package sudoers

import (
	"errors"
	"fmt"
	"strings"
)

// blank is white space; a newline stands where a line was continued.
const blank = " \t\r\n"

// A scanner goes over one line with its continuations.
type scanner struct {
	text string
	pos  int
}

func (s *scanner) space() {
	for s.pos < len(s.text) && strings.IndexByte(blank, s.text[s.pos]) >= 0 {
		s.pos++
	}
}

// end tells whether nothing but a comment is left.
func (s *scanner) end() bool {
	s.space()
	return s.pos >= len(s.text) || s.text[s.pos] == '#' && !s.number()
}

// number tells whether "#" begins a user's or group's number.
func (s *scanner) number() bool {
	rest := strings.TrimPrefix(s.text[s.pos+1:], "-")
	return rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

// take steps over a byte that comes next, white space before it.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// peekWord is the run of letters, digits and "_" that comes next.
func (s *scanner) peekWord() string {
	i := s.pos
	for i < len(s.text) && isWord(s.text[i]) {
		i++
	}
	return s.text[s.pos:i]
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// bangs is "!" where an odd number of them comes next.
func (s *scanner) bangs() string {
	odd := false
	for s.take('!') {
		odd = !odd
	}
	if odd {
		return "!"
	}
	return ""
}

// member reads one user, group or host. A "%" or "+" stays before the name.
func (s *scanner) member(kind string) string {
	s.space()
	prefix := ""
	if kind != "host" {
		for s.pos < len(s.text) && (s.text[s.pos] == '%' || s.text[s.pos] == '+' || s.text[s.pos] == ':' && prefix == "%") {
			prefix += s.text[s.pos : s.pos+1]
			s.pos++
		}
	}
	if s.pos < len(s.text) && s.text[s.pos] == '#' && s.number() {
		prefix += "#"
		s.pos++
	}
	if address := s.address(); kind == "host" && address != "" {
		s.pos += len(address)
		return address
	}
	return prefix + s.name(blank+",:=()!#")
}

// address is the IPv6 address, with or without a mask, that comes next: the
// one member that has colons of its own.
func (s *scanner) address() string {
	i := s.pos
	for i < len(s.text) && strings.IndexByte("0123456789abcdefABCDEF:./", s.text[i]) >= 0 {
		i++
	}
	if strings.Count(s.text[s.pos:i], ":") < 2 {
		return ""
	}
	return strings.TrimRight(s.text[s.pos:i], ":") + strings.Repeat(":", btoi(strings.HasSuffix(s.text[s.pos:i], "::"))*2)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// name reads up to one of the bytes in stop: quoted as a whole, or with
// backslashes before what would end it.
func (s *scanner) name(stop string) string {
	if s.pos < len(s.text) && s.text[s.pos] == '"' {
		return s.quoted()
	}
	var b strings.Builder
	for ; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		if c == '\\' && s.pos+1 < len(s.text) {
			s.pos++
			c = s.text[s.pos]
		} else if strings.IndexByte(stop, c) >= 0 {
			break
		}
		b.WriteByte(c)
	}
	return b.String()
}

// quoted reads "…"; a backslash stays unless it stands before a quote. Where the line was
// continued, the white space of the next one is left out.
func (s *scanner) quoted() string {
	var b strings.Builder
	for s.pos++; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		switch {
		case c == '"':
			s.pos++
			return b.String()
		case c == '\n':
			s.space()
			s.pos--
		case c == '\\' && s.pos+1 < len(s.text) && s.text[s.pos+1] == '"':
			s.pos++
			b.WriteByte('"')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (s *scanner) unexpected() error {
	s.space()
	if s.pos >= len(s.text) {
		return errors.New("the line ends too early")
	}
	return fmt.Errorf("%.40q is not expected", s.text[s.pos:])
}
