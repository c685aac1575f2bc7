package diff

import (
	"fmt"
	"testing"

	"github.com/assay-os/assay/report"
)

// BenchmarkCompare compares two reports of 100,000 files that differ in one.
func BenchmarkCompare(b *testing.B) {
	large := func() *report.Report {
		entries := make([]report.Entry, 100_000)
		for i := range entries {
			entries[i] = file(fmt.Sprintf("/usr/share/%06d", i), fmt.Sprintf("%064x", i), 0)
		}
		return tree(entries...)
	}
	x, y := large(), large()
	y.Files[777].Mode = 0o600
	for b.Loop() {
		if r := Compare(x, y); r.Verdict != Different {
			b.Fatal(r.Verdict)
		}
	}
}
