package systemd

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// The ways in which a name can lead to a unit.
type loadState string

const (
	loaded  loadState = "loaded"
	masked  loadState = "masked"
	missing loadState = "missing"
	bad     loadState = "bad"
)

// A unit is what a name leads to.
type unit struct {
	// name is the unit's own, which is another than that asked for where
	// that is an alias.
	name  string
	state loadState
	// file is what holds it, where it is loaded; entry what the name is in its directory.
	file, entry *tree.File
	// conf is the file with its drop-ins, problems what is wrong in them.
	conf     *keyfile.File
	dropins  int
	problems []string
	// err is what kept it from being read.
	err error
}

// unit reads what a name leads to. An error is for what could not be read, and comes again.
func (l *library) unit(name string) (*unit, error) {
	if u := l.units[name]; u != nil {
		return u, u.err
	}
	u := &unit{name: name, state: missing, entry: l.find(name)}
	l.units[name] = u
	if u.err = l.follow(u); u.err == nil && u.state == loaded {
		u.err = l.load(u)
	}
	return u, u.err
}

// follow goes from name to name: a link to a file of another name is that unit's, wherever
// the directories have it first.
func (l *library) follow(u *unit) error {
	for range tree.MaxLinks {
		entry := l.find(u.name)
		if entry == nil {
			return nil
		}
		if section.Masked(entry) {
			u.state = masked
			return nil
		}
		file, err := l.tree.Lookup(entry.Path)
		switch {
		case errors.Is(err, tree.ErrUnread):
			return err
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			u.state = bad // a cycle of links
			return nil    //nolint:nilerr // the state tells it
		case err != nil:
			return nil //nolint:nilerr // it is missing
		}
		next := file.Name()
		if isInstance(u.name) && isTemplate(next) {
			next = instantiate(next, instanceOf(u.name))
		}
		if next != u.name && entry.Node.Type == report.Symlink {
			if !isUnit(next) || path.Ext(next) != path.Ext(u.name) {
				u.state = bad
				return nil
			}
			if l.find(next) != nil {
				u.name = next
				continue
			}
			return nil
		}
		u.settle(file)
		return nil
	}
	u.state = bad
	return nil
}

// settle takes the file that was found at the end of all links.
func (u *unit) settle(file *tree.File) {
	switch {
	case file.Node.Type == report.File && file.Node.Size == 0, file.Node.Type == report.Char:
		u.state = masked
	case file.Node.Type == report.File:
		u.state, u.file = loaded, file
	default:
		u.state = bad
	}
}

// load reads the file and its drop-ins.
func (l *library) load(u *unit) error {
	conf, problems, err := readUnit(u.file)
	if err != nil {
		return err
	}
	u.conf, u.problems = conf, problems
	if conf.Broken {
		u.state = bad
		return nil
	}
	files, err := l.dropinsOf(u.name)
	if err != nil {
		return err
	}
	for _, f := range files {
		more, problems, err := readUnit(f)
		if err != nil {
			return err
		}
		u.conf.Append(more)
		u.problems = append(u.problems, problems...)
	}
	u.dropins = len(files)
	return nil
}

// readUnit reads one file of a unit. What systemd would leave out is a problem; an error is for
// text of which that cannot be said.
func readUnit(f *tree.File) (*keyfile.File, []string, error) {
	data, err := f.Read(section.MaxConfig)
	if err != nil {
		return nil, nil, err
	}
	conf, err := keyfile.Parse(data, keyfile.Systemd())
	var problems []string
	for _, p := range conf.Problems {
		problems = append(problems, section.Clip(fmt.Sprintf("%s:%d: %s", f.Path, p.Line, p.Text)))
		if len(problems) == maxProblems {
			break
		}
	}
	return conf, problems, section.Within(f.Path, err)
}

// maxProblems is how many lines of one file are told of.
const maxProblems = 20

// list are the words of a list of the unit that an empty value takes back.
func (u *unit) list(section, key string) []string {
	var words []string
	for _, v := range u.conf.List(section, key) {
		words = append(words, keyfile.Words(v)...)
	}
	return words
}

// last is the value of a key that has one.
func (u *unit) last(section, key string) string {
	v, _ := u.conf.Last(section, key)
	return v
}

// isTrue tells whether a value means yes: systemd.syntax(7).
func isTrue(value string) bool {
	switch value {
	case "1", "yes", "y", "true", "t", "on", "Yes", "YES", "True", "TRUE", "On", "ON":
		return true
	}
	return false
}
