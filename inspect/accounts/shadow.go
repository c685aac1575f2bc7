package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// The files that hold hashes.
const (
	shadowFile  = "/etc/shadow"
	gshadowFile = "/etc/gshadow"
)

func shadow(hashes bool) section.Section {
	return section.Section{
		Name: "shadow", Source: shadowFile, Oracle: "chage --root TREE --list, passwd --root TREE --status",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) (err error) {
			r.Shadow, err = shadowLines(t)
			for i := range r.Shadow {
				if !hashes {
					r.Shadow[i].Hash = ""
				}
			}
			return err
		},
	}
}

// shadowLines gives the entries with their hashes, sorted by name. Lines that are no entry
// are an error, and the others are read all the same, as getspent(3) does.
func shadowLines(t *tree.Tree) ([]report.ShadowEntry, error) {
	data, err := t.ReadFile(shadowFile, section.MaxTable)
	if err != nil {
		return nil, err
	}
	var list []report.ShadowEntry
	var bad []error
	err = section.EachTableLine(data, func(n int, line string) error {
		if line[0] == '+' || line[0] == '-' { // a directory service's
			return nil
		}
		e, err := shadowEntry(line)
		if err != nil {
			bad = append(bad, fmt.Errorf("line %d: %w", n, err))
			return nil
		}
		list = append(list, e)
		return nil
	})
	slices.SortStableFunc(list, func(a, b report.ShadowEntry) int { return cmp.Compare(a.Name, b.Name) })
	return list, section.Within(shadowFile, firstOf(bad, err))
}

// firstOf is the first error of many lines, and how many more there are.
func firstOf(bad []error, err error) error {
	switch len(bad) {
	case 0:
		return err
	case 1:
		return errors.Join(bad[0], err)
	}
	return errors.Join(fmt.Errorf("%w, and %d more lines", bad[0], len(bad)-1), err)
}

func shadowEntry(line string) (report.ShadowEntry, error) {
	f := strings.Split(line, ":")
	if len(f) < 2 || len(f) > 9 {
		return report.ShadowEntry{}, fmt.Errorf("%d fields instead of 9", len(f))
	}
	e := report.ShadowEntry{Name: f[0], Hash: f[1]}
	e.State, e.Algorithm = hashState(f[1])
	days := []**int64{&e.Changed, &e.Min, &e.Max, &e.Warn, &e.Inactive, &e.Expire}
	for i, field := range f[2:min(len(f), 8)] {
		if field == "" {
			continue
		}
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return e, fmt.Errorf("user %.60q: %.20q is no number of days", f[0], field)
		}
		if n >= 0 { // -1 is written for "none", too
			*days[i] = &n
		}
	}
	return e, nil
}

// hashState tells what a password field lets happen, and which hash it holds, also
// behind a mark that locks it.
func hashState(field string) (state, algorithm string) {
	bare := strings.TrimLeft(field, "!*")
	switch s := passwordState(bare); {
	case field == "":
		return "none", ""
	case bare == "" || s == "locked":
		return "locked", ""
	case bare != field:
		return "locked", s
	default:
		return "password", s
	}
}
