package network

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/section/shellvars"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func ifcfg() section.Section {
	return section.Section{
		Name: "ifcfg", Source: "/etc/sysconfig/network, /etc/sysconfig/network-scripts, or SUSE's /etc/sysconfig/network/", Oracle: "sh (. FILE)",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			c := &report.Ifcfg{}
			main, dir := "/etc/sysconfig/network", "/etc/sysconfig/network-scripts"
			if f, err := t.Lookup(main); err == nil && f.Node.Type == report.Directory {
				main, dir = main+"/config", main
			}
			err := errors.Join(unless(readVars(t, main, &c.Network, c)), ifcfgFiles(t, dir, c))
			if err == nil && c.Network == nil && len(c.Interfaces)+len(c.Others) == 0 {
				return section.Absent("no /etc/sysconfig/network and no ifcfg-*")
			}
			r.Ifcfg = c
			return err
		},
	}
}

// unless makes what is not there no error.
func unless(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// readVars reads shell variables, secrets left out.
func readVars(t *tree.Tree, name string, into *map[string]string, c *report.Ifcfg) error {
	data, err := t.ReadFile(name, section.MaxConfig)
	if err != nil {
		return err
	}
	vars, err := shellvars.Parse(data)
	for _, p := range vars.Problems {
		c.Problems = section.AddProblem(c.Problems, place(name, p.Line, errors.New(p.Text)))
	}
	for key, value := range vars.Map {
		vars.Map[key] = secret.Value(key, value)
	}
	*into = vars.Map
	return section.Within(name, err)
}

func ifcfgFiles(t *tree.Tree, dir string, c *report.Ifcfg) error {
	files, err := t.ReadDir(dir)
	if err != nil {
		return unless(err)
	}
	for _, f := range files {
		kind, name, ok := strings.Cut(f.Name(), "-")
		switch {
		case !ok || f.Node.Type == report.Directory:
		case kind == "route" || kind == "route6" || kind == "rule" || kind == "rule6" || kind == "keys" || kind == "ifroute":
			c.Others = append(c.Others, f.Path)
		case kind == "ifcfg":
			i := report.IfcfgInterface{Name: name, Path: f.Path}
			if err := readVars(t, f.Path, &i.Values, c); err != nil {
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				return err
			}
			c.Interfaces = append(c.Interfaces, i)
		}
	}
	return nil
}
