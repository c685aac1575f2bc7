package settings

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func sysctl() section.Section {
	return section.Section{
		Name: "sysctl", Source: "sysctl.d/*.conf in /etc, /run, /usr/local/lib, /usr/lib, /lib", Oracle: "systemd-analyze cat-config",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			files, err := section.Dropins(t, "*.conf", vendorDirs("sysctl.d")...)
			if err != nil {
				return err
			}
			last := map[string]report.Setting{}
			for _, f := range files {
				err := section.ReadLines(t, f.Path, func(_ int, line string) error {
					if s, ok := sysctlLine(line); ok {
						s.Source = f.Path
						last[s.Key] = s
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
			for _, s := range last {
				r.Sysctl = append(r.Sysctl, s)
			}
			slices.SortFunc(r.Sysctl, func(a, b report.Setting) int { return cmp.Compare(a.Key, b.Key) })
			return nil
		},
	}
}

// sysctlLine reads "name = value", or "-name" of what is left as it is:
// sysctl.d(5). A line that is neither sets nothing.
func sysctlLine(line string) (report.Setting, bool) {
	name, value, ok := strings.Cut(line, "=")
	name = strings.TrimSpace(name)
	if !ok && !strings.HasPrefix(name, "-") {
		return report.Setting{}, false
	}
	name = strings.TrimSpace(strings.TrimPrefix(name, "-"))
	if !ok {
		value = "(left as it is)"
	}
	return report.Setting{Key: dotted(name), Value: strings.TrimSpace(value)}, name != ""
}

// dotted writes a parameter's name with dots between its parts. Where the first
// separator is a slash, a dot stands for itself and is written as a slash.
func dotted(name string) string {
	if i := strings.IndexAny(name, "./"); i < 0 || name[i] == '.' {
		return name
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '/':
			return '.'
		case '.':
			return '/'
		}
		return r
	}, name)
}

// vendorDirs are the directories of one kind of configuration in the order in
// which they count; the last is for systems without merged /usr.
func vendorDirs(name string) []string {
	dirs := []string{"/etc/", "/run/", "/usr/local/lib/", "/usr/lib/", "/lib/"}
	for i := range dirs {
		dirs[i] += name
	}
	return dirs
}
