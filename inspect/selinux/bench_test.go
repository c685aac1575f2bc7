package selinux_test

import (
	"context"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/selinux"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// BenchmarkSections fills both sections from a labelled Debian system.
func BenchmarkSections(b *testing.B) {
	on := treetest.Open(b, fixtures.LabelledTree(b))
	b.ReportMetric(float64(len(on.Files)), "files")
	for i, name := range []string{"selinux", "selinux-mismatches"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := selinux.Sections()[i].Fill(context.Background(), on, &report.Report{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
