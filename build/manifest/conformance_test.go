package manifest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/manifest/pyjson"
	"github.com/assay-os/assay/fixtures"
)

// A verdict is what osbuild says of one manifest: ids.json.
type verdict struct {
	Version   string
	Pipelines map[string][][2]string
	Invalid   []struct {
		Path    []any
		Message string
	}
}

func TestConformance(t *testing.T) {
	dir := fixtures.Conformance(t)
	data, err := os.ReadFile(filepath.Join(dir, "ids.json"))
	if err != nil {
		t.Fatal(err)
	}
	var verdicts map[string]verdict
	if err := json.Unmarshal(data, &verdicts); err != nil {
		t.Fatal(err)
	}
	if len(verdicts) == 0 {
		t.Fatal("ids.json is empty")
	}
	for name, want := range verdicts {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, "manifests", name))
			if err != nil {
				t.Fatal(err)
			}
			doc, err := pyjson.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			m, problems := Load(doc)
			problems = append(problems, CheckOptions(doc)...)
			if len(want.Invalid) > 0 {
				samePlaces(t, problems, want)
				return
			}
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			sameIDs(t, m, want)
		})
	}
}

// samePlaces requires a problem at or below every place where
// osbuild reports one.
func samePlaces(t *testing.T, problems Problems, want verdict) {
	t.Helper()
	for _, x := range want.Invalid {
		var path Path
		for _, step := range x.Path {
			if f, ok := step.(float64); ok {
				step = int(f)
			}
			path = append(path, step)
		}
		below := func(p Problem) bool { return strings.HasPrefix(p.Path.String(), path.String()) }
		if !slices.ContainsFunc(problems, below) {
			t.Errorf("no problem at %s: osbuild says %s", path, x.Message)
		}
	}
}

func sameIDs(t *testing.T, m *Manifest, want verdict) {
	t.Helper()
	if m.Version != want.Version || len(m.Pipelines) != len(want.Pipelines) {
		t.Fatalf("version %s with %d pipelines, want %s with %d", m.Version, len(m.Pipelines), want.Version, len(want.Pipelines))
	}
	for _, p := range m.Pipelines {
		steps := want.Pipelines[p.Name]
		if len(steps) != len(p.Steps) {
			t.Fatalf("%s has %d steps, want %d", p.Name, len(p.Steps), len(steps))
		}
		for i, s := range p.Steps {
			if got := [2]string{s.Type, s.ID}; got != steps[i] {
				t.Errorf("%s[%d] is %v, want %v", p.Name, i, got, steps[i])
			}
		}
	}
}
