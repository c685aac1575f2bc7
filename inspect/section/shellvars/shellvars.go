// Package shellvars reads files of NAME=VALUE lines that programs source as
// shell scripts, or read as if they did: os-release(5), the files of
// /etc/sysconfig and of /etc/default.
//
// It takes assignments, quotes and backslashes. It is no shell: expansions stay
// as they are written, and other commands are problems.
//
//	vars, err := shellvars.Parse(data)
//	if vars.Map["BOOTPROTO"] == "dhcp" { … }
package shellvars

import (
	"errors"
	"fmt"
	"strings"

	"github.com/assay-os/assay/inspect/section"
)

// Vars are the variables of one file.
type Vars struct {
	// Map has the value that each name has in the end.
	Map map[string]string
	// Problems are lines that are no assignment; the variables are those of all others.
	Problems []Problem
}

// A Problem is one line, with what is wrong.
type Problem struct {
	Line int
	Text string
}

// Parse reads a file. The error, with its line, is for what no program takes: a NUL
// byte, a line or a number of lines beyond the bounds of package section.
func Parse(data []byte) (Vars, error) {
	vars := Vars{Map: map[string]string{}}
	err := section.EachTableLine(data, func(n int, line string) error {
		name, value, err := assignment(line)
		if err != nil {
			vars.Problems = append(vars.Problems, Problem{n, err.Error()})
		} else {
			vars.Map[name] = value
		}
		return nil
	})
	return vars, err
}

// Err is the first problem, for who takes assignments only.
func (v *Vars) Err() error {
	if len(v.Problems) == 0 {
		return nil
	}
	return errors.New(v.Problems[0].String())
}

func (p Problem) String() string { return fmt.Sprintf("line %d: %s", p.Line, p.Text) }

func assignment(line string) (name, value string, err error) {
	if rest, ok := strings.CutPrefix(line, "export "); ok {
		line = strings.TrimLeft(rest, " \t")
	}
	name, value, ok := strings.Cut(line, "=")
	if !ok || !isName(name) {
		return "", "", fmt.Errorf("%.60q is not NAME=VALUE", line)
	}
	if value, err = Unquote(value); err != nil {
		return "", "", fmt.Errorf("%s: %w", name, err)
	}
	return name, value, nil
}

func isName(s string) bool {
	for i, c := range s {
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// Unquote takes shell quotes and backslashes off one word; a comment may follow it.
func Unquote(s string) (string, error) {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote && quote != 0:
			quote = 0
		case c == '\\' && quote == 0 && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c == '\\' && quote == '"' && i+1 < len(s) && strings.IndexByte("\"\\$`", s[i+1]) >= 0:
			i++
			b.WriteByte(s[i])
		case quote == 0 && (c == ' ' || c == '\t' || c == ';'):
			if rest := strings.TrimLeft(s[i:], " \t;"); rest != "" && rest[0] != '#' {
				return "", fmt.Errorf("%.60q follows the value", rest)
			}
			return b.String(), nil
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", fmt.Errorf("a %c is not closed", quote)
	}
	return b.String(), nil
}
