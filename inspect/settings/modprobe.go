package settings

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func modprobe() section.Section {
	return section.Section{
		Name: "modprobe", Source: "modprobe.d/*.conf in /etc, /run, /usr/local/lib, /usr/lib, /lib",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			files, err := section.Dropins(t, "*.conf", vendorDirs("modprobe.d")...)
			if err != nil {
				return err
			}
			for _, f := range files {
				if err := modprobeFile(t, f.Path, r); err != nil {
					return err
				}
			}
			slices.SortStableFunc(r.Modprobe, func(a, b report.ModprobeRule) int {
				return cmp.Or(cmp.Compare(a.Module, b.Module), cmp.Compare(a.Command, b.Command))
			})
			return nil
		},
	}
}

// modprobeFile reads the lines "command module argument": modprobe.d(5). A
// backslash at the end goes on in the next line, of a comment too. A link that leads
// nowhere is a file that is not there.
func modprobeFile(t *tree.Tree, name string, r *report.Report) error {
	data, err := t.ReadFile(name, section.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return section.Within(name, section.EachContinued(data, "", func(_ int, line string) error {
		words := strings.Fields(line)
		if len(words) < 2 || words[0][0] == '#' {
			return nil // of less modprobe warns, and goes on
		}
		r.Modprobe = append(r.Modprobe, report.ModprobeRule{
			// A hyphen in a module's name is an underscore.
			Module: strings.ReplaceAll(words[1], "-", "_"), Command: words[0], Argument: strings.Join(words[2:], " "), Source: name,
		})
		return nil
	}))
}

func modulesLoad() section.Section {
	return section.Section{
		Name: "modules-load", Source: "modules-load.d/*.conf in /etc, /run, /usr/local/lib, /usr/lib, /lib",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			files, err := section.Dropins(t, "*.conf", vendorDirs("modules-load.d")...)
			if err != nil {
				return err
			}
			for _, f := range files {
				err := section.ReadLines(t, f.Path, func(_ int, line string) error {
					r.ModulesLoad = append(r.ModulesLoad, report.Setting{Key: line, Value: "at boot", Source: f.Path})
					return nil
				})
				if err != nil {
					return err
				}
			}
			slices.SortStableFunc(r.ModulesLoad, func(a, b report.Setting) int { return cmp.Compare(a.Key, b.Key) })
			return nil
		},
	}
}
