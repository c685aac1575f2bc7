package build

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/manifest/pyjson"
	"github.com/assay-os/assay/build/source"
	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/fixtures"
)

// subject is the pipeline of the step whose key is looked at.
const subject = "subject"

// A leafVisit is told of one leaf of a document: where it stands, the document
// changed there, and how to put it back.
type leafVisit func(path string, restore func())

// leavesOf changes every leaf below v one after the other: values, names of
// members that are free, the order of arrays. Set replaces v itself.
func leavesOf(path string, v any, set func(any), visit leafVisit) {
	change := func(path string, to any) {
		set(to)
		visit(path, func() { set(v) })
	}
	switch x := v.(type) {
	case map[string]any:
		if len(x) == 0 {
			change(path, map[string]any{"x": true})
		}
		for _, name := range slices.Sorted(maps.Keys(x)) {
			leavesOf(path+"."+name, x[name], func(to any) { x[name] = to }, visit)
			if !free(path) {
				continue
			}
			value := x[name]
			delete(x, name)
			x[name+"x"] = value
			visit(path+"."+name+" (name)", func() { delete(x, name+"x"); x[name] = value })
		}
	case []any:
		arrayLeaves(path, x, change, visit)
	case string:
		if strings.HasPrefix(x, "name:") {
			change(path, "name:other")
			return
		}
		change(path, x+"x")
	case json.Number:
		change(path, nextNumber(x))
	case bool:
		change(path, !x)
	case nil:
		change(path, true)
	}
}

func arrayLeaves(path string, x []any, change func(string, any), visit leafVisit) {
	if len(x) == 0 {
		change(path, []any{"x"})
	}
	if len(x) > 1 && text(x[0]) != text(x[1]) {
		x[0], x[1] = x[1], x[0]
		visit(path+" (order)", func() { x[0], x[1] = x[1], x[0] })
	}
	for i := range x {
		leavesOf(path+"["+strconv.Itoa(i)+"]", x[i], func(to any) { x[i] = to }, visit)
	}
}

// free says that the names in the object at path are the document's own.
func free(path string) bool {
	return strings.Contains(path, ".options") || regexp.MustCompile(`\.(inputs|devices|references)$`).MatchString(path)
}

func nextNumber(n json.Number) json.Number {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return json.Number(strconv.FormatInt(i+1, 10))
	}
	return "7.25"
}

// A sample is one step in a small document of its own, beside pipelines that
// stand for those that it refers to.
type sample struct {
	where string
	doc   map[string]any
	step  map[string]any
	// at is where the step's pipeline is after loading.
	pipeline string
}

func sampleV2(where string, stage map[string]any) *sample {
	noop := []any{map[string]any{"type": "org.osbuild.noop"}}
	pipelines := []any{}
	for _, name := range slices.Sorted(maps.Keys(pipelinesIn(stage, map[string]bool{"root": true, "other": true}))) {
		pipelines = append(pipelines, map[string]any{"name": name, "runner": "org.osbuild.linux", "stages": noop})
	}
	pipelines = append(pipelines, map[string]any{
		"name": subject, "build": "name:root", "source-epoch": json.Number("5"), "stages": []any{stage},
	})
	return &sample{where, map[string]any{"version": "2", "pipelines": pipelines}, stage, subject}
}

// pipelinesIn finds "name:X" wherever it stands, as a value or as a name.
func pipelinesIn(v any, found map[string]bool) map[string]bool {
	switch x := v.(type) {
	case map[string]any:
		for name, value := range x {
			pipelinesIn(name, found)
			pipelinesIn(value, found)
		}
	case []any:
		for _, value := range x {
			pipelinesIn(value, found)
		}
	case string:
		if name, ok := strings.CutPrefix(x, "name:"); ok {
			found[name] = true
		}
	}
	return found
}

func sampleV1(where string, stage map[string]any, assembler bool) *sample {
	noop := map[string]any{"stages": []any{map[string]any{"name": "org.osbuild.noop"}}}
	pipeline := map[string]any{"build": map[string]any{"pipeline": noop, "runner": "org.osbuild.linux"}, "stages": noop["stages"]}
	name := "assembler"
	if assembler {
		pipeline["assembler"] = stage
	} else {
		pipeline["stages"], name = []any{stage}, "tree"
	}
	return &sample{where, map[string]any{"pipeline": pipeline}, stage, name}
}

