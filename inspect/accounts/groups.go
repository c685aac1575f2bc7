package accounts

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

func groups() section.Section {
	return section.Section{
		Name: "groups", Source: "/etc/group", Oracle: "",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			data, err := t.ReadFile("/etc/group", section.MaxTable)
			if err != nil {
				return err
			}
			list, err := parseGroup(data)
			r.Groups = append(r.Groups, list...)
			if err != nil {
				return fmt.Errorf("/etc/group: %w", err)
			}
			return nil
		},
	}
}

// parseGroup reads the lines of group(5), sorted by name, members too: their
// order means nothing.
func parseGroup(data []byte) ([]report.Group, error) {
	var list []report.Group
	err := section.EachTableLine(data, func(_ int, line string) error {
		if line[0] == '+' || line[0] == '-' { // a directory service's
			return nil
		}
		f := strings.Split(line, ":")
		if len(f) != 4 {
			return fmt.Errorf("%d fields instead of 4", len(f))
		}
		gid, err := id(f[2])
		if err != nil {
			return fmt.Errorf("group %.60q: gid %w", f[0], err)
		}
		list = append(list, report.Group{Name: f[0], GID: gid, Members: names(f[3])})
		return nil
	})
	slices.SortStableFunc(list, func(a, b report.Group) int { return cmp.Compare(a.Name, b.Name) })
	return list, err
}
