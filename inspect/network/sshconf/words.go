package sshconf

import (
	"errors"
	"strings"
)

// keyword takes the key of a line, in lower case, from its arguments: white space
// and at most one "=" stand between them.
func keyword(line string) (key, rest string) {
	i := strings.IndexAny(line, " \t\r\f=")
	if i < 0 {
		return strings.ToLower(line), ""
	}
	rest = strings.TrimLeft(line[i:], " \t\r\f")
	if strings.HasPrefix(rest, "=") {
		rest = strings.TrimLeft(rest[1:], " \t\r\f")
	}
	return strings.ToLower(line[:i]), rest
}

// words splits arguments as OpenSSH's argv_split does: quotes of both kinds,
// backslashes before quotes, backslashes and (outside of quotes) spaces, and a
// comment at the end.
func words(s string) ([]string, error) {
	var list []string
	for i := 0; i < len(s); {
		if strings.IndexByte(" \t\r\f", s[i]) >= 0 {
			i++
			continue
		}
		if s[i] == '#' {
			break
		}
		word, n, err := word(s[i:])
		if err != nil {
			return nil, err
		}
		list, i = append(list, word), i+n
	}
	return list, nil
}

// word reads one argument, and tells how long it is written.
func word(s string) (string, int, error) {
	var b strings.Builder
	quote := byte(0)
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s) && (strings.IndexByte(`'"\`, s[i+1]) >= 0 || quote == 0 && s[i+1] == ' '):
			i++
			b.WriteByte(s[i])
		case quote == 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\f'):
			return b.String(), i, nil
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", 0, errors.New("a quote is not closed")
	}
	return b.String(), i, nil
}

// join writes arguments with quotes where they need them.
func join(args []string) string {
	list := make([]string, len(args))
	for i, a := range args {
		if a == "" || strings.ContainsAny(a, " \t") {
			a = `"` + a + `"`
		}
		list[i] = a
	}
	return strings.Join(list, " ")
}
