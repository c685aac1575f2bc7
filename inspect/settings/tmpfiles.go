package settings

import (
	"cmp"
	"context"
	"slices"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func tmpfiles() section.Section {
	return section.Section{
		Name: "tmpfiles", Source: "tmpfiles.d/*.conf in /etc, /run, /usr/local/lib, /usr/lib, /lib", Oracle: "systemd-analyze cat-config",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			err := eachWords(t, "tmpfiles.d", 7, func(source string, w []string) {
				r.Tmpfiles = append(r.Tmpfiles, report.TmpfilesLine{
					Type: w[0], Path: w[1], Mode: w[2], User: w[3], Group: w[4], Age: w[5], Argument: w[6], Source: source,
				})
			})
			slices.SortStableFunc(r.Tmpfiles, func(a, b report.TmpfilesLine) int { return cmp.Compare(a.Path, b.Path) })
			return err
		},
	}
}

func sysusers() section.Section {
	return section.Section{
		Name: "sysusers", Source: "sysusers.d/*.conf in /etc, /run, /usr/local/lib, /usr/lib, /lib", Oracle: "systemd-analyze cat-config",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			err := eachWords(t, "sysusers.d", 6, func(source string, w []string) {
				r.Sysusers = append(r.Sysusers, report.SysusersLine{
					Type: w[0], Name: w[1], ID: w[2], Gecos: w[3], Home: w[4], Shell: w[5], Source: source,
				})
			})
			slices.SortStableFunc(r.Sysusers, func(a, b report.SysusersLine) int { return cmp.Compare(a.Name, b.Name) })
			return err
		},
	}
}

// eachWords calls fn for each line of the files of one kind with its n first
// words, of which the last holds the rest of the line. "-" and what is not
// there are nothing. A line of less than two words is nothing that systemd takes.
func eachWords(t *tree.Tree, kind string, n int, fn func(source string, words []string)) error {
	files, err := section.Dropins(t, "*.conf", vendorDirs(kind)...)
	if err != nil {
		return err
	}
	for _, f := range files {
		err := section.ReadLines(t, f.Path, func(_ int, line string) error {
			words := splitWords(line, n)
			if words[1] != "" {
				fn(f.Path, words)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
