package settings

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func timezone() section.Section {
	return section.Section{
		Name: "timezone", Source: "/etc/localtime, else /etc/timezone",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			f, err := t.Lstat("/etc/localtime")
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return debianTimezone(t, r)
			case err != nil:
				return err
			}
			// The zone is the link's words, whether or not it leads anywhere: localtime(5).
			if _, zone, ok := strings.Cut(string(f.Node.Target), "zoneinfo/"); ok {
				r.Timezone = zone
				return nil
			}
			r.Timezone = "a copy"
			return nil
		},
	}
}

func debianTimezone(t *tree.Tree, r *report.Report) error {
	data, err := t.ReadFile("/etc/timezone", section.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return section.Absent("no /etc/localtime: UTC")
	}
	if err != nil {
		return err
	}
	r.Timezone = strings.TrimSpace(string(data))
	return nil
}
