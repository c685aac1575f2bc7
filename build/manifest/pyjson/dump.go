package pyjson

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Append writes v to dst as json.dumps(v, sort_keys=True) does: ", " and ": "
// between, keys by code point, everything outside of printable ASCII escaped.
func (v Value) Append(dst []byte) []byte {
	switch v.kind {
	case Null:
		return append(dst, "null"...)
	case String:
		return appendString(dst, v.text)
	case Array:
		dst = append(dst, '[')
		for i, x := range v.items {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = x.Append(dst)
		}
		return append(dst, ']')
	case Object:
		return appendObject(dst, v.members)
	default:
		return append(dst, v.text...)
	}
}

// String is what Append writes.
func (v Value) String() string { return string(v.Append(nil)) }

func appendObject(dst []byte, members []Member) []byte {
	byKey := func(a, b Member) int { return strings.Compare(a.Key, b.Key) }
	if !slices.IsSortedFunc(members, byKey) {
		members = slices.Clone(members)
		slices.SortFunc(members, byKey)
	}
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendString(dst, m.Key)
		dst = append(dst, ": "...)
		dst = m.Value.Append(dst)
	}
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// appendString writes s with Python's escapes: ensure_ascii, lower-case hex.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		start := i
		for i < len(s) && s[i] != 0x7f && plain(s[i]) {
			i++
		}
		if dst = append(dst, s[start:i]...); i == len(s) {
			break
		}
		if s[i] < utf8.RuneSelf {
			dst = appendASCII(dst, s[i])
			i++
			continue
		}
		r, n := decode(s[i:])
		if r > 0xffff {
			r -= 0x10000
			dst = appendEscape(dst, 0xd800+r>>10)
			r = 0xdc00 + r&0x3ff
		}
		dst = appendEscape(dst, r)
		i += n
	}
	return append(dst, '"')
}

// appendASCII writes a character that cannot stand for itself.
func appendASCII(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	case '\f':
		return append(dst, `\f`...)
	case '\b':
		return append(dst, `\b`...)
	}
	return appendEscape(dst, rune(c))
}

func appendEscape(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// decode is utf8.DecodeRuneInString that also knows lone surrogates.
func decode(s string) (rune, int) {
	if len(s) >= 3 && s[0] == 0xed && s[1] >= 0xa0 {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return utf8.DecodeRuneInString(s)
}

// appendRune is utf8.AppendRune that also knows lone surrogates.
func appendRune(dst []byte, r rune) []byte {
	if r >= 0xd800 && r < 0xe000 {
		return append(dst, 0xed, 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
	}
	return utf8.AppendRune(dst, r)
}
