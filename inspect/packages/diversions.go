package packages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func diversionsSection() section.Section {
	return section.Section{Name: "diversions", Source: "/var/lib/dpkg/diversions", Oracle: "dpkg-divert --list", Fill: fillDiversions}
}

func fillDiversions(_ context.Context, t *tree.Tree, r *report.Report) error {
	if _, err := t.Lookup(dpkgDir + "/diversions"); err != nil {
		return err
	}
	all, err := diversions(t)
	for _, d := range all {
		r.Diversions = append(r.Diversions, d)
	}
	slices.SortFunc(r.Diversions, func(a, b report.Diversion) int { return cmp.Compare(a.From, b.From) })
	return err
}

// diversions reads the triples of lines: from, to, the package that diverted, ":" for none. They
// are where dpkg puts a file that another package took the place of: dpkg-divert(1).
func diversions(t *tree.Tree) (map[string]report.Diversion, error) {
	data, err := t.ReadFile(dpkgDir+"/diversions", section.MaxTable)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m := map[string]report.Diversion{}
	var triple []string
	err = section.EachLine(data, func(_ int, line string) error {
		if triple = append(triple, line); len(triple) < 3 {
			return nil
		}
		d := report.Diversion{From: report.Raw(triple[0]), To: report.Raw(triple[1]), By: text(triple[2])}
		if d.By == ":" {
			d.By = ""
		}
		m[triple[0]] = d
		triple = triple[:0]
		return nil
	})
	if err == nil && len(triple) > 0 {
		err = errors.New("its last record has less than three lines")
	}
	if err != nil {
		return m, fmt.Errorf("%s/diversions: %w", dpkgDir, err)
	}
	return m, nil
}
