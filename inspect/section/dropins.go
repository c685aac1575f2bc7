package section

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// Dropins gives the files that configure a program from several directories:
// of each name that matches pattern the one in the first directory that has it,
// in the order of the names. One that is a link to /dev/null, or empty where
// the program takes that for the same, turns its name off and is left out:
// systemd.unit(5), sysctl.d(5), udev(7).
func Dropins(t *tree.Tree, pattern string, dirs ...string) ([]*tree.File, error) {
	byName := map[string]*tree.File{}
	for _, dir := range dirs {
		files, err := t.Glob(dir + "/" + pattern)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if _, hidden := byName[f.Name()]; !hidden {
				byName[f.Name()] = f
			}
		}
	}
	list := slices.SortedFunc(maps.Values(byName), func(a, b *tree.File) int {
		return cmp.Compare(a.Name(), b.Name())
	})
	return slices.DeleteFunc(list, Masked), nil
}

// Masked tells whether a name is turned off by a link to /dev/null.
func Masked(f *tree.File) bool {
	return f.Node.Type == report.Symlink && path.Clean(string(f.Node.Target)) == "/dev/null"
}

// ReadLines calls fn for each line of a configuration file that is neither empty
// nor a comment ("#", and ";" as well), links followed. A link that leads
// nowhere is a file that is not there, which no program minds in a directory.
func ReadLines(t *tree.Tree, name string, fn func(number int, line string) error) error {
	data, err := t.ReadFile(name, MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return Within(name, EachTableLine(data, func(n int, line string) error {
		if line[0] == ';' {
			return nil
		}
		return fn(n, line)
	}))
}
