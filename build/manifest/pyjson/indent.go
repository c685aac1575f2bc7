package pyjson

// Indent writes v for people: two spaces a level, keys in their own order.
// What is read back has the same canonical form.
func (v Value) Indent() []byte { return append(appendIndented(nil, v, "\n"), '\n') }

// appendIndented writes v; newline is a line's end with the margin of v.
func appendIndented(dst []byte, v Value, newline string) []byte {
	inner := newline + "  "
	switch {
	case len(v.items) > 0:
		dst = append(dst, '[')
		for i, x := range v.items {
			dst = appendIndented(append(appendComma(dst, i), inner...), x, inner)
		}
		return append(append(dst, newline...), ']')
	case len(v.members) > 0:
		dst = append(dst, '{')
		for i, m := range v.members {
			dst = appendString(append(appendComma(dst, i), inner...), m.Key)
			dst = appendIndented(append(dst, ": "...), m.Value, inner)
		}
		return append(append(dst, newline...), '}')
	}
	return v.Append(dst)
}

func appendComma(dst []byte, i int) []byte {
	if i == 0 {
		return dst
	}
	return append(dst, ',')
}
