package packages

import (
	"errors"
	"strings"
)

// An aptWord is one word of apt.conf(5), or one of the marks ; { } that end a statement.
type aptWord struct {
	text string
	mark byte
	end  bool
}

// An aptLexer takes apt.conf's text apart. Comments are "//" and "/* */", and lines that begin
// with "#" but for #clear and #include.
type aptLexer struct {
	rest string
	line int
}

func (l *aptLexer) next() (aptWord, error) {
	if err := l.space(); err != nil {
		return aptWord{}, err
	}
	if l.rest == "" {
		return aptWord{end: true}, nil
	}
	switch c := l.rest[0]; c {
	case ';', '{', '}':
		l.rest = l.rest[1:]
		return aptWord{mark: c}, nil
	case '"':
		return l.quoted()
	case 0:
		return aptWord{}, errors.New("it holds a NUL byte")
	}
	return l.bare()
}

// bare is a word without quotes; one in quotes may follow at once.
func (l *aptLexer) bare() (aptWord, error) {
	n := strings.IndexAny(l.rest, " \t\r\n;{}\"\x00")
	if n < 0 {
		n = len(l.rest)
	}
	if i := strings.Index(l.rest[:n], "//"); i > 0 {
		n = i
	}
	w := aptWord{text: l.rest[:n]}
	l.rest = l.rest[n:]
	return w, nil
}

// quoted is text in quotes; texts that follow each other are one.
func (l *aptLexer) quoted() (aptWord, error) {
	var w aptWord
	for strings.HasPrefix(l.rest, `"`) {
		value, rest, ok := strings.Cut(l.rest[1:], `"`)
		if !ok {
			return w, errors.New("a quote is not closed")
		}
		l.line += strings.Count(value, "\n")
		w.text, l.rest = w.text+value, rest
		if err := l.space(); err != nil {
			return w, err
		}
	}
	return w, nil
}

// space steps over white space and comments.
func (l *aptLexer) space() error {
	for l.rest != "" {
		switch {
		case l.rest[0] == '\n':
			l.line++
			l.rest = l.rest[1:]
		case strings.IndexByte(" \t\r", l.rest[0]) >= 0:
			l.rest = l.rest[1:]
		case strings.HasPrefix(l.rest, "//"), l.rest[0] == '#' && !strings.HasPrefix(l.rest, "#clear") && !strings.HasPrefix(l.rest, "#include"):
			line, _, _ := strings.Cut(l.rest, "\n")
			l.rest = l.rest[len(line):]
		case strings.HasPrefix(l.rest, "/*"):
			comment, rest, ok := strings.Cut(l.rest[2:], "*/")
			if !ok {
				return errors.New("a comment is not closed")
			}
			l.line += strings.Count(comment, "\n")
			l.rest = rest
		default:
			return nil
		}
	}
	return nil
}
