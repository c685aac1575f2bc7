package systemd

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func services(s *shared) section.Section {
	return section.Section{
		Name: "services", Source: sourceOf(systemScope().dirs), Oracle: "systemctl --root=TREE list-unit-files, get-default",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			l, err := s.of(t, systemScope())
			if err != nil {
				return err
			}
			if len(l.names) == 0 {
				return section.Absent("no unit in any of " + sourceOf(systemScope().dirs))
			}
			trouble := l.sort(&r.Services)
			u, err := l.unit(bootTarget)
			if err == nil && u.entry != nil {
				r.Services.DefaultTarget = u.name
			}
			return cmp.Or(trouble, err)
		},
	}
}

// sort puts the names of units into the lists of their states. The error is the first of a unit
// that could not be read; the others are sorted.
func (l *library) sort(out *report.Services) error {
	var trouble error
	for _, name := range slices.Sorted(maps.Keys(l.names)) {
		state, err := l.stateOf(name)
		trouble = cmp.Or(trouble, err)
		switch state {
		case "masked", "masked-runtime":
			out.Masked = append(out.Masked, name)
		case "enabled", "enabled-runtime":
			out.Enabled = append(out.Enabled, name)
		case "disabled":
			out.Disabled = append(out.Disabled, name)
		}
	}
	return trouble
}
