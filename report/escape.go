package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"
)

// hidden are the characters beyond ASCII that a reader does not see but a
// terminal or a browser obeys, as pairs of first and last: C1 controls, line
// and paragraph separators, and Unicode's format characters (Cf), which reorder
// or hide text. The list is ours, not package unicode's: bytes that are
// written must not change with the toolchain.
func hidden() [][2]rune {
	return [][2]rune{
		{0x7f, 0x9f}, {0xad, 0xad}, {0x600, 0x605}, {0x61c, 0x61c}, {0x6dd, 0x6dd}, {0x70f, 0x70f}, {0x890, 0x891}, {0x8e2, 0x8e2},
		{0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x2064}, {0x2066, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
		{0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f},
	}
}

// Hidden tells whether c is a control or format character: text of an image
// that holds one must not reach a reader as it is.
func Hidden(c rune) bool {
	if c < 0x7f {
		return c < 0x20
	}
	list := hidden()
	i := sort.Search(len(list), func(i int) bool { return list[i][1] >= c })
	return i < len(list) && list[i][0] <= c
}

// Printable makes s safe for a terminal: control characters, escapes among
// them, and the marks that reorder text become \u{…}.
func Printable(s string) string {
	if !strings.ContainsFunc(s, Hidden) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if Hidden(c) {
			fmt.Fprintf(&b, `\u{%x}`, c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// EscapeJSON returns a JSON document with each hidden character as \u escapes,
// so that it decodes to the same value. Outside of its strings JSON is ASCII.
// The result is data itself where nothing is to do.
func EscapeJSON(data []byte) []byte {
	if !bytes.ContainsFunc(data, escaped) {
		return data
	}
	out := make([]byte, 0, len(data)+len(data)/8)
	for len(data) > 0 {
		c, n := utf8.DecodeRune(data)
		switch {
		case !escaped(c):
			out = append(out, data[:n]...)
		case c > 0xffff:
			high, low := (c-0x10000)>>10|0xd800, (c-0x10000)&0x3ff|0xdc00
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, c)
		}
		data = data[n:]
	}
	return out
}

// escaped leaves out what JSON uses itself, or escapes.
func escaped(c rune) bool { return c >= 0x7f && Hidden(c) }

// An Encoder writes values as the program's JSON: no HTML escapes, a newline
// behind each, hidden characters as \u escapes.
type Encoder struct {
	w    io.Writer
	buf  bytes.Buffer
	json *json.Encoder
}

// NewEncoder writes to w, each level of a value indented by indent; without
// one a value is one line.
func NewEncoder(w io.Writer, indent string) *Encoder {
	e := &Encoder{w: w}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	e.json.SetIndent("", indent)
	return e
}

// Encode writes v.
func (e *Encoder) Encode(v any) error {
	e.buf.Reset()
	if err := e.json.Encode(v); err != nil {
		return err
	}
	_, err := e.w.Write(EscapeJSON(e.buf.Bytes()))
	return err
}
