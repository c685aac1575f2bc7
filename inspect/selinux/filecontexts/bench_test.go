package filecontexts

import (
	"testing"

	"github.com/assay-os/assay/report"
)

// debianPolicy is where the Debian policy is installed.
const debianPolicy = "/etc/selinux/default/contexts/files/file_contexts"

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		load(b, debianPolicy, Until37)
	}
}

// BenchmarkLookup looks up 100,000 paths of this machine with a new matcher.
func BenchmarkLookup(b *testing.B) {
	paths := realPaths(b, 1)
	paths = paths[:min(len(paths), 100_000)]
	b.ReportMetric(float64(len(paths)), "paths")
	for _, policy := range []struct {
		name  string
		rules Rules
	}{{"until37", Until37}, {"since38", Since38}} {
		b.Run(policy.name, func(b *testing.B) {
			set := load(b, debianPolicy, policy.rules)
			for b.Loop() {
				m := set.Matcher()
				for _, path := range paths {
					if _, err := m.Lookup(path, report.File); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
