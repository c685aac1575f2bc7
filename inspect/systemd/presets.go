package systemd

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func presets() section.Section {
	return section.Section{
		Name: "presets", Source: "*.preset in " + sourceOf(slices.Concat(presetDirs("system"), presetDirs("user"))),
		Oracle: "systemctl --root=TREE list-unit-files",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			for _, sc := range []scope{systemScope(), userScope()} {
				rules, err := readPresets(t, sc)
				r.Presets = append(r.Presets, rules...)
				if err != nil {
					return err
				}
			}
			if len(r.Presets) == 0 {
				return section.Absent("no preset file")
			}
			return nil
		},
	}
}

// readPresets reads the rules of a scope in the order in which they are asked.
// Lines that are no rule are left out, as systemd does.
func readPresets(t *tree.Tree, sc scope) ([]report.Preset, error) {
	files, err := section.Dropins(t, "*.preset", sc.presets...)
	if err != nil {
		return nil, err
	}
	var list []report.Preset
	for _, f := range files {
		err := section.ReadLines(t, f.Path, func(n int, line string) error {
			if rule, ok := parsePreset(line); ok {
				rule.File, rule.Line, rule.Path, rule.Scope = f.Name(), n, f.Path, sc.name
				list = append(list, rule)
			}
			return nil
		})
		if err != nil {
			return list, err
		}
	}
	return list, nil
}

// parsePreset reads one rule: systemd.preset(5).
func parsePreset(line string) (report.Preset, bool) {
	words := strings.Fields(line)
	if len(words) < 2 {
		return report.Preset{}, false
	}
	rule := report.Preset{Action: words[0], Pattern: words[1], Instances: words[2:]}
	switch words[0] {
	case "enable":
		// Instances are for templates.
		return rule, len(rule.Instances) == 0 || isTemplate(rule.Pattern)
	case "disable", "ignore":
		// To those the whole rest is the pattern, which then fits nothing.
		return rule, len(rule.Instances) == 0
	}
	return rule, false
}

// presetOf is what the rules say of a unit: enable, where none fits.
func presetOf(rules []report.Preset, name string) string {
	for _, r := range rules {
		if presetFits(r, name) {
			return map[string]string{"enable": "enabled", "disable": "disabled", "ignore": "ignored"}[r.Action]
		}
	}
	return "enabled"
}

// presetFits matches as fnmatch(3) does with FNM_NOESCAPE. A rule for instances fits these and no other.
func presetFits(r report.Preset, name string) bool {
	if len(r.Instances) > 0 && isInstance(name) && r.Pattern == templateOf(name) {
		return slices.Contains(r.Instances, instanceOf(name))
	}
	pattern := strings.NewReplacer(`\`, `\\`, "[!", "[^").Replace(r.Pattern)
	ok, err := path.Match(pattern, name)
	if err != nil { // an open bracket stands for itself
		return r.Pattern == name
	}
	return ok
}
