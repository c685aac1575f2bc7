package systemd

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func unitDropins(s *shared) section.Section {
	return section.Section{
		Name: "unit-dropins", Source: "NAME.d/*.conf in the directories of units", Oracle: "systemd --test in the tree: the drop-ins of each unit",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			l, err := s.of(t, systemScope())
			if err != nil {
				return err
			}
			if r.UnitDropins, err = l.allDropins(); err == nil && len(r.UnitDropins) == 0 {
				return section.Absent("no drop-in in any directory of units")
			}
			return err
		},
	}
}

// allDropins lists the drop-ins of all units.
func (l *library) allDropins() ([]report.UnitDropin, error) {
	var list []report.UnitDropin
	hidden := map[string]bool{}
	for _, d := range l.dirs {
		for of, dir := range d.dropins {
			files, err := l.confFiles(dir)
			if err != nil {
				return list, err
			}
			for _, f := range files {
				one, err := l.dropin(of, f)
				if err != nil {
					return list, err
				}
				key := of + "/" + f.Name()
				one.Hidden = one.Hidden || hidden[key]
				hidden[key] = true
				list = append(list, one)
			}
		}
	}
	slices.SortFunc(list, func(a, b report.UnitDropin) int { return cmp.Compare(a.Path, b.Path) })
	return list, nil
}

func (l *library) dropin(of string, f *tree.File) (report.UnitDropin, error) {
	one := report.UnitDropin{Path: f.Path, Unit: of, Hidden: section.Masked(f)}
	file, err := l.content(f)
	if err != nil || file == nil {
		one.Hidden = true
		return one, err
	}
	conf, problems, err := readUnit(file)
	if err != nil {
		return one, err
	}
	one.Problems = problems
	for _, a := range conf.Assignments {
		one.Settings = append(one.Settings, setting(a))
	}
	return one, nil
}

// setting is an assignment without what could be a secret.
func setting(a keyfile.Assignment) string {
	switch a.Key {
	case "Environment", "PassEnvironment", "SetCredential", "SetCredentialEncrypted":
		return a.Section + "." + a.Key
	}
	return a.Section + "." + a.Key + "=" + secret.Value(a.Key, a.Value)
}

// content is the file at the end of a name's links; nil where none is there.
func (l *library) content(f *tree.File) (*tree.File, error) {
	file, err := l.tree.Lookup(f.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && file.Node.Type != report.File {
		return nil, nil
	}
	return file, err
}

// confFiles are the names in a directory of drop-ins that count.
func (l *library) confFiles(dir *tree.File) ([]*tree.File, error) {
	files, err := l.tree.ReadDir(dir.Path)
	return slices.DeleteFunc(files, func(f *tree.File) bool { return path.Ext(f.Name()) != ".conf" }), err
}

// dropinsOf are the drop-ins that add to a unit, in the order in which they do:
// of one name the first counts, and the names are sorted.
func (l *library) dropinsOf(unit string) ([]*tree.File, error) {
	byName := map[string]*tree.File{}
	for _, dir := range l.dropinDirs(unit) {
		files, err := l.confFiles(dir)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if byName[f.Name()] == nil {
				byName[f.Name()] = f
			}
		}
	}
	var list []*tree.File
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		file, err := l.content(byName[name])
		if err != nil {
			return nil, err
		}
		if file != nil {
			list = append(list, file)
		}
	}
	return list, nil
}

// dropinDirs are the directories whose files add to a unit, the first counts: those of the
// unit's own names directory by directory, then those of its type.
func (l *library) dropinDirs(unit string) []*tree.File {
	var list []*tree.File
	for _, names := range [][]string{dropinNames(unit), {strings.TrimPrefix(path.Ext(unit), ".")}} {
		for _, d := range l.dirs {
			for _, name := range names {
				if dir := d.dropins[name]; dir != nil {
					list = append(list, dir)
				}
			}
		}
	}
	return list
}

// dropinNames are the directories, without ".d", that add to a unit, the nearest first:
// systemd.unit(5).
func dropinNames(unit string) []string {
	names := []string{unit}
	ext := path.Ext(unit)
	stem := strings.TrimSuffix(unit, ext)
	template := templateOf(unit)
	if template != "" && template != unit {
		names = append(names, template)
	}
	prefix, _, _ := strings.Cut(stem, "@")
	for i := strings.LastIndexByte(strings.TrimSuffix(prefix, "-"), '-'); i > 0; i = strings.LastIndexByte(prefix[:i], '-') {
		if template == "" {
			names = append(names, prefix[:i+1]+ext)
			continue
		}
		names = append(names, prefix[:i+1]+"@"+instanceOf(unit)+ext)
		if template != unit {
			names = append(names, prefix[:i+1]+"@"+ext)
		}
	}
	return names
}
