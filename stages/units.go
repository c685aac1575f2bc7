package stages

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

// configUnits is where the links of enabled and masked units lie.
const configUnits = "/etc/systemd/system"

// unitPath is where systemd looks for units of the system, as
// systemd.unit(5) has it, without the places that are empty before the boot.
// /lib comes last: it is /usr/lib wherever that was merged.
func unitPath() []string {
	return []string{configUnits, "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}
}

// units is the systemd of a tree.
type units struct {
	tree *tree.Root
	tell func(format string, args ...any)
}

// A unitFile is where a unit is defined: an instance's file is its template's.
type unitFile struct{ name, path string }

// find looks a unit up, for enabling. Links of vendors are followed to the unit
// that they are another name of; those of the configuration are refused, as
// systemctl does.
func (u units) find(name string) (unitFile, error) { return u.follow(name, false) }

// follow looks a unit up; where config says so, links of the configuration
// are followed too.
func (u units) follow(name string, config bool) (unitFile, error) {
	asked := name
	for range 16 {
		if !validUnit(name) {
			return unitFile{}, &unitError{quoted(name) + " is no name of a unit"}
		}
		file, target, err := u.look(name)
		switch {
		case err != nil:
			return unitFile{}, err
		case file == "":
			return unitFile{}, &unitError{"the tree has no unit " + name}
		case target == "":
			return unitFile{name, file}, nil
		case target == "/dev/null":
			return unitFile{}, &unitError{"the unit " + name + " is masked by " + file}
		case strings.HasPrefix(file, configUnits) && !config:
			return unitFile{}, &unitError{fmt.Sprintf("%s is another name of a unit, by the link %s to %s; use the unit's own name", name, file, target)}
		}
		name = instanceOf(path.Base(target), name)
	}
	return unitFile{}, &unitError{"the links of the unit " + asked + " lead in a circle"}
}

// look is the file of a unit, and where it is a symlink its target; an empty
// file is as good as a link to /dev/null. The file is "" when there is none.
func (u units) look(name string) (file, target string, err error) {
	names := []string{name}
	if t := templateOf(name); t != "" {
		names = append(names, t)
	}
	for _, n := range names {
		for _, dir := range unitPath() {
			file := dir + "/" + n
			info, err := u.tree.Lstat(file)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				continue
			case err != nil:
				return "", "", err
			case info.Type == report.Symlink:
				target, err := u.tree.Readlink(file)
				return file, target, err
			case info.Type == report.File && info.Size == 0:
				return file, "/dev/null", nil
			case info.Type == report.File:
				return file, "", nil
			}
		}
	}
	return "", "", nil
}

// enable makes the links that a unit asks for, and those of the units that it
// names in Also=.
func (u units) enable(name string) error {
	if strings.Contains(name, "/") {
		return &unitError{quoted(name) + " is a path; units are named"}
	}
	name = withSuffix(name)
	list, done := []string{name}, map[string]bool{}
	for len(list) > 0 {
		next := list[0]
		list = list[1:]
		if done[next] {
			continue
		}
		done[next] = true
		file, err := u.find(next)
		var wrong *unitError
		if errors.As(err, &wrong) && next != name {
			u.tell("%s names %s, but %s", name, next, wrong.reason)
			continue
		}
		if err != nil {
			return err
		}
		install, err := u.readInstall(file)
		if err != nil {
			return err
		}
		if err := u.install(file, install); err != nil {
			return err
		}
		list = append(list, install.also...)
	}
	return nil
}

// An install is what the [Install] sections of a unit say.
type install struct {
	wantedBy, requiredBy, alias, also []string
	defaultInstance                   string
}

// readInstall reads the unit and its drop-ins.
func (u units) readInstall(file unitFile) (install, error) {
	var in install
	paths, err := u.dropins(file.name)
	if err != nil {
		return in, err
	}
	for _, p := range append([]string{file.path}, paths...) {
		text, err := u.tree.ReadFile(p)
		if err != nil {
			return in, err
		}
		in.read(string(text))
	}
	return in, nil
}

// dropins lists the drop-ins of a unit, and of its template: by file name, and
// of one name that which comes first in the unit path.
func (u units) dropins(name string) ([]string, error) {
	found := map[string]string{}
	names := []string{name}
	if t := templateOf(name); t != "" {
		names = append(names, t)
	}
	for _, n := range names {
		for _, dir := range unitPath() {
			list, err := u.tree.ReadDir(dir + "/" + n + ".d")
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			for _, info := range list {
				if _, ok := found[info.Name]; !ok && strings.HasSuffix(info.Name, ".conf") {
					found[info.Name] = dir + "/" + n + ".d/" + info.Name
				}
			}
		}
	}
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(found)) {
		paths = append(paths, found[name])
	}
	return paths, nil
}

// read takes what an [Install] section says, in the syntax of systemd.syntax(7).
func (in *install) read(text string) {
	section := ""
	for _, line := range unitLines(text) {
		if strings.HasPrefix(line, "[") {
			section = line
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if section != "[Install]" || !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "WantedBy":
			in.wantedBy = listed(in.wantedBy, value)
		case "RequiredBy":
			in.requiredBy = listed(in.requiredBy, value)
		case "Alias":
			in.alias = listed(in.alias, value)
		case "Also":
			in.also = listed(in.also, value)
		case "DefaultInstance":
			in.defaultInstance = value
		}
	}
}

// listed adds the words of value; an empty value takes those before it back.
func listed(list []string, value string) []string {
	if value == "" {
		return nil
	}
	for _, word := range strings.Fields(value) {
		if text, err := strconv.Unquote(word); err == nil {
			word = text
		}
		list = append(list, word)
	}
	return list
}

// unitLines joins continued lines and leaves comments out, those between
// continued lines too.
func unitLines(text string) []string {
	var lines []string
	open := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" && !open || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		rest, continues := strings.CutSuffix(line, `\`)
		if open {
			lines[len(lines)-1] += " " + rest
		} else {
			lines = append(lines, rest)
		}
		open = continues
	}
	return lines
}
