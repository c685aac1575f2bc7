package configfiles_test

import (
	"context"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/configfiles"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// BenchmarkFill reads the configuration files of a Debian system.
func BenchmarkFill(b *testing.B) {
	img, err := image.Open(context.Background(), fixtures.DebianTree(b), image.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer img.Close()
	_, tree, err := inspect.WithTree(context.Background(), img, inspect.Options{NoHash: true, Sections: []string{"files"}})
	if err != nil {
		b.Fatal(err)
	}
	section := configfiles.Sections()[0]
	for b.Loop() {
		var r report.Report
		if s := section.Run(context.Background(), tree, &r); s.Status != report.OK {
			b.Fatal(s.Reason)
		}
	}
}
