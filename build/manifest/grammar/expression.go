package grammar

import (
	"regexp"
	"strings"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// expression reads /…/, in which \/ is a slash.
func (p *notation) expression() (*Shape, error) {
	var b strings.Builder
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		if c == '/' {
			p.pos++
			re, err := regexp.Compile(python(b.String()))
			return &Shape{kinds: of(pyjson.String), pattern: re, expression: b.String()}, err
		}
		if c == '\\' && p.pos+1 < len(p.text) {
			p.pos++
			if c = p.text[p.pos]; c != '/' {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(c)
		p.pos++
	}
	return nil, p.errorf("an expression that does not end")
}

// python gives an expression the meaning that it has in Python: a newline may
// follow what a final $ ends, and letters and digits are those of every script.
func python(expression string) string {
	if head, ok := strings.CutSuffix(expression, "$"); ok && !strings.HasSuffix(head, `\`) {
		expression = head + `\n?$`
	}
	var b strings.Builder
	class := false
	for i := 0; i < len(expression); i++ {
		switch c := expression[i]; {
		case c == '\\' && i+1 < len(expression):
			i++
			b.WriteString(escapeClass(expression[i], class))
		default:
			class = c == '[' || class && c != ']'
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escapeClass writes an escape of Python's in Go's syntax, for inside of
// brackets or outside.
func escapeClass(c byte, inside bool) string {
	var set string
	switch c {
	case 'w':
		set = `\p{L}\p{N}_`
	case 'd':
		set = `\p{Nd}`
	default:
		return `\` + string(c)
	}
	if inside {
		return set
	}
	return "[" + set + "]"
}
