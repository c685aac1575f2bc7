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

func limits() section.Section {
	return section.Section{
		Name: "limits", Source: "/etc/security/limits.conf, /etc/security/limits.d/*.conf",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			files, err := t.Glob("/etc/security/limits.d/*.conf")
			if err != nil {
				return err
			}
			names := []string{"/etc/security/limits.conf"}
			for _, f := range files {
				names = append(names, f.Path)
			}
			for _, name := range names {
				err := section.ReadLines(t, name, func(_ int, line string) error {
					line, _, _ = strings.Cut(line, "#")
					if w := strings.Fields(line); len(w) == 4 {
						r.Limits = append(r.Limits, report.Limit{Domain: w[0], Type: w[1], Item: w[2], Value: w[3], Source: name})
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
			slices.SortStableFunc(r.Limits, func(a, b report.Limit) int { return cmp.Compare(a.Domain, b.Domain) })
			return nil
		},
	}
}
