package settings

import "strings"

// splitWords takes a line apart into n words, as systemd does: spaces separate,
// quotes of both kinds join and go, a backslash keeps the next character. The
// last word is the rest of the line as it is, unless quotes are all around it.
func splitWords(line string, n int) []string {
	words := make([]string, n)
	for i := range n {
		line = strings.TrimLeft(line, " \t")
		if i == n-1 {
			words[i] = unquoteWhole(line)
		} else {
			words[i], line = firstWord(line)
		}
		if words[i] == "-" {
			words[i] = ""
		}
	}
	return words
}

func unquoteWhole(s string) string {
	if word, rest := firstWord(s); rest == "" && s != "" && (s[0] == '"' || s[0] == '\'') {
		return word
	}
	return s
}

// firstWord cuts the first word off. A quote that is not closed ends with the line.
func firstWord(line string) (word, rest string) {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line):
			i++
			b.WriteByte(line[i])
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), line[i:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
