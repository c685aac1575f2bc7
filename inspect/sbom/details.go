package sbom

import "github.com/assay-os/assay/report"

// details are what the managers' own sections say of packages, by the package.
type details struct{ r *report.Report }

func detailsOf(r *report.Report) *details { return &details{r} }

// fill adds to an item what is known beside its name.
func (d *details) fill(*item) {}
