package packages

import (
	"cmp"
	"context"
	"slices"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func (c *catalogue) packages() section.Section {
	return section.Section{
		Name: "packages", Source: "/var/lib/dpkg/status, /var/lib/dpkg/status.d; rpmdb.sqlite with its log, Packages.db or Packages in /usr/lib/sysimage/rpm, " +
			"/var/lib/rpm, /usr/share/rpm; /lib/apk/db/installed; /var/lib/pacman/local; /var/lib/flatpak",
		Oracle: "dpkg-query -W, rpm -qa, pacman -Q, flatpak list", Fill: c.fillPackages,
	}
}

// fillPackages asks every package manager: an image may have more than one.
func (c *catalogue) fillPackages(ctx context.Context, t *tree.Tree, r *report.Report) error {
	c.load(ctx, t)
	for _, d := range c.read {
		r.Packages = append(r.Packages, d.packages...)
	}
	slices.SortStableFunc(r.Packages, func(a, b report.Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Version, b.Version))
	})
	c.owned.mark()
	found, err := c.trouble()
	if !found {
		return section.Absent("no database of dpkg, rpm, apk, pacman or flatpak")
	}
	return err
}
