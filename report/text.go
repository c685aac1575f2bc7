package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Raw is a string of any bytes, as file names and attribute values are.
//
// In JSON a byte that is not part of valid UTF-8 is written \xHH and a
// backslash is written \\ (both before JSON's own escaping), so that every
// name survives the way there and back.
type Raw string

// String returns the escaped form.
func (r Raw) String() string {
	s := string(r)
	if utf8.ValidString(s) && !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		c, n := utf8.DecodeRuneInString(s)
		switch {
		case c == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case c == '\\':
			b.WriteString(`\\`)
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// MarshalText returns the escaped form.
func (r Raw) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the escaped form.
func (r *Raw) UnmarshalText(text []byte) error {
	s := string(text)
	if !strings.Contains(s, `\`) {
		*r = Raw(s)
		return nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\':
			b.WriteByte(s[i])
		case strings.HasPrefix(s[i:], `\\`):
			b.WriteByte('\\')
			i++
		default:
			c, err := hexEscape(s[i:])
			if err != nil {
				return fmt.Errorf("name %q: %w", s, err)
			}
			b.WriteByte(c)
			i += 3
		}
	}
	*r = Raw(b.String())
	return nil
}

// hexEscape reads the \xHH at the start of s.
func hexEscape(s string) (byte, error) {
	if len(s) < 4 || s[1] != 'x' {
		return 0, fmt.Errorf(`%.4q is neither \\ nor \xHH`, s)
	}
	c, err := strconv.ParseUint(s[2:4], 16, 8)
	if err != nil {
		return 0, fmt.Errorf(`%.4q is not \xHH`, s)
	}
	return byte(c), nil
}

// Mode is an inode's permission bits with set-user-ID, set-group-ID and
// sticky: the low twelve bits of st_mode, inode(7). In JSON it is four octal
// digits, "0644".
type Mode uint16

func (m Mode) String() string { return fmt.Sprintf("%04o", uint16(m)) }

// MarshalText returns four octal digits.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads octal digits.
func (m *Mode) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 8, 16)
	if err != nil || v > 0o7777 {
		return fmt.Errorf("mode %q is not octal digits up to 7777", text)
	}
	*m = Mode(v)
	return nil
}
