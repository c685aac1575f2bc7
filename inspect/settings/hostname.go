package settings

import (
	"context"
	"fmt"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func hostname() section.Section {
	return section.Section{
		Name: "hostname", Source: "/etc/hostname",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			data, err := t.ReadFile("/etc/hostname", section.MaxConfig)
			if err != nil {
				return err
			}
			// The first line that is no comment is the name: hostname(5).
			err = section.EachTableLine(data, func(_ int, line string) error {
				if r.Hostname == "" {
					r.Hostname = line
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("/etc/hostname: %w", err)
			}
			return nil
		},
	}
}
