package privileges

import (
	"context"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// setID are the bits of setuid and setgid.
const setID = 0o6000

// privileged lists regular files only: on a directory the bits give nobody rights.
func privileged() section.Section {
	return section.Section{
		Name: "privileged", Source: "mode and owner of each regular file; /etc/passwd, /etc/group", Oracle: "find -type f -perm /6000",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			users, groups := map[uint32]string{}, map[uint32]string{}
			for _, u := range r.Users {
				keepFirst(users, u.UID, u.Name)
			}
			for _, g := range r.Groups {
				keepFirst(groups, g.GID, g.Name)
			}
			for i := range t.Files {
				f := &t.Files[i]
				if n := f.Node; n.Type == report.File && n.Mode&setID != 0 {
					r.Privileged = append(r.Privileged, report.PrivilegedFile{
						Path: report.Raw(f.Path), Mode: n.Mode, UID: n.UID, GID: n.GID,
						User: users[n.UID], Group: groups[n.GID], Package: n.Package,
					})
				}
			}
			return nil
		},
	}
}

// keepFirst names an id by the first of its names.
func keepFirst(names map[uint32]string, id uint32, name string) {
	if _, known := names[id]; !known {
		names[id] = name
	}
}
