package manifest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/build/manifest/pyjson"
	"github.com/assay-os/assay/fixtures"
)

// FuzzRead: every document gives a model or an error that says where, twice
// the same, and nothing of it breaks what works on models.
func FuzzRead(f *testing.F) {
	seeds, err := filepath.Glob("testdata/seeds/*.json")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range seeds {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(data, "fuzz")
		again, err2 := Read(data, "fuzz")
		if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("once %v, once %v", err, err2)
		}
		if err != nil {
			explained(t, err)
			return
		}
		for i, p := range m.Pipelines {
			if p.ID() != again.Pipelines[i].ID() {
				t.Fatal("two ids of one document")
			}
		}
		Validate(m, nil)
		Lint(m)
		if changes := Compare(m, again); len(changes) > 0 {
			t.Fatalf("two meanings of one document: %v", changes)
		}
		if m.Version == "1" {
			if text, err := Upgrade(m); err == nil {
				mustLoad(t, string(text))
			} else {
				explained(t, err)
			}
		}
		NewGraph(m).DOT()
		doc, err := pyjson.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		CheckOptions(doc)
	})
}

// explained requires a place or a position, and that the place can be read back.
func explained(t *testing.T, err error) {
	var problems Problems
	var syntax *pyjson.SyntaxError
	if !errors.As(err, &problems) && !errors.As(err, &syntax) {
		t.Fatalf("error %v is neither", err)
	}
	if errors.As(err, &problems) && len(problems) == 0 {
		t.Fatal("an error without a problem")
	}
	for _, p := range problems {
		if p.Message == "" {
			t.Fatalf("a problem without words at %s", p.Path)
		}
	}
}

// BenchmarkRead is the time for one manifest of upstream's, on average.
func BenchmarkRead(b *testing.B) {
	docs := realManifests(b)
	size := 0
	for _, data := range docs {
		size += len(data)
	}
	b.SetBytes(int64(size / len(docs)))
	for i := 0; b.Loop(); i++ {
		m, err := Read(docs[i%len(docs)], "m.json")
		if err == nil && m == nil {
			b.Fatal("neither model nor error")
		}
	}
}

// realManifests are the contents of upstream's manifests.
func realManifests(b *testing.B) [][]byte {
	b.Helper()
	names, err := filepath.Glob(filepath.Join(fixtures.Conformance(b), "manifests", "*.json"))
	if err != nil || len(names) == 0 {
		b.Fatalf("no manifests: %v", err)
	}
	var docs [][]byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		docs = append(docs, data)
	}
	return docs
}
