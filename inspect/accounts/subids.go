package accounts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func subids() section.Section {
	return section.Section{
		Name: "subids", Source: "/etc/subuid, /etc/subgid",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			owners := map[string]*report.SubIDs{}
			of := func(name string) *report.SubIDs {
				if owners[name] == nil {
					owners[name] = &report.SubIDs{Owner: name}
				}
				return owners[name]
			}
			err1 := readSubIDs(t, "/etc/subuid", func(name string, x report.IDRange) { of(name).UIDs = append(of(name).UIDs, x) })
			err2 := readSubIDs(t, "/etc/subgid", func(name string, x report.IDRange) { of(name).GIDs = append(of(name).GIDs, x) })
			for _, name := range slices.Sorted(maps.Keys(owners)) {
				r.Subids = append(r.Subids, *owners[name])
			}
			if errors.Is(err1, fs.ErrNotExist) && errors.Is(err2, fs.ErrNotExist) {
				return err1
			}
			return errors.Join(unless(err1), unless(err2))
		},
	}
}

// unless makes what is not there no error.
func unless(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// readSubIDs gives the lines "owner:start:count" of subuid(5).
func readSubIDs(t *tree.Tree, name string, add func(owner string, x report.IDRange)) error {
	data, err := t.ReadFile(name, section.MaxTable)
	if err != nil {
		return err
	}
	var bad []error
	err = section.EachTableLine(data, func(n int, line string) error {
		f := strings.Split(line, ":")
		if len(f) != 3 {
			bad = append(bad, fmt.Errorf("line %d: %d fields instead of 3", n, len(f)))
			return nil
		}
		start, err1 := strconv.ParseUint(f[1], 10, 64)
		count, err2 := strconv.ParseUint(f[2], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			bad = append(bad, fmt.Errorf("line %d: %.60q is no range", n, f[1]+":"+f[2]))
		} else {
			add(f[0], report.IDRange{Start: start, Count: count})
		}
		return nil
	})
	return section.Within(name, firstOf(bad, err))
}
