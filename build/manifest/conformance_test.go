package manifest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

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
			m, err := Read(data, name)
			if len(want.Invalid) > 0 {
				if err == nil {
					t.Fatal("osbuild refuses it")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			sameIDs(t, m, want)
		})
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
