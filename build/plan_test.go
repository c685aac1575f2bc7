package build_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/step"
)

func plan(t *testing.T, document string, exports ...string) (*build.Plan, error) {
	t.Helper()
	m, err := manifest.Read([]byte(document), "manifest")
	if err != nil {
		t.Fatal(err)
	}
	return build.NewPlan(m, testSteps(), exports)
}

const threePipelines = `{"version": "2", "pipelines": [
	{"name": "build", "stages": [{"type": "test.noop"}]},
	{"name": "unused", "stages": [{"type": "no.such.stage"}]},
	{"name": "tree", "build": "name:build", "stages": [{"type": "test.noop"}, {"type": "test.noop"}]},
	{"name": "image", "build": "name:build", "stages": [{"type": "test.read", "inputs":
		{"tree": {"type": "org.osbuild.tree", "origin": "org.osbuild.pipeline", "references": ["name:tree"]}}}]}]%s}`

func TestPlanTakesWhatExportsNeed(t *testing.T) {
	tests := []struct {
		name, metadata string
		exports        []string
		want           string
	}{
		{"last by default", "", nil, "build tree image"},
		{"one", "", []string{"build"}, "build"},
		{"two", "", []string{"tree", "build", "tree"}, "build tree"},
		{"by metadata", `, "metadata": {"exports": [{"name": "tree"}]}`, nil, "build tree"},
	}
	for _, tt := range tests {
		p, err := plan(t, strings.Replace(threePipelines, "%s", tt.metadata, 1), tt.exports...)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var names []string
		for _, pl := range p.Pipelines {
			names = append(names, pl.Name)
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestVersion1(t *testing.T) {
	document := `{"pipeline": {"build": {"pipeline": {"stages": [{"name": "test.noop"}]}, "runner": "org.osbuild.linux"},
		"stages": [{"name": "test.noop"}]}}`
	p, err := plan(t, document)
	if err != nil || len(p.Pipelines) != 2 || p.Exports[0] != "tree" {
		t.Errorf("got %+v, %v", p, err)
	}
	m, err := manifest.Read([]byte(`{"pipeline": {"assembler": {"name": "test.pack"}, "stages": [{"name": "test.noop"}]}}`), "manifest")
	if err != nil {
		t.Fatal(err)
	}
	pack := step.Definition{Name: "test.pack", Kind: step.Assembler, Schema: []byte(anyOptions),
		Inputs: []step.InputDefinition{{Name: "tree", Type: "org.osbuild.tree", Required: true}}}
	p, err = build.NewPlan(m, append(testSteps(), pack), nil)
	if err != nil || p.Exports[0] != "assembler" || p.Steps()[1].Place() != "pipeline.assembler (test.pack)" {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestPlanRefuses(t *testing.T) {
	strict := step.Definition{Name: "test.strict", Kind: step.Stage,
		Schema: []byte(`{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "integer"}}}`),
		Inputs: []step.InputDefinition{{Name: "tree", Type: "org.osbuild.tree", Required: true, Summary: "what is packed"}}}
	odd := step.Definition{Name: "test.odd", Kind: step.Stage, Schema: []byte(anyOptions), Capabilities: []string{"CAP_EVERYTHING"}}
	tree := `"inputs": {"tree": {"type": "org.osbuild.tree", "origin": "org.osbuild.pipeline", "references": ["name:first"]}}`
	tests := []struct{ name, stage, want string }{
		{"unknown", `{"type": "test.nop"}`, `pipelines[1].stages[0]: unknown stage "test.nop"; did you mean "test.noop"?`},
		{"unknown, osbuild's", `{"type": "org.osbuild.sfdiks"}`, `unknown stage "org.osbuild.sfdiks"; did you mean "org.osbuild.sfdisk"?`},
		{"unknown, no other", `{"type": "xyzzy"}`, `unknown stage "xyzzy"; assay stages lists those that there are`},
		{"options", `{"type": "test.strict", "options": {"a": "x"}}`, `pipelines[1].stages[0].options.a: `},
		{"input missing", `{"type": "test.strict"}`, `the input "tree" (org.osbuild.tree) is missing: what is packed`},
		{"input not taken", `{"type": "test.noop", ` + tree + `}`, `test.noop takes no input "tree", and no other`},
		{"devices", `{"type": "test.noop", "devices": {"d": {"type": "org.osbuild.loopback", "options": {"filename": "x"}}}}`,
			`pipelines[1].stages[0].devices.d: devices of type "org.osbuild.loopback" cannot be executed yet`},
		{"capability", `{"type": "test.odd"}`, `"CAP_EVERYTHING", which is no capability`},
	}
	for _, tt := range tests {
		m, err := manifest.Read([]byte(`{"version": "2", "pipelines": [{"name": "first"}, {"name": "tree", "stages": [`+tt.stage+`]}]}`), "manifest")
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		_, err = build.NewPlan(m, append(testSteps(), strict, odd), nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	m, err := manifest.Read([]byte(withInputs), "manifest")
	if err != nil {
		t.Fatal(err)
	}
	m.Sources = nil
	_, err = build.NewPlan(m, testSteps(), nil)
	if want := `inputs.files: no source has "` + worldSHA + `"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("no source: got %v, want %q", err, want)
	}
	_, err = plan(t, strings.Replace(threePipelines, "%s", "", 1), "nothing")
	if err == nil || !strings.Contains(err.Error(), `there is no pipeline "nothing" to export`) {
		t.Errorf("unknown export: got %v", err)
	}
}

func TestPlanTellsEverything(t *testing.T) {
	_, err := plan(t, stagesOf(`{"type": "x"}`, `{"type": "test.noop"}`, `{"type": "y"}`))
	var problems manifest.Problems
	if !errors.As(err, &problems) || len(problems) != 2 {
		t.Errorf("got %v", err)
	}
}

// TestPlanFindsCycles: the reader refuses cycles, but not every manifest is
// read from a document.
func TestPlanFindsCycles(t *testing.T) {
	m := &manifest.Manifest{Version: "2", Pipelines: []*manifest.Pipeline{{Name: "a", Build: "b"}, {Name: "b", Build: "a"}}}
	_, err := build.NewPlan(m, nil, []string{"a"})
	if err == nil || !strings.Contains(err.Error(), "a → b → a") {
		t.Errorf("got %v", err)
	}
	if _, err := build.NewPlan(&manifest.Manifest{Version: "2"}, nil, nil); err == nil {
		t.Error("a manifest without pipelines was planned")
	}
}