// key is the key of the sample's step as it is now; "" where the document does
// not hold the step any more.
func (s *sample) key(t *testing.T) string {
	t.Helper()
	data, err := json.Marshal(s.doc)
	if err != nil {
		t.Fatal(err)
	}
	v, err := pyjson.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := manifest.Load(v)
	keys := keysOf(t, m)
	for i, p := range m.Pipelines {
		if p.Name == s.pipeline && len(keys[i]) == 1 {
			return keys[i][0]
		}
	}
	return ""
}

// keysOf are the keys of a manifest's steps, without a build: the tree before
// every step is the empty one, the output of every pipeline one of its own.
func keysOf(t *testing.T, m *manifest.Manifest) [][]string {
	t.Helper()
	r := &run{Builder: &Builder{Architecture: "amd64", Implementation: "i", HostMark: "h"}, trees: map[string]store.Tree{}}
	r.catalog = source.NewCatalog(m.Sources)
	pipelines := map[string]*Pipeline{}
	keys := make([][]string, len(m.Pipelines))
	for i, from := range m.Pipelines {
		r.trees[from.Name] = store.Tree{Digest: fmt.Sprintf("tree %d", i)}
		p := &Pipeline{Pipeline: from, Build: pipelines[from.Build]}
		pipelines[from.Name] = p
		root := BuildRoot
		if p.Build == nil {
			root = HostRoot
		}
		for n, s := range from.Steps {
			digest, err := r.key(&Step{Step: s, Pipeline: p, Index: n, Root: root}, store.EmptyTree()).Digest()
			if err != nil {
				t.Fatalf("%s: %v", s.Path, err)
			}
			keys[i] = append(keys[i], digest)
		}
	}
	return keys
}

// TestEveryLeafCounts changes every leaf of every step. The key must change, or
// the step must be gone from the document, which no build accepts then.
func TestEveryLeafCounts(t *testing.T) {
	leaves, steps := 0, 0
	for _, s := range samples(t) {
		before := s.key(t)
		if before == "" {
			t.Fatalf("%s: the step is not in its document", s.where)
		}
		steps++
		leavesOf("", s.step, func(any) {}, func(path string, restore func()) {
			leaves++
			if s.key(t) == before {
				t.Errorf("%s: a change of %s leaves the key", s.where, path)
			}
			restore()
		})
		if s.key(t) != before {
			t.Fatalf("%s: the test does not put back what it changes", s.where)
		}
	}
	t.Logf("%d leaves of %d different steps", leaves, steps)
	if leaves < 100 {
		t.Errorf("only %d leaves", leaves)
	}
}

// TestEveryReferenceCounts changes every reference of every input in the model,
// where the longest lists are: thousands of packages.
func TestEveryReferenceCounts(t *testing.T) {
	fixtures.RequireFull(t)
	count := 0
	for name, m := range manifests(t) {
		r := &run{Builder: &Builder{}, catalog: source.NewCatalog(m.Sources), trees: map[string]store.Tree{}}
		for _, p := range m.Pipelines {
			r.trees[p.Name] = store.Tree{Digest: p.Name}
			for _, s := range p.Steps {
				before := text(r.keyInputs(&Step{Step: s}))
				for _, in := range s.Inputs {
					for i, ref := range in.References {
						for _, to := range []manifest.Reference{{ID: ref.ID + "x", Options: ref.Options}, {ID: ref.ID, Options: json.RawMessage(`{"x":1}`)}} {
							count++
							in.References[i] = to
							if text(r.keyInputs(&Step{Step: s})) == before {
								t.Errorf("%s: %s: the change of reference %d to %v leaves the key", name, in.Path, i, to)
							}
						}
						in.References[i] = ref
					}
				}
			}
		}
	}
	t.Logf("%d changes", count)
}

