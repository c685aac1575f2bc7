package systemd

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func units(s *shared) section.Section {
	return section.Section{
		Name: "units", Source: "unit files in " + sourceOf(systemScope().dirs) + ", and systemd's presets",
		Oracle: "systemctl --root=TREE list-unit-files",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) (err error) {
			r.Units, err = s.list(t, systemScope())
			return err
		},
	}
}

func userUnits(s *shared) section.Section {
	return section.Section{
		Name: "user-units", Source: "unit files in " + sourceOf(userScope().dirs) + ", and systemd's presets",
		Oracle: "systemctl --root=TREE --global list-unit-files",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) (err error) {
			r.UserUnits, err = s.list(t, userScope())
			return err
		},
	}
}

// list describes the units of a scope. The error is the first of a unit that could not be read.
func (s *shared) list(t *tree.Tree, sc scope) ([]report.Unit, error) {
	l, err := s.of(t, sc)
	if err != nil {
		return nil, err
	}
	if len(l.names) == 0 {
		return nil, section.Absent("no unit in any of " + sourceOf(sc.dirs))
	}
	rules, err := readPresets(t, sc)
	if err != nil {
		return nil, err
	}
	var list []report.Unit
	var trouble error
	for _, name := range slices.Sorted(maps.Keys(l.names)) {
		u, err := l.describe(name)
		if err != nil {
			trouble = cmp.Or(trouble, err)
			continue
		}
		if hasPreset(u.State) {
			u.Preset = presetOf(rules, name)
		}
		list = append(list, u)
	}
	return list, trouble
}

// hasPreset tells whether systemctl tells of presets for a unit in a state.
func hasPreset(state string) bool {
	return !slices.Contains([]string{"static", "alias", "generated"}, state)
}

func (l *library) describe(name string) (report.Unit, error) {
	out := report.Unit{Name: name, Path: l.names[name].Path, Type: path.Ext(name)[1:]}
	u, err := l.unit(name)
	if err != nil {
		return out, err
	}
	if out.State, err = l.stateOf(name); err != nil || u.state != loaded {
		return out, err
	}
	if out.State == "alias" {
		out.Of = u.name
		return out, nil
	}
	out.Description = u.last("Unit", "Description")
	out.WantedBy, out.RequiredBy, out.UpheldBy = u.list("Install", "WantedBy"), u.list("Install", "RequiredBy"), u.list("Install", "UpheldBy")
	out.Aliases, out.Also = u.list("Install", "Alias"), u.list("Install", "Also")
	out.Dropins, out.Problems = u.dropins, u.problems
	if out.Type == "service" {
		out.ServiceType, out.User = u.last("Service", "Type"), u.last("Service", "User")
		out.ExecStart = u.conf.List("Service", "ExecStart")
	}
	return out, nil
}
