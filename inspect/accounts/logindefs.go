package accounts

import (
	"context"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func loginDefs() section.Section {
	return section.Section{
		Name: "login-defs", Source: "/etc/login.defs",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) (err error) {
			// A name, white space, and a value that may stand in quotes: login.defs(5).
			r.LoginDefs, err = readPairs(t, "/etc/login.defs", func(line string) (string, string) {
				name, value, _ := cutSpace(line)
				return name, strings.Trim(value, " \t\"")
			})
			return err
		},
	}
}

func nsswitch() section.Section {
	return section.Section{
		Name: "nsswitch", Source: "/etc/nsswitch.conf",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) (err error) {
			// "database: sources", a comment after them allowed: nsswitch.conf(5).
			r.Nsswitch, err = readPairs(t, "/etc/nsswitch.conf", func(line string) (string, string) {
				line, _, _ = strings.Cut(line, "#")
				name, value, _ := strings.Cut(line, ":")
				return strings.TrimSpace(name), strings.Join(strings.Fields(value), " ")
			})
			return err
		},
	}
}

// readPairs reads a file of one name and value a line; the last of a name counts.
func readPairs(t *tree.Tree, name string, split func(line string) (name, value string)) (map[string]string, error) {
	data, err := t.ReadFile(name, section.MaxConfig)
	if err != nil {
		return nil, err
	}
	pairs := map[string]string{}
	err = section.EachTableLine(data, func(_ int, line string) error {
		if key, value := split(line); key != "" {
			pairs[key] = value
		}
		return nil
	})
	return pairs, section.Within(name, err)
}

// cutSpace splits at the first white space.
func cutSpace(s string) (before, after string, found bool) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.TrimLeft(s[i:], " \t"), true
}
