package settings

import (
	"context"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func udevRules() section.Section {
	return section.Section{
		Name: "udev-rules", Source: "udev/rules.d/*.rules in /etc, /run, /usr/local/lib, /usr/lib, /lib", Oracle: "systemd-analyze cat-config",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			files, err := section.Dropins(t, "*.rules", vendorDirs("udev/rules.d")...)
			if err != nil {
				return err
			}
			for _, f := range files {
				u := report.UdevRules{Name: f.Name(), Source: f.Path}
				lines, err := joinedLines(t, f.Path)
				if err != nil {
					return err
				}
				u.Rules = len(lines)
				if strings.HasPrefix(f.Path, "/etc/") {
					u.Lines = lines
				}
				r.UdevRules = append(r.UdevRules, u)
			}
			return nil
		},
	}
}

// joinedLines are the lines of a file, those that end with a backslash joined
// with the next.
func joinedLines(t *tree.Tree, name string) ([]string, error) {
	var lines []string
	open := false
	err := section.ReadLines(t, name, func(_ int, line string) error {
		more := strings.HasSuffix(line, `\`)
		line = strings.TrimSuffix(line, `\`)
		if open {
			line = lines[len(lines)-1] + line
			lines = lines[:len(lines)-1]
		}
		if len(line) > section.MaxLine {
			more = false // a chain of joined lines stays bounded
		}
		lines, open = append(lines, line), more
		return nil
	})
	return lines, err
}
