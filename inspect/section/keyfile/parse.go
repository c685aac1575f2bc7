package keyfile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/assay-os/assay/inspect/section"
)

// A parser is between two lines.
type parser struct {
	dialect Dialect
	file    *File
	header  Header
	// held are the pieces of what may go on in the next line, and their size: of a line
	// that ends in a backslash, or of the last assignment's value.
	held []string
	size int
	// first is the number of the first line that is held.
	first int
	// done is set after a line that ends it all.
	done bool
}

func (p *parser) line(n int, line string) {
	switch {
	case p.done || p.comment(line):
	case p.dialect.Backslash:
		p.backslash(n, strings.TrimSuffix(line, "\r"))
	case p.dialect.Indent:
		p.indented(n, line)
	default:
		p.whole(n, line)
	}
}

func (p *parser) comment(line string) bool {
	if !p.dialect.Indent {
		line = strings.TrimLeft(line, White)
	}
	return line != "" && strings.IndexByte(p.dialect.Comments, line[0]) >= 0
}

// backslash holds back a line that goes on.
func (p *parser) backslash(n int, line string) {
	if len(p.held) == 0 {
		p.first = n
	}
	goesOn := (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
	if goesOn {
		line = line[:len(line)-1]
	}
	if !p.hold(n, line) {
		p.done, p.held, p.file.Broken = true, nil, true
	} else if !goesOn {
		p.flush()
	}
}

// hold keeps a piece, unless it makes the whole too long.
func (p *parser) hold(n int, piece string) bool {
	if p.size += len(piece) + 1; p.size > section.MaxConfig {
		p.problem(n, "what the line continues is too long")
		return false
	}
	p.held = append(p.held, piece)
	return true
}

// indented reads a line, or goes on with the last assignment's value.
func (p *parser) indented(n int, line string) {
	text := strings.Trim(line, White)
	switch {
	case text == "":
	case strings.IndexByte(White, line[0]) < 0 || text[0] == '[':
		p.flush()
		if p.whole(n, line) {
			p.held = []string{p.file.Assignments[len(p.file.Assignments)-1].Value}
		}
	case len(p.held) == 0:
		p.problem(n, "it goes on with no value")
	default:
		p.hold(n, text)
	}
}

// flush reads what is held back as one line, or ends a value of several.
func (p *parser) flush() {
	held := p.held
	p.held, p.size = nil, 0
	switch {
	case len(held) == 0:
	case p.dialect.Backslash:
		p.whole(p.first, strings.Join(held, " "))
	default:
		p.file.Assignments[len(p.file.Assignments)-1].Value = strings.Join(held, "\n")
	}
}

// whole reads a line with all that continues it, and tells whether it is an assignment.
func (p *parser) whole(n int, line string) bool {
	line = strings.TrimLeft(line, White)
	bare := strings.TrimRight(line, White)
	switch {
	case bare == "":
	case p.dialect.Strict && !utf8.ValidString(bare):
		p.problem(n, "it is not UTF-8")
	case bare[0] == '[':
		p.section(n, bare)
	case p.header.Line == 0 && !p.dialect.Headless:
		p.problem(n, "it stands in no section")
	default:
		return p.assignment(n, line)
	}
	return false
}

func (p *parser) section(n int, line string) {
	end := len(line) - 1
	if p.dialect.Indent { // only there
		end = strings.IndexByte(line, ']')
		if rest := strings.TrimLeft(line[end+1:], White); end > 0 && rest != "" && !p.comment(rest) {
			p.problem(n, "something stands behind a section's header")
		}
	}
	if end < 1 || line[end] != ']' {
		p.problem(n, "a section's header is not closed")
		p.done, p.file.Broken = p.dialect.Strict, p.dialect.Strict
		return
	}
	p.header = Header{Section: line[1:end], Line: n}
	p.file.Headers = append(p.file.Headers, p.header)
}

func (p *parser) assignment(n int, line string) bool {
	key, value, ok := strings.Cut(line, "=")
	key, value = strings.TrimRight(key, White), strings.TrimLeft(value, White)
	if !ok || key == "" {
		p.problem(n, clip(strings.TrimRight(line, White))+" is no assignment")
		return false
	}
	if p.dialect.KeepTrailing {
		value = strings.TrimSuffix(value, "\r")
	} else {
		value = strings.TrimRight(value, White)
	}
	p.file.Assignments = append(p.file.Assignments, Assignment{
		Section: p.header.Section, Key: key, Value: value, Line: n, Header: p.header.Line,
	})
	return true
}

func (p *parser) problem(n int, text string) {
	p.file.Problems = append(p.file.Problems, Problem{Line: n, Text: text})
}

// clip quotes the beginning of a text.
func clip(text string) string {
	if len(text) > 40 {
		return fmt.Sprintf("%q…", text[:40])
	}
	return fmt.Sprintf("%q", text)
}
