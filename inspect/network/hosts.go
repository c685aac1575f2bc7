package network

import (
	"context"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func hosts() section.Section {
	return section.Section{
		Name: "hosts", Source: "/etc/hosts", Oracle: "getent hosts",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			data, err := t.ReadFile("/etc/hosts", section.MaxTable)
			if err != nil {
				return err
			}
			h := &report.Hosts{}
			r.Hosts = h
			return section.Within("/etc/hosts", section.EachLine(data, func(_ int, line string) error {
				if line = strings.TrimSpace(line); line == "" {
					return nil
				}
				h.Lines = append(h.Lines, line)
				text, _, _ := strings.Cut(line, "#")
				if f := strings.Fields(text); len(f) > 1 {
					h.Entries = append(h.Entries, report.Host{Address: f[0], Names: f[1:]})
				}
				return nil
			}))
		},
	}
}
