package sudoers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// userSpec reads "users hosts = commands : hosts = commands".
func (s *scanner) userSpec() (Item, error) {
	var item Item
	users, err := s.names("user")
	if err != nil {
		return item, err
	}
	for {
		hosts, err := s.names("host")
		if err != nil {
			return item, err
		}
		if !s.take('=') {
			return item, s.unexpected()
		}
		rules, err := s.commands(report.SudoRule{Users: users, Hosts: hosts})
		if err != nil {
			return item, err
		}
		item.Rules = append(item.Rules, rules...)
		if s.take(':') {
			continue
		}
		if !s.end() {
			return item, s.unexpected()
		}
		return item, nil
	}
}

// commands reads the commands of one list of hosts. Whom they run as and their options
// go over to the commands that follow, until these say otherwise: what is the same is one rule.
func (s *scanner) commands(rule report.SudoRule) ([]report.SudoRule, error) {
	var rules []report.SudoRule
	for {
		if err := s.runas(&rule); err != nil {
			return rules, err
		}
		if err := s.options(&rule); err != nil {
			return rules, err
		}
		command, err := s.command()
		if err != nil {
			return rules, err
		}
		if n := len(rules); n > 0 && sameWay(rules[n-1], rule) {
			rules[n-1].Commands = append(rules[n-1].Commands, command)
		} else {
			next := rule
			next.Options, next.Commands = slices.Clone(rule.Options), []string{command}
			rules = append(rules, next)
		}
		if !s.take(',') {
			return rules, nil
		}
	}
}

func sameWay(a, b report.SudoRule) bool {
	return slices.Equal(a.RunAsUsers, b.RunAsUsers) && slices.Equal(a.RunAsGroups, b.RunAsGroups) && slices.Equal(a.Options, b.Options)
}

// runas reads "(users : groups)", each of them optional.
func (s *scanner) runas(rule *report.SudoRule) (err error) {
	if !s.take('(') {
		return nil
	}
	rule.RunAsUsers, rule.RunAsGroups = nil, nil
	if s.space(); s.pos < len(s.text) && s.text[s.pos] != ':' && s.text[s.pos] != ')' {
		if rule.RunAsUsers, err = s.names("runas"); err != nil {
			return err
		}
	}
	if s.take(':') {
		if s.space(); s.pos < len(s.text) && s.text[s.pos] != ')' {
			if rule.RunAsGroups, err = s.names("runas"); err != nil {
				return err
			}
		}
	}
	if !s.take(')') {
		return s.unexpected()
	}
	return nil
}

// optionNames are those of Option_Spec, which have values.
func optionNames() []string {
	return []string{"ROLE", "TYPE", "APPARMOR_PROFILE", "PRIVS", "LIMITPRIVS", "CWD", "CHROOT", "TIMEOUT", "NOTBEFORE", "NOTAFTER"}
}

// tagNames are those of Tag_Spec, each without its "NO".
func tagNames() []string {
	return []string{"EXEC", "FOLLOW", "INTERCEPT", "LOG_INPUT", "LOG_OUTPUT", "MAIL", "PASSWD", "SETENV"}
}

// options reads settings "NAME=value" and tags "NAME:" in any order.
func (s *scanner) options(rule *report.SudoRule) error {
	for {
		s.space()
		word := s.peekWord()
		if word == "" {
			return nil
		}
		at := s.pos
		s.pos += len(word)
		switch {
		case slices.Contains(optionNames(), word) && s.take('='):
			s.space()
			value := s.name(blank + ",:=()#")
			if value == "" {
				return fmt.Errorf("%s has no value", word)
			}
			rule.Options = with(rule.Options, word+"=", word+"="+value)
		case slices.Contains(tagNames(), strings.TrimPrefix(word, "NO")) && s.take(':'):
			bare := strings.TrimPrefix(word, "NO")
			rule.Options = with(with(rule.Options, "NO"+bare, ""), bare, word)
		default:
			s.pos = at
			return nil
		}
	}
}

// with replaces what begins with prefix (a setting) or is it (a tag), and keeps the list
// sorted: their order means nothing.
func with(list []string, prefix, option string) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(o string) bool {
		return o == prefix || strings.HasSuffix(prefix, "=") && strings.HasPrefix(o, prefix)
	})
	if option != "" {
		list = append(list, option)
	}
	slices.Sort(list)
	return list
}

// command reads one command with its arguments, as it is written, digests before it.
func (s *scanner) command() (string, error) {
	text := s.bangs() + s.digests()
	s.space()
	if s.pos >= len(s.text) || s.text[s.pos] != '/' && s.text[s.pos] != '^' && !isWord(s.text[s.pos]) {
		return "", s.unexpected()
	}
	first := s.commandWord()
	text += first
	if first == "ALL" || isAlias(first) {
		return text, nil
	}
	words := []string{text}
	for s.space(); s.pos < len(s.text); s.space() {
		word := s.commandWord()
		if word == "" {
			break
		}
		words = append(words, word)
	}
	return strings.Join(words, " "), nil
}

// digests reads "sha256:… ," and their like.
func (s *scanner) digests() string {
	text := ""
	for {
		s.space()
		word := s.peekWord()
		if !slices.Contains([]string{"sha224", "sha256", "sha384", "sha512"}, word) {
			return text
		}
		s.pos += len(word)
		s.take(':')
		s.space()
		text += word + ":" + s.raw(blank+",")
		if !s.take(',') {
			return text + " "
		}
		text += ", "
	}
}

// commandWord reads up to white space or to what ends a command; a regular
// expression goes up to its "$".
func (s *scanner) commandWord() string {
	if s.pos < len(s.text) && s.text[s.pos] == '^' {
		if i := strings.Index(s.text[s.pos:], "$"); i > 0 {
			word := s.text[s.pos : s.pos+i+1]
			s.pos += i + 1
			return word
		}
	}
	return s.raw(blank + ",:#")
}

// raw reads up to one of the bytes in stop; what stands behind a backslash ends
// nothing, and both stay.
func (s *scanner) raw(stop string) string {
	begin := s.pos
	for s.pos < len(s.text) && strings.IndexByte(stop, s.text[s.pos]) < 0 {
		if s.text[s.pos] == '\\' && s.pos+1 < len(s.text) {
			s.pos++
		}
		s.pos++
	}
	return s.text[begin:s.pos]
}
