package systemd

import (
	"context"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// bootTarget is what systemd starts first, unless the kernel's command line says otherwise.
const bootTarget = "default.target"

func defaultTarget(s *shared) section.Section {
	return section.Section{
		Name: "default-target", Source: "default.target in the directories of units", Oracle: "systemctl --root=TREE get-default",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			l, err := s.of(t, systemScope())
			if err != nil {
				return err
			}
			u, err := l.unit(bootTarget)
			if err != nil {
				return err
			}
			if u.entry == nil {
				return section.Absent("no " + bootTarget + " in any of " + sourceOf(systemScope().dirs))
			}
			r.DefaultTarget = u.name
			return nil
		},
	}
}
