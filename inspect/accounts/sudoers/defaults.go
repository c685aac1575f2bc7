package sudoers

import (
	"strings"

	"github.com/assay-os/assay/report"
)

// defaults reads what follows "Defaults": a binding, and settings with commas
// between them.
func (s *scanner) defaults() (Item, error) {
	var item Item
	binding, err := s.binding()
	if err != nil {
		return item, err
	}
	for {
		setting, err := s.setting()
		if err != nil {
			return item, err
		}
		item.Defaults = append(item.Defaults, report.SudoDefault{Binding: binding, Setting: setting})
		if s.take(',') {
			continue
		}
		if !s.end() {
			return item, s.unexpected()
		}
		return item, nil
	}
}

// binding reads "@hosts", ":users", ">runas" or "!commands", which stand without a space.
func (s *scanner) binding() (string, error) {
	if s.pos >= len(s.text) {
		return "", s.unexpected()
	}
	kind := map[byte]string{'@': "host", ':': "user", '>': "runas", '!': "command"}[s.text[s.pos]]
	if kind == "" {
		return "", nil
	}
	s.pos++
	list, err := s.members(kind)
	return kind + " " + strings.Join(list, ","), err
}

// setting reads "name", "!name" or "name OP value".
func (s *scanner) setting() (string, error) {
	name := s.bangs()
	s.space()
	word := s.peekWord()
	if word == "" {
		return "", s.unexpected()
	}
	s.pos += len(word)
	s.space()
	for _, op := range []string{"+=", "-=", "="} {
		if strings.HasPrefix(s.text[s.pos:], op) {
			s.pos += len(op)
			s.space()
			return name + word + op + s.name(blank+",#"), nil
		}
	}
	return name + word, nil
}
