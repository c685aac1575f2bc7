package network

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/report"
)

// An nftStatement is words up to a newline, a ";", or a brace that opens or closes a block.
type nftStatement struct {
	words []string
	// end is '{', '}' or '\n'.
	end  byte
	line int
}

// nftStatements splits a file. Braces inside of a statement (sets of values) belong to it:
// a block opens only after the words that open one.
func nftStatements(data []byte) ([]nftStatement, error) {
	var list []nftStatement
	s := nftSplit{}
	err := section.EachContinued(data, " ", func(n int, line string) error {
		s.line = n
		for _, w := range nftWords(line) {
			list = s.word(list, w)
		}
		if s.depth == 0 {
			list = s.flush(list, '\n')
		}
		return nil
	})
	return s.flush(list, '\n'), err
}

// An nftSplit is between two words.
type nftSplit struct {
	words []string
	// depth counts the braces of values that are open.
	depth, line int
}

func (s *nftSplit) word(list []nftStatement, w string) []nftStatement {
	switch {
	case w == "{" && (s.depth > 0 || !opensBlock(s.words)):
		s.depth++
		s.words = append(s.words, w)
	case w == "}" && s.depth > 0:
		s.depth--
		s.words = append(s.words, w)
	case w == "{" || w == "}":
		if w == "}" {
			list = s.flush(list, '\n')
		}
		list = append(list, nftStatement{words: s.words, end: w[0], line: s.line})
		s.words = nil
	case w == ";" && s.depth == 0:
		list = s.flush(list, '\n')
	default:
		s.words = append(s.words, w)
	}
	return list
}

func (s *nftSplit) flush(list []nftStatement, end byte) []nftStatement {
	if len(s.words) > 0 {
		list = append(list, nftStatement{words: s.words, end: end, line: s.line})
		s.words = nil
	}
	return list
}

// opensBlock tells whether a brace after these words opens a block of statements.
func opensBlock(words []string) bool {
	if len(words) > 1 && (words[0] == "add" || words[0] == "create") {
		words = words[1:]
	}
	kinds := []string{"table", "chain", "set", "map", "flowtable", "counter", "quota", "limit", "ct", "secmark", "synproxy"}
	if len(words) < 2 || len(words) > 5 || !slices.Contains(kinds, words[0]) {
		return false
	}
	return words[0] != "ct" || slices.Contains([]string{"helper", "timeout", "expectation"}, words[1])
}

// nftWords splits a line at white space, braces and ";"; quoted text is one word. A comment
// ends it.
func nftWords(line string) []string {
	var words []string
	for i := 0; i < len(line); {
		switch line[i] {
		case ' ', '\t', '\r':
			i++
		case '#':
			return words
		case '{', '}', ';':
			words, i = append(words, line[i:i+1]), i+1
		case '"':
			end := strings.IndexByte(line[i+1:], '"')
			if end < 0 {
				return append(words, line[i+1:])
			}
			words, i = append(words, line[i+1:i+1+end]), i+end+2
		default:
			end := strings.IndexAny(line[i:], " \t\r{};\"")
			if end < 0 {
				end = len(line) - i
			}
			words, i = append(words, line[i:i+end]), i+end
		}
	}
	return words
}

// An nftWalk follows the blocks of one file.
type nftWalk struct {
	reader *nftReader
	file   string
	// open are the kinds of the blocks that are open: "table", "chain", or another.
	open []string
	// family, name and chain are those of the blocks.
	family, name, chain string
}

// families are those that a table's name may follow; without one it is ip.
func families() []string { return []string{"ip", "ip6", "inet", "arp", "bridge", "netdev"} }

func (w *nftWalk) statement(s nftStatement) error {
	switch {
	case s.end == '}':
		if len(w.open) == 0 {
			w.reader.problem(fmt.Sprintf("%s:%d", w.file, s.line), errors.New("a brace closes nothing"))
			return nil
		}
		w.open = w.open[:len(w.open)-1]
		return nil
	case len(w.open) == 0:
		return w.command(s)
	case w.open[len(w.open)-1] == "table":
		w.inTable(s)
	case w.open[len(w.open)-1] == "chain":
		w.inChain(s)
	case s.end == '{':
		w.open = append(w.open, "other")
	}
	return nil
}

// command reads a statement outside of all blocks.
func (w *nftWalk) command(s nftStatement) error {
	words := s.words
	if len(words) > 1 && (words[0] == "add" || words[0] == "create" || words[0] == "insert") {
		words = words[1:]
	}
	opened := "other"
	switch {
	case len(words) == 0:
	case words[0] == "include" && len(words) > 1:
		return w.reader.include(words[1], fmt.Sprintf("%s:%d", w.file, s.line))
	case words[0] == "flush" && len(words) > 1 && words[1] == "ruleset":
		w.reader.out.Flush = true
	case words[0] == "table":
		opened = "table"
		w.family, words = family(words[1:])
		if len(words) > 0 {
			w.name = words[0]
			w.reader.table(w.family, w.name)
		}
	case words[0] == "chain" || words[0] == "rule" || words[0] == "set" || words[0] == "map":
		opened = words[0]
		w.named(words)
	}
	if s.end == '{' {
		w.open = append(w.open, opened)
	}
	return nil
}

// named reads "chain FAMILY TABLE NAME" and "rule FAMILY TABLE CHAIN …".
func (w *nftWalk) named(words []string) {
	kind := words[0]
	family, words := family(words[1:])
	if len(words) < 2 {
		return
	}
	w.family, w.name = family, words[0]
	t := w.reader.table(family, words[0])
	switch kind {
	case "chain":
		w.chain = words[1]
		w.base(chainOf(t, w.chain), words[2:])
	case "rule":
		chainOf(t, words[1]).Rules++
	default:
		t.Sets++
	}
}

func family(words []string) (string, []string) {
	if len(words) > 0 && slices.Contains(families(), words[0]) {
		return words[0], words[1:]
	}
	return "ip", words
}

func (w *nftWalk) inTable(s nftStatement) {
	t := w.reader.table(w.family, w.name)
	opened := "other"
	switch {
	case len(s.words) > 1 && s.words[0] == "chain":
		opened, w.chain = "chain", s.words[1]
		chainOf(t, w.chain)
	case len(s.words) > 1 && (s.words[0] == "set" || s.words[0] == "map"):
		t.Sets++
	}
	if s.end == '{' {
		w.open = append(w.open, opened)
	}
}

func (w *nftWalk) inChain(s nftStatement) {
	c := chainOf(w.reader.table(w.family, w.name), w.chain)
	if len(s.words) == 0 {
		return
	}
	switch s.words[0] {
	case "type", "policy":
		w.base(c, s.words)
	case "comment", "include", "devices", "flags":
	default:
		c.Rules++
	}
	if s.end == '{' {
		w.open = append(w.open, "other")
	}
}

// base reads "type filter hook input priority 0", "policy drop".
func (w *nftWalk) base(c *report.NftChain, words []string) {
	fields := map[string]*string{"type": &c.Type, "hook": &c.Hook, "policy": &c.Policy, "priority": &c.Priority}
	for i := 0; i+1 < len(words); i++ {
		if into := fields[words[i]]; into != nil {
			*into = words[i+1]
			if words[i] == "priority" { // "filter + 10"
				*into = strings.Join(words[i+1:min(len(words), i+1+priorityWords(words[i+1:]))], " ")
			}
		}
	}
}

func priorityWords(words []string) int {
	if len(words) > 2 && (words[1] == "+" || words[1] == "-") {
		return 3
	}
	return 1
}
