// Package sudoers reads the text of sudoers(5): rules, settings, aliases, and
// which other files it includes.
//
// It resolves no alias and decides about nobody; that is sudo's work. A line that
// sudo would refuse is a problem, and what follows it is read all the same.
//
//	file, err := sudoers.Parse(data, "/etc/sudoers")
package sudoers

import (
	"fmt"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/report"
)

// A File is what one file says. Source of everything is the file's name and line.
type File struct {
	Items    []Item
	Problems []string
	// Lines are the file's, without empty ones and comments.
	Lines []string
}

// An Item is one of: rules of one line, settings, aliases, an include.
type Item struct {
	Rules    []report.SudoRule
	Defaults []report.SudoDefault
	Aliases  []report.SudoAlias
	// Include is the file or directory that takes this item's place.
	Include   string
	Directory bool
	Source    string
}

// Parse reads a file. The error is for what is no text of lines: see
// [section.EachLine].
func Parse(data []byte, name string) (*File, error) {
	f := &File{}
	err := section.EachTableLine(data, func(_ int, line string) error {
		f.Lines = append(f.Lines, line)
		return nil
	})
	if err != nil {
		return f, err
	}
	err = section.EachContinued(data, "\n", func(n int, line string) error {
		source := fmt.Sprintf("%s:%d", name, n)
		item, err := parseLine(line)
		if err != nil {
			f.Problems = append(f.Problems, fmt.Sprintf("%s: %v", source, err))
			return nil
		}
		item.setSource(source)
		f.Items = append(f.Items, item)
		return nil
	})
	return f, err
}

func (i *Item) setSource(source string) {
	i.Source = source
	for j := range i.Rules {
		i.Rules[j].Source = source
	}
	for j := range i.Defaults {
		i.Defaults[j].Source = source
	}
	for j := range i.Aliases {
		i.Aliases[j].Source = source
	}
}

func parseLine(line string) (Item, error) {
	line = strings.Trim(line, blank)
	if target, directory, ok := include(line); ok {
		return Item{Include: target, Directory: directory}, nil
	}
	s := &scanner{text: line}
	if s.end() {
		return Item{}, nil
	}
	word := s.peekWord()
	if kind, ok := aliasKinds()[word]; ok {
		s.pos += len(word)
		return s.aliases(kind)
	}
	if rest, ok := strings.CutPrefix(line, "Defaults"); ok && (rest == "" || strings.IndexByte(" \t@:!>", rest[0]) >= 0) {
		s.pos += len("Defaults")
		return s.defaults()
	}
	return s.userSpec()
}

// include takes "@include X", "#include X" and their like apart. White space in
// the name is quoted or behind a backslash.
func include(line string) (target string, directory, ok bool) {
	if line == "" || line[0] != '@' && line[0] != '#' {
		return "", false, false
	}
	word, rest, found := strings.Cut(strings.ReplaceAll(line[1:], "\t", " "), " ")
	if !found || word != "include" && word != "includedir" {
		return "", false, false
	}
	s := &scanner{text: strings.TrimLeft(rest, " ")}
	return s.name(" "), word == "includedir", true
}

func aliasKinds() map[string]string {
	return map[string]string{
		"User_Alias": "user", "Runas_Alias": "runas", "Host_Alias": "host",
		"Cmnd_Alias": "command", "Cmd_Alias": "command",
	}
}

// aliases reads "NAME = list : NAME = list".
func (s *scanner) aliases(kind string) (Item, error) {
	var item Item
	for {
		s.space()
		name := s.peekWord()
		if !isAlias(name) {
			return item, fmt.Errorf("%.40q is no name for an alias", name)
		}
		s.pos += len(name)
		if !s.take('=') {
			return item, fmt.Errorf("alias %s: no = follows", name)
		}
		members, err := s.members(kind)
		if err != nil {
			return item, fmt.Errorf("alias %s: %w", name, err)
		}
		item.Aliases = append(item.Aliases, report.SudoAlias{Name: name, Kind: kind, Members: members})
		if s.end() {
			return item, nil
		}
		if !s.take(':') {
			return item, s.unexpected()
		}
	}
}

// isAlias tells whether a word can name an alias: upper case, digits and "_".
func isAlias(word string) bool {
	for i, c := range word {
		if (c < 'A' || c > 'Z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return word != "" && word != "ALL"
}

// members reads a list of one kind.
func (s *scanner) members(kind string) ([]string, error) {
	if kind != "command" {
		return s.names(kind)
	}
	var list []string
	for {
		command, err := s.command()
		if err != nil {
			return list, err
		}
		list = append(list, command)
		if !s.take(',') {
			return list, nil
		}
	}
}

// names reads users, hosts or groups, with commas between them.
func (s *scanner) names(kind string) ([]string, error) {
	var list []string
	for {
		name := s.bangs()
		word := s.member(kind)
		if word == "" {
			return list, s.unexpected()
		}
		list = append(list, name+word)
		if !s.take(',') {
			return list, nil
		}
	}
}
