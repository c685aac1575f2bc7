package build_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/assemblers"
	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/stages"
)

func nativeSteps() []step.Definition {
	list := stages.All()
	for _, d := range assemblers.All() {
		list = append(list, *d)
	}
	return list
}

// TestPlanIsComplete: of every manifest of upstream's the plan names each
// stage, input, device, mount and source that cannot be executed, and no more.
func TestPlanIsComplete(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(fixtures.Conformance(t), "manifests", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	planned := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := manifest.Read(data, filepath.Base(file))
		if err != nil {
			continue // there is nothing to plan; what is refused is tested elsewhere
		}
		planned++
		var exports []string
		for _, p := range m.Pipelines {
			exports = append(exports, p.Name)
		}
		plan, err := build.NewPlan(m, nativeSteps(), exports)
		got := missingOf(plan)
		want := missingIn(t, data)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the plan misses\n%s\nwant\n%s", filepath.Base(file), strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		for _, name := range want {
			_, word, _ := strings.Cut(name, " ")
			if err == nil || !strings.Contains(problemLines(err), word) {
				t.Errorf("%s: no problem names %s", filepath.Base(file), name)
			}
		}
	}
	if planned < len(files)*9/10 {
		t.Errorf("only %d of %d could be read", planned, len(files))
	}
}

func missingOf(p *build.Plan) []string {
	list := []string{}
	for _, m := range p.Missing {
		list = append(list, m.Kind+" "+m.Type)
	}
	slices.Sort(list)
	return list
}

