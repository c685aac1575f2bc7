package settings

import (
	"context"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func sysconfig() section.Section {
	return section.Section{
		Name: "sysconfig", Source: "/etc/sysconfig/*, /etc/default/*", Oracle: "sh",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			names, err := files(t, "/etc/sysconfig/*", "/etc/default/*")
			if err != nil {
				return err
			}
			if len(names) == 0 {
				return section.Absent("neither /etc/sysconfig nor /etc/default")
			}
			v := values{}
			for _, name := range names {
				if _, err := v.shell(t, name, base(name)); err != nil {
					return err
				}
			}
			r.Sysconfig = v.sorted()
			return nil
		},
	}
}

func environment() section.Section {
	return section.Section{
		Name: "environment", Source: "/etc/environment, /etc/environment.d/*.conf; the names in /etc/profile.d",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			v := values{}
			names, err := files(t, "/etc/environment", "/usr/lib/environment.d/*.conf", "/etc/environment.d/*.conf")
			if err != nil {
				return err
			}
			for _, name := range names {
				if _, err := v.shell(t, name, ""); err != nil {
					return err
				}
			}
			scripts, err := files(t, "/etc/profile.d/*")
			if err != nil {
				return err
			}
			for _, name := range scripts {
				if strings.HasSuffix(name, ".sh") || strings.HasSuffix(name, ".csh") {
					v.set(name, "(a script)", name)
				}
			}
			r.Environment = v.sorted()
			return nil
		},
	}
}
