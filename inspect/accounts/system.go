package accounts

import (
	"cmp"
	"context"
	"slices"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// passwdSystem are the accounts that nss-altfiles(5) finds on systems of OSTree.
func passwdSystem() section.Section {
	return section.Section{
		Name: "passwd-system", Source: "/usr/lib/passwd",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			data, err := t.ReadFile("/usr/lib/passwd", section.MaxTable)
			if err != nil {
				return err
			}
			r.PasswdSystem, err = parsePasswd(data)
			slices.SortStableFunc(r.PasswdSystem, func(a, b report.User) int { return cmp.Compare(a.Name, b.Name) })
			return section.Within("/usr/lib/passwd", err)
		},
	}
}

func groupsSystem() section.Section {
	return section.Section{
		Name: "groups-system", Source: "/usr/lib/group",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			data, err := t.ReadFile("/usr/lib/group", section.MaxTable)
			if err != nil {
				return err
			}
			r.GroupsSystem, err = parseGroup(data)
			return section.Within("/usr/lib/group", err)
		},
	}
}

// skel are the names in the model of a home directory: useradd(8).
func skel() section.Section {
	return section.Section{
		Name: "skel", Source: "/etc/skel",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			dir, err := t.Lookup("/etc/skel")
			if err != nil {
				return err
			}
			for _, f := range t.Below(dir)[1:] {
				name := f.Path[len(dir.Path)+1:]
				if f.Node.Type == report.Directory {
					name += "/"
				}
				r.Skel = append(r.Skel, name)
			}
			return dir.Node.Err
		},
	}
}
