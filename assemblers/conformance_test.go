package assemblers

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
)

// Options that upstream's manifests hold are valid, or refused because
// something is not supported, never because they are misunderstood.
func TestUpstreamOptions(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(fixtures.Conformance(t), "manifests", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	valid := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var m upstream
		if json.Unmarshal(text, &m) != nil {
			continue // what is no manifest at all is tested elsewhere
		}
		for _, s := range m.steps() {
			for _, p := range s.problems(t) {
				if !strings.Contains(p.Message, "support") && !strings.Contains(p.Message, "a random one would") {
					t.Errorf("%s: %s: %s", filepath.Base(name), s.name, p)
				}
			}
			valid++
		}
	}
	if valid < 20 {
		t.Errorf("only %d steps were looked at", valid)
	}
	t.Logf("%d steps", valid)
}

// upstream is what this test needs of a manifest of either version.
type upstream struct {
	Pipelines []struct {
		Stages []struct {
			Type    string
			Options json.RawMessage
		}
	}
	Pipeline struct {
		Assembler struct {
			Name    string
			Options json.RawMessage
		}
	}
}

type upstreamStep struct {
	kind    step.Kind
	name    string
	options json.RawMessage
}

func (m upstream) steps() []upstreamStep {
	var out []upstreamStep
	ours := map[string]bool{"org.osbuild.qemu": true, "org.osbuild.tar": true, "org.osbuild.xz": true, "org.osbuild.gzip": true, "org.osbuild.zstd": true, "org.osbuild.rawfs": true}
	for _, p := range m.Pipelines {
		for _, s := range p.Stages {
			if ours[s.Type] {
				out = append(out, upstreamStep{step.Stage, s.Type, s.Options})
			}
		}
	}
	if a := m.Pipeline.Assembler; ours[a.Name] {
		out = append(out, upstreamStep{step.Assembler, a.Name, a.Options})
	}
	return out
}

func (s upstreamStep) problems(t *testing.T) []step.Problem {
	t.Helper()
	return definition(t, s.kind, s.name).Validate(s.options)
}
