package settings

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/section/shellvars"
	"github.com/assay-os/assay/inspect/section/yamltext"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// values gathers settings of which the last one of a key counts. What is named as
// secrets are is told as present only.
type values map[string]report.Setting

func (v values) set(key, value, source string) {
	v[key] = report.Setting{Key: key, Value: secret.Value(key, value), Source: source}
}

// sorted are the settings by their keys.
func (v values) sorted() []report.Setting {
	return slices.SortedFunc(maps.Values(v), func(a, b report.Setting) int { return cmp.Compare(a.Key, b.Key) })
}

// ini adds "Section.Key" of one file, each after prefix. It tells whether the
// file is there.
func (v values) ini(t *tree.Tree, name, prefix string, d keyfile.Dialect) (bool, error) {
	data, err := t.ReadFile(name, section.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f, err := keyfile.Parse(data, d)
	for _, a := range f.Assignments {
		key := a.Key
		if a.Section != "" {
			key = a.Section + "." + key
		}
		v.set(prefix+key, a.Value, name)
	}
	return true, section.Within(name, err)
}

// shell adds the variables of one file, each after prefix.
func (v values) shell(t *tree.Tree, name, prefix string) (bool, error) {
	data, err := t.ReadFile(name, section.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	vars, err := shellvars.Parse(data)
	for key, value := range vars.Map {
		v.set(prefix+key, value, name)
	}
	return true, section.Within(name, err)
}

// yaml adds the values of one file.
func (v values) yaml(t *tree.Tree, name string) (bool, error) {
	data, err := t.ReadFile(name, section.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	leaves, err := yamltext.Leaves(data)
	for _, l := range leaves {
		v.set(l.Key(), l.Value, name)
	}
	return true, section.Within(name, err)
}

// files are the names that match patterns and are no directories, in the
// order of the patterns, each pattern's sorted.
func files(t *tree.Tree, patterns ...string) ([]string, error) {
	var names []string
	for _, pattern := range patterns {
		found, err := t.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if to, err := t.Lookup(f.Path); err == nil && to.Node.Type == report.File {
				names = append(names, f.Path)
			}
		}
	}
	return names, nil
}

// base is the last part of a path with the blank that ends a key's prefix.
func base(name string) string { return path.Base(name) + " " }