func problemLines(err error) string {
	var b strings.Builder
	for _, p := range err.(manifest.Problems) {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

// missingIn finds the same in the raw document, by other means: every object
// with a "type" or a stage's "name" that is not among what can be executed.
func missingIn(t *testing.T, data []byte) []string {
	t.Helper()
	var doc rawDocument
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	w := &wanted{native: map[string]bool{}, found: map[string]bool{}, used: map[string]bool{}}
	for _, d := range nativeSteps() {
		w.native[string(d.Kind)+" "+d.Name] = true
	}
	for _, p := range doc.Pipelines {
		w.stages(p.Stages)
	}
	w.pipelineV1(doc.Pipeline, 0)
	w.sources(doc.Sources)
	list := []string{}
	for name := range w.found {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

type rawDocument struct {
	Pipelines []struct{ Stages []rawStage }
	Pipeline  *rawPipeline
	Sources   map[string]map[string]json.RawMessage
}

type rawPipeline struct {
	Build     struct{ Pipeline *rawPipeline }
	Stages    []rawStage
	Assembler *rawStage
}

type rawStage struct {
	Type, Name string
	Options    struct{ Packages json.RawMessage }
	Inputs     map[string]struct {
		Type, Origin string
		References   json.RawMessage
	}
	Devices map[string]struct{ Type string }
	Mounts  []struct{ Type string }
}

type wanted struct{ native, found, used map[string]bool }

func (w *wanted) add(kind, name string, can bool) {
	if !can && !w.native[kind+" "+name] {
		w.found[kind+" "+name] = true
	}
}

func (w *wanted) stages(list []rawStage) {
	for _, s := range list {
		w.add("stage", s.Type+s.Name, false)
		if s.Name != "" {
			w.use(s.Options.Packages)
		}
		for _, in := range s.Inputs {
			image := in.Type == "org.osbuild.containers" && in.Origin == "org.osbuild.source"
			w.add("input", in.Type, in.Type == "org.osbuild.files" || in.Type == "org.osbuild.tree" || image)
			if in.Origin == "org.osbuild.source" {
				w.use(in.References)
			}
		}
		for _, d := range s.Devices {
			w.add("device", d.Type, false)
		}
		for _, m := range s.Mounts {
			w.add("mount", m.Type, false)
		}
	}
}

func (w *wanted) pipelineV1(p *rawPipeline, depth int) {
	if p == nil {
		return
	}
	w.pipelineV1(p.Build.Pipeline, depth+1)
	w.stages(p.Stages)
	if p.Assembler != nil && depth == 0 {
		w.add("assembler", p.Assembler.Name, false)
	}
}

// use takes references in any of their forms: every string of them is an id,
// or nothing that a source has.
func (w *wanted) use(references json.RawMessage) {
	var any any
	_ = json.Unmarshal(references, &any)
	w.strings(any)
}

func (w *wanted) strings(v any) {
	switch v := v.(type) {
	case string:
		w.used[v] = true
	case []any:
		for _, x := range v {
			w.strings(x)
		}
	case map[string]any:
		for key, x := range v {
			w.used[key] = true
			w.strings(x)
		}
	}
}

// fetched are the sources whose items can be had.
var fetched = []string{
	"org.osbuild.curl", "org.osbuild.files", "org.osbuild.inline", "org.osbuild.librepo", "org.osbuild.skopeo", "org.osbuild.skopeo-index",
}

func (w *wanted) sources(sources map[string]map[string]json.RawMessage) {
	for name, source := range sources {
		var items map[string]json.RawMessage
		for _, key := range []string{"items", "urls", "commits"} {
			if source[key] != nil {
				_ = json.Unmarshal(source[key], &items)
			}
		}
		for id := range items {
			if w.used[id] {
				w.add("source", name, slices.Contains(fetched, name))
			}
		}
	}
}

// TestPlanRefusesEachType: whatever type the grammar has is refused by name,
// with its place, when it cannot be executed.
func TestPlanRefusesEachType(t *testing.T) {
	sum := "sha256:" + strings.Repeat("a", 64)
	source := func(name, item string) string {
		return fmt.Sprintf(`{"version": "2", "pipelines": [{"name": "p", "stages": [{"type": "test.read", "inputs": {"files": {"type": "org.osbuild.files",
			"origin": "org.osbuild.source", "references": [%q]}}}]}], "sources": {%q: {"items": {%q: %s}}}}`, sum, name, sum, item)
	}
	stage := func(part string) string {
		return `{"version": "2", "pipelines": [{"name": "q", "stages": [{"type": "test.noop"}]}, {"name": "p", "stages": [{"type": "test.noop", ` + part + `}]}]}`
	}
	image := `{"image": {"name": "n", "digest": "` + sum + `"}}`
	tests := map[string]struct{ doc, want string }{
		"loopback": {stage(`"devices": {"d": {"type": "org.osbuild.loopback", "options": {"filename": "x"}}}`), `pipelines[1].stages[0].devices.d: devices of type "org.osbuild.loopback" cannot be executed yet`},
		"luks2":    {stage(`"devices": {"d": {"type": "org.osbuild.luks2", "options": {"passphrase": "x"}}}`), `devices of type "org.osbuild.luks2" cannot`},
		"bind": {stage(`"mounts": [{"name": "m", "type": "org.osbuild.bind", "target": "tree:///x", "options": {"source": "y"}}]`),
			`pipelines[1].stages[0].mounts[0]: mounts of type "org.osbuild.bind" cannot be executed yet`},
		"ostree input": {stage(`"inputs": {"i": {"type": "org.osbuild.ostree", "origin": "org.osbuild.pipeline", "references": ["name:q"]}}`),
			`pipelines[1].stages[0].inputs.i: inputs of type "org.osbuild.ostree" cannot be executed yet; those of type org.osbuild.files, org.osbuild.tree and org.osbuild.containers can`},
		"image input": {stage(`"inputs": {"i": {"type": "org.osbuild.containers", "origin": "org.osbuild.pipeline", "references": {"name:q": {"name": "x"}}}}`),
			`pipelines[1].stages[0].inputs.i: inputs of type "org.osbuild.containers" from pipelines cannot be executed yet`},
		"image as file": {source("org.osbuild.skopeo", image), `is content for an input of type "org.osbuild.containers", this one is of type "org.osbuild.files"`},
		"ostree":        {source("org.osbuild.ostree", `{"remote": {"url": "http://x"}}`), `sources["org.osbuild.ostree"]: ostree commits cannot be fetched yet`},
		"storage":       {source("org.osbuild.containers-storage", `{}`), `sources["org.osbuild.containers-storage"]: the containers of this machine`},
		"secrets": {source("org.osbuild.curl", `{"url": "https://x/y", "secrets": {"name": "s"}}`),
			`sources["org.osbuild.curl"].items["` + sum + `"]: the secrets of "s"`},
		"scheme": {source("org.osbuild.curl", `"gopher://x/y"`), `the scheme "gopher" is none of`},
	}
	for name, tt := range tests {
		_, err := plan(t, tt.doc, "p")
		if err == nil || !strings.Contains(problemLines(err), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}
