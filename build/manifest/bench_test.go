package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// BenchmarkIDs is what "assay manifest ids" does for one manifest of
// upstream's, on average: read, compute the ids, hold options to what osbuild
// takes. Osbuild's own --inspect takes 0.6 s of CPU and more.
func BenchmarkIDs(b *testing.B) {
	docs := realManifests(b)
	for i := 0; b.Loop(); i++ {
		doc, err := pyjson.Parse(docs[i%len(docs)])
		if err != nil {
			b.Fatal(err)
		}
		Load(doc)
		CheckOptions(doc)
	}
}

// BenchmarkStages shows how reading grows with the number of stages.
func BenchmarkStages(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		doc := manyStages(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := Read(doc, "m"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCompare compares two manifests of 10,000 stages, one of them with
// one stage more in the middle.
func BenchmarkCompare(b *testing.B) {
	doc := manyStages(10_000)
	a := mustLoad(b, string(doc))
	other := strings.Replace(string(doc), `{"n": 5000}}`, `{"n": 5000}}, {"type": "org.osbuild.noop", "options": {"new": true}}`, 1)
	c := mustLoad(b, other)
	for b.Loop() {
		if changes := Compare(a, c); len(changes) != 1 {
			b.Fatalf("%d changes", len(changes))
		}
	}
}

func manyStages(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"version": "2", "pipelines": [{"name": "p", "stages": [`)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `{"type": "org.osbuild.noop", "options": {"n": %d}}`, i)
	}
	b.WriteString(`]}]}`)
	return []byte(b.String())
}
