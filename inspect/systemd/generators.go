package systemd

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// generatorKinds are the kinds of directories: systemd.generator(7), systemd.environment-generator(7).
func generatorKinds() []string {
	return []string{"system", "system-environment", "user", "user-environment"}
}

func generators() section.Section {
	return section.Section{
		Name: "generators", Source: "systemd/{system,user}{,-environment}-generators in /etc, /run, /usr/local/lib, /usr/lib, /lib",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			for _, kind := range generatorKinds() {
				list, err := generatorsOf(t, kind)
				r.Generators = append(r.Generators, list...)
				if err != nil {
					return err
				}
			}
			if len(r.Generators) == 0 {
				return section.Absent("no generator")
			}
			slices.SortFunc(r.Generators, func(a, b report.Generator) int { return cmp.Compare(a.Path, b.Path) })
			return nil
		},
	}
}

func generatorsOf(t *tree.Tree, kind string) ([]report.Generator, error) {
	var list []report.Generator
	seen, read := map[string]bool{}, map[string]bool{}
	for _, base := range []string{"/run", "/etc", "/usr/local/lib", "/usr/lib", "/lib"} {
		dir, err := t.Lookup(base + "/systemd/" + kind + "-generators")
		if errors.Is(err, fs.ErrNotExist) || err == nil && (read[dir.Path] || dir.Node.Type != report.Directory) {
			continue
		}
		if err != nil {
			return list, err
		}
		read[dir.Path] = true
		files, err := t.ReadDir(dir.Path)
		if err != nil {
			return list, err
		}
		for _, f := range files {
			runs, err := isProgram(t, f)
			if err != nil {
				return list, err
			}
			list = append(list, report.Generator{Path: f.Path, Kind: kind, Hidden: seen[f.Name()] || !runs})
			seen[f.Name()] = true
		}
	}
	return list, nil
}

// isProgram tells whether a name leads to a file that may be executed.
func isProgram(t *tree.Tree, f *tree.File) (bool, error) {
	if section.Masked(f) {
		return false, nil
	}
	file, err := t.Lookup(f.Path)
	if errors.Is(err, tree.ErrUnread) {
		return false, err
	}
	return err == nil && file.Node.Type == report.File && file.Node.Size > 0 && file.Node.Mode&0o111 != 0, nil
}
