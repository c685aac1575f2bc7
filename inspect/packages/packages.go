package packages

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func packages() section.Section {
	return section.Section{
		Name: "packages", Source: "/var/lib/dpkg/status, /var/lib/dpkg/status.d; rpmdb.sqlite with its log, Packages.db or Packages in /usr/lib/sysimage/rpm, /var/lib/rpm, /usr/share/rpm", Oracle: "dpkg-query -W, rpm -qa",
		Fill: inspectPackages,
	}
}

// inspectPackages asks every package manager: an image may have more than one.
func inspectPackages(ctx context.Context, t *tree.Tree, r *report.Report) error {
	missing := 0
	var trouble error
	managers := []func(context.Context, *tree.Tree, *report.Report) error{dpkg, rpm}
	for _, m := range managers {
		err := m(ctx, t, r)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing++
		case err != nil:
			trouble = errors.Join(trouble, err)
		}
	}
	slices.SortStableFunc(r.Packages, func(a, b report.Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Version, b.Version))
	})
	if trouble == nil && missing == len(managers) {
		return section.Absent("no dpkg status and no rpm database")
	}
	return trouble
}
