package settings

import (
	"context"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/shellvars"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func dracut() section.Section {
	return section.Section{
		Name: "dracut-conf", Source: "/etc/dracut.conf, dracut.conf.d/*.conf in /etc and /usr/lib/dracut", Oracle: "sh",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			dropins, err := section.Dropins(t, "*.conf", "/etc/dracut.conf.d", "/usr/lib/dracut/dracut.conf.d")
			if err != nil {
				return err
			}
			names := []string{"/etc/dracut.conf"}
			for _, f := range dropins {
				names = append(names, f.Path)
			}
			v := values{}
			for _, name := range names {
				if err := section.ReadLines(t, name, v.dracutLine(name)); err != nil {
					return err
				}
			}
			if len(v) == 0 {
				return section.Absent("no setting of dracut")
			}
			r.Dracut = v.sorted()
			return nil
		},
	}
}

// dracutLine reads name="value" and name+=" more ", which adds a word to what is
// there: dracut.conf(5).
func (v values) dracutLine(source string) func(int, string) error {
	return func(_ int, line string) error {
		name, value, ok := strings.Cut(line, "=")
		name, more := strings.CutSuffix(name, "+")
		if !ok || name == "" || strings.Trim(name, nameLetters) != "" {
			return nil // a script's line
		}
		// What the shell would not take either is a script's.
		if value, err := shellvars.Unquote(value); err == nil {
			value = strings.TrimSpace(value)
			if more {
				value = strings.TrimSpace(v[name].Value + " " + value)
			}
			v.set(name, value, source)
		}
		return nil
	}
}
