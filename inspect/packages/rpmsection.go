package packages

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func (c *catalogue) rpmSection() section.Section {
	return section.Section{
		Name: "rpm", Source: "every tag of the headers in rpm's database", Oracle: "rpm -qa --xml, rpm -qa --qf", Fill: c.fillRPM,
	}
}

func (c *catalogue) fillRPM(ctx context.Context, t *tree.Tree, r *report.Report) error {
	d := c.of(ctx, t, "rpm")
	r.RPM = d.rpm
	slices.SortStableFunc(r.RPM, func(a, b report.RPMPackage) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Version, b.Version),
			cmp.Compare(a.Release, b.Release))
	})
	return errors.Join(d.err, d.factsErr)
}
