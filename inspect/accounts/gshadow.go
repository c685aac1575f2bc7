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

func gshadow(hashes bool) section.Section {
	return section.Section{
		Name: "gshadow", Source: gshadowFile,
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			var err error
			r.Gshadow, err = gshadowLines(t)
			for i := range r.Gshadow {
				if !hashes {
					r.Gshadow[i].Hash = ""
				}
			}
			return err
		},
	}
}

// gshadowLines reads gshadow(5), sorted by name.
func gshadowLines(t *tree.Tree) ([]report.GshadowEntry, error) {
	data, err := t.ReadFile(gshadowFile, section.MaxTable)
	if err != nil {
		return nil, err
	}
	var list []report.GshadowEntry
	var bad []error
	err = section.EachTableLine(data, func(n int, line string) error {
		f := strings.Split(line, ":")
		if len(f) != 4 {
			bad = append(bad, fmt.Errorf("line %d: %d fields instead of 4", n, len(f)))
			return nil
		}
		e := report.GshadowEntry{Name: f[0], Hash: f[1], Admins: names(f[2]), Members: names(f[3])}
		e.State, e.Algorithm = hashState(f[1])
		list = append(list, e)
		return nil
	})
	slices.SortStableFunc(list, func(a, b report.GshadowEntry) int { return cmp.Compare(a.Name, b.Name) })
	return list, section.Within(gshadowFile, firstOf(bad, err))
}

// names are those of a list with commas, sorted: their order means nothing.
func names(list string) []string {
	var out []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