// TestPipelineLeaves changes what a manifest says beside its steps. It counts
// for the steps that it reaches.
func TestPipelineLeaves(t *testing.T) {
	count := map[string]int{}
	for name, m := range manifests(t) {
		before := keysOf(t, m)
		check := func(what string, i int, reaches func(j int) bool) {
			count[what]++
			for j, keys := range keysOf(t, m) {
				if changed := text(keys) != text(before[j]); changed != (reaches(j) && len(keys) > 0) {
					t.Errorf("%s: a change of the %s of pipelines[%d] changes the keys in pipelines[%d]: %v", name, what, i, j, changed)
				}
			}
		}
		for i, p := range m.Pipelines {
			itself := func(j int) bool { return j == i }
			built := func(j int) bool { return m.Pipelines[j].Build == p.Name || j == i && p.Build == "" }
			runner, epoch, build := p.Runner, p.SourceEpoch, p.Build
			p.Runner += "x"
			check("runner", i, built)
			p.Runner, p.SourceEpoch = runner, new(int64)
			check("source epoch", i, itself)
			p.SourceEpoch = epoch
			if build != "" {
				p.Build = ""
				check("build pipeline", i, itself)
			}
			p.Build = build
			rename(m, p, p.Name+"x")
			check("name", i, func(int) bool { return false })
			rename(m, p, strings.TrimSuffix(p.Name, "x"))
		}
		moveSources(m)
		check("URLs", 0, func(int) bool { return false })
	}
	t.Log(count)
}

// rename gives p another name, everywhere.
func rename(m *manifest.Manifest, p *manifest.Pipeline, name string) {
	for _, q := range m.Pipelines {
		if q.Build == p.Name {
			q.Build = name
		}
		for _, s := range q.Steps {
			for _, in := range s.Inputs {
				for i, ref := range in.References {
					if ref.ID == "name:"+p.Name && in.Origin == manifest.FromPipeline {
						in.References[i].ID = "name:" + name
					}
				}
			}
		}
	}
	p.Name = name
}

// moveSources changes every place that content is fetched from, and what
// proves who may: all strings but the digests of images.
func moveSources(m *manifest.Manifest) {
	move := func(raw json.RawMessage) json.RawMessage {
		return regexp.MustCompile(`("(?:url|name|path|mirror)": ?"|^")`).ReplaceAll(raw, []byte("${1}moved/"))
	}
	for _, s := range m.Sources {
		s.Options = move(s.Options)
		for i := range s.Items {
			s.Items[i].Value = move(s.Items[i].Value)
		}
	}
}

// TestSurroundings: what the machine and the program add to a key counts.
func TestSurroundings(t *testing.T) {
	m := manifests(t)["everything"]
	step := &Step{Step: m.Pipelines[2].Steps[0], Root: BuildRoot}
	step.Pipeline = &Pipeline{Pipeline: m.Pipelines[2], Build: &Pipeline{Pipeline: m.Pipelines[0]}}
	seen := map[string]string{}
	for name, change := range map[string]func(*run, *Step, *store.Tree){
		"nothing":                   func(*run, *Step, *store.Tree) {},
		"the architecture":          func(r *run, _ *Step, _ *store.Tree) { r.Architecture = "arm64" },
		"the implementation":        func(r *run, _ *Step, _ *store.Tree) { r.Implementation = "j" },
		"the build root":            func(r *run, _ *Step, _ *store.Tree) { r.trees["root"] = store.Tree{Digest: "other"} },
		"an input's tree":           func(r *run, _ *Step, _ *store.Tree) { r.trees["data"] = store.Tree{Digest: "other"} },
		"the tree before":           func(_ *run, _ *Step, base *store.Tree) { base.Digest = "other" },
		"no root":                   func(_ *run, s *Step, _ *store.Tree) { s.Root = NoRoot },
		"the host's root":           func(_ *run, s *Step, _ *store.Tree) { s.Root = HostRoot },
		"another host's root":       func(r *run, s *Step, _ *store.Tree) { s.Root, r.HostMark = HostRoot, "other" },
		"an assembler of that name": func(_ *run, s *Step, _ *store.Tree) { as := *s.Step; as.Assembler = true; s.Step = &as },
	} {
		r := &run{Builder: &Builder{Architecture: "amd64", Implementation: "i", HostMark: "h"}, catalog: source.NewCatalog(nil),
			trees: map[string]store.Tree{"root": {Digest: "root"}, "data": {Digest: "data"}}}
		s, base := *step, store.EmptyTree()
		change(r, &s, &base)
		digest, err := r.key(&s, base).Digest()
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[digest]; twice {
			t.Errorf("%s gives the key of %s", name, other)
		}
		seen[digest] = name
	}
}
