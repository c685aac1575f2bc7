package packages

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func statoverrides() section.Section {
	return section.Section{Name: "statoverrides", Source: "/var/lib/dpkg/statoverride", Oracle: "dpkg-statoverride --list", Fill: fillStatOverrides}
}

// fillStatOverrides reads lines of "USER GROUP MODE PATH".
func fillStatOverrides(_ context.Context, t *tree.Tree, r *report.Report) error {
	data, err := t.ReadFile(dpkgDir+"/statoverride", section.MaxTable)
	if err != nil {
		return err
	}
	err = section.EachLine(data, func(_ int, line string) error {
		fields := strings.SplitN(line, " ", 4)
		if len(fields) != 4 || !strings.HasPrefix(fields[3], "/") {
			return fmt.Errorf("%.60q is not a user, a group, a mode and a path", line)
		}
		r.StatOverrides = append(r.StatOverrides, report.StatOverride{
			Path: report.Raw(fields[3]), User: text(fields[0]), Group: text(fields[1]), Mode: text(fields[2]),
		})
		return nil
	})
	slices.SortStableFunc(r.StatOverrides, func(a, b report.StatOverride) int { return cmp.Compare(a.Path, b.Path) })
	if err != nil {
		return fmt.Errorf("%s/statoverride: %w", dpkgDir, err)
	}
	return nil
}
