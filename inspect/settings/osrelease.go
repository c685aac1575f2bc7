package settings

import (
	"context"
	"errors"
	"io/fs"
	"maps"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/shellvars"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func osRelease() section.Section {
	return section.Section{
		Name: "os-release", Source: "/etc/os-release, else /usr/lib/os-release", Oracle: "sh (. /etc/os-release)",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			const limit = 1 << 20
			name := "/etc/os-release"
			data, err := t.ReadFile(name, limit)
			if errors.Is(err, fs.ErrNotExist) {
				name = "/usr/lib/os-release"
				data, err = t.ReadFile(name, limit)
			}
			if err != nil {
				return err
			}
			vars, err := shellvars.Parse(data)
			maps.Copy(r.OSRelease, vars.Map)
			return section.Within(name, errors.Join(err, vars.Err()))
		},
	}
}
