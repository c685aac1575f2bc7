package accounts

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// maxStack is how many lines one service may have with all that it includes.
const maxStack = 4096

// pamStacks are the services of an image, each file read once.
type pamStacks struct {
	tree    *tree.Tree
	modules map[string]bool
	files   map[string]*tree.File
	parsed  map[string]*pamFile
}

// A pamFile is one file as it is written.
type pamFile struct {
	lines    []pamLine
	problems []string
}

// A pamLine is one line of pam.d(5), or an "@include" of Debian's.
type pamLine struct {
	kind    string
	control string
	// target is a module, or the service that is included.
	target string
	args   []string
	source string
}

func newPAMStacks(t *tree.Tree) (*pamStacks, error) {
	modules, err := pamModules(t)
	if err != nil {
		return nil, err
	}
	list, err := section.Dropins(t, "*", "/etc/pam.d", "/usr/lib/pam.d")
	if err != nil {
		return nil, err
	}
	p := &pamStacks{tree: t, modules: modules, files: map[string]*tree.File{}, parsed: map[string]*pamFile{}}
	for _, f := range list {
		real, err := t.Lookup(f.Path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil && real.Node.Type == report.File {
			p.files[f.Name()] = real
		}
	}
	return p, nil
}

func (p *pamStacks) names() []string {
	var list []string
	for name := range p.files {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// file reads a service's file.
func (p *pamStacks) file(name string) (*pamFile, error) {
	if f := p.parsed[name]; f != nil {
		return f, nil
	}
	at, ok := p.files[name]
	if !ok {
		return nil, fmt.Errorf("service %s: %w", name, fs.ErrNotExist)
	}
	data, err := at.Read(section.MaxConfig)
	if err != nil {
		return nil, err
	}
	f, err := parsePAM(data, at.Path)
	if err != nil {
		return nil, err
	}
	p.parsed[name] = f
	return f, nil
}

func parsePAM(data []byte, name string) (*pamFile, error) {
	f := &pamFile{}
	err := section.EachContinued(data, " ", func(n int, line string) error {
		line, _, _ = strings.Cut(line, "#")
		fields := pamFields(line)
		if len(fields) == 0 {
			return nil
		}
		l, err := pamLineOf(fields)
		if err != nil {
			f.problems = section.AddProblem(f.problems, note(name, n, err))
			return nil
		}
		l.source = fmt.Sprintf("%s:%d", name, n)
		f.lines = append(f.lines, l)
		return nil
	})
	return f, section.Within(name, err)
}

// pamFields splits at white space; what begins with "[" goes up to "]", which
// "\]" does not end.
func pamFields(line string) []string {
	var fields []string
	for line = strings.TrimLeft(line, " \t\r"); line != ""; line = strings.TrimLeft(line, " \t\r") {
		end := strings.IndexAny(line, " \t\r")
		if line[0] == '[' {
			end = closing(line)
		}
		if end < 0 {
			end = len(line)
		}
		fields, line = append(fields, line[:end]), line[end:]
	}
	return fields
}

// closing is the place behind the bracket that closes the first one, or -1.
func closing(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] == ']' && s[i-1] != '\\' {
			return i + 1
		}
	}
	return -1
}

func pamLineOf(fields []string) (pamLine, error) {
	if fields[0] == "@include" && len(fields) >= 2 {
		return pamLine{control: "@include", target: fields[1]}, nil
	}
	if len(fields) < 3 {
		return pamLine{}, fmt.Errorf("%.60q has no type, control and module", strings.Join(fields, " "))
	}
	kind := strings.ToLower(fields[0])
	if !slices.Contains([]string{"account", "auth", "password", "session"}, strings.TrimPrefix(kind, "-")) {
		return pamLine{}, fmt.Errorf("%.40q is no type", fields[0])
	}
	l := pamLine{kind: kind, control: strings.Join(strings.Fields(fields[1]), " "), target: fields[2]}
	for _, arg := range fields[3:] {
		l.args = append(l.args, publicArg(arg))
	}
	return l, nil
}

// publicArg leaves out a secret's value, as of "passwd=x" of modules that ask a database.
func publicArg(arg string) string {
	name, value, ok := strings.Cut(arg, "=")
	if !ok {
		return arg
	}
	return name + "=" + secret.Value(strings.Trim(name, "["), value)
}

// service writes out what a service asks.
func (p *pamStacks) service(name string) (report.PAMService, error) {
	w := &pamWriter{pamStacks: p, out: report.PAMService{Name: name, Stack: []string{}}}
	err := w.write(name, "", 0)
	w.out.Includes = unique(w.out.Includes)
	w.out.Missing = unique(w.out.Missing)
	w.out.Problems = unique(w.out.Problems)
	return w.out, err
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

type pamWriter struct {
	*pamStacks
	out      report.PAMService
	includes section.Includes
}

// write adds the lines of a file, those of one type only unless kind is empty.
func (w *pamWriter) write(name, kind string, level int) error {
	if err := w.includes.Enter(name, 0); err != nil {
		w.out.Problems = section.AddProblem(w.out.Problems, err.Error())
		return nil
	}
	defer w.includes.Leave()
	f, err := w.file(name)
	if errors.Is(err, fs.ErrNotExist) {
		w.out.Problems = section.AddProblem(w.out.Problems, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range f.problems {
		w.out.Problems = section.AddProblem(w.out.Problems, p)
	}
	for _, l := range f.lines {
		if kind != "" && l.kind != "" && strings.TrimPrefix(l.kind, "-") != kind {
			continue
		}
		if len(w.out.Stack) >= maxStack {
			w.out.Problems = section.AddProblem(w.out.Problems, fmt.Sprintf("%s: more than %d lines with all that is included", l.source, maxStack))
			return nil
		}
		if err := w.line(l, kind, level); err != nil {
			return err
		}
	}
	return nil
}

func (w *pamWriter) line(l pamLine, kind string, level int) error {
	switch l.control {
	case "@include", "include", "substack":
		if err := w.includes.Ask(); err != nil {
			w.out.Problems = section.AddProblem(w.out.Problems, err.Error())
			return nil
		}
		included := strings.TrimPrefix(l.target, "/etc/pam.d/")
		w.out.Includes = append(w.out.Includes, included)
		if l.control == "substack" {
			w.push(level, strings.Join([]string{l.kind, l.control, l.target}, " "))
			level++
		}
		return w.write(included, cmp.Or(strings.TrimPrefix(l.kind, "-"), kind), level)
	}
	w.push(level, strings.Join(append([]string{l.kind, l.control, l.target}, l.args...), " "))
	has, err := w.hasModule(strings.ReplaceAll(l.target, "$ISA", "../lib"))
	if err != nil {
		return err
	}
	if !has {
		w.out.Missing = append(w.out.Missing, l.target)
	}
	return nil
}

func (w *pamWriter) push(level int, line string) {
	w.out.Stack = append(w.out.Stack, strings.Repeat("  ", level)+line)
}
