package build

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/step"
)

// A Plan is the part of a manifest that a build needs, in an order in which
// every pipeline comes after those that it uses.
type Plan struct {
	Manifest *manifest.Manifest
	// Exports are names of pipelines, each once.
	Exports   []string
	Pipelines []*Pipeline
	// HostDependent is true when a step runs in the host's /usr.
	HostDependent bool
	// Missing is what the exports need of the grammar and nobody can execute
	// yet, in the order of its first place. There are problems then.
	Missing []Missing
}

// A Pipeline is a pipeline of the manifest with what is known of its steps.
type Pipeline struct {
	*manifest.Pipeline
	// Build is the pipeline whose output the steps run in, nil for the host.
	Build *Pipeline
	Steps []*Step
}

// Epoch is the time that the outputs of the pipeline's steps may carry.
func (p *Pipeline) Epoch() int64 {
	if p.SourceEpoch != nil {
		return *p.SourceEpoch
	}
	return DefaultEpoch
}

// A Step is a step of the manifest with its definition.
type Step struct {
	*manifest.Step
	Definition *step.Definition
	Pipeline   *Pipeline
	Index      int
	Root       RootKind
}

// A RootKind is what a step finds as its root file system.
type RootKind string

// The kinds of root file systems. [NoRoot] has no /usr: a native step that
// runs no tools needs none.
const (
	BuildRoot RootKind = "build"
	HostRoot  RootKind = "host"
	NoRoot    RootKind = "none"
)

// Place is how the step is named to people: "pipelines[1].stages[3]
// (org.osbuild.hostname)".
func (s *Step) Place() string { return fmt.Sprintf("%s (%s)", s.Path, s.Type) }

// Steps are all steps of the plan, in order.
func (p *Plan) Steps() []*Step {
	var steps []*Step
	for _, pl := range p.Pipelines {
		steps = append(steps, pl.Steps...)
	}
	return steps
}

// DefaultExports are the names that are exported when none is asked for:
// those that the manifest's metadata lists, else the last pipeline, which in
// a version 1 document is the assembler where there is one.
func DefaultExports(m *manifest.Manifest) []string {
	if names := metadataExports(m); len(names) > 0 {
		return names
	}
	if n := len(m.Pipelines); n > 0 {
		return []string{m.Pipelines[n-1].Name}
	}
	return nil
}

// NewPlan plans what exports need; with none, [DefaultExports]. The error is
// [manifest.Problems]: everything that keeps the plan from being executed.
func NewPlan(m *manifest.Manifest, definitions []step.Definition, exports []string) (*Plan, error) {
	if len(exports) == 0 {
		exports = DefaultExports(m)
	}
	p := &planner{definitions: definitions, plan: &Plan{Manifest: m}, done: map[string]*Pipeline{}, checked: map[string]bool{},
		validators: map[*step.Definition]func(json.RawMessage) []step.Problem{}}
	p.byName = map[string]*manifest.Pipeline{}
	for _, pl := range m.Pipelines {
		p.byName[pl.Name] = pl
		p.names = append(p.names, pl.Name)
	}
	p.contents()
	for _, name := range exports {
		p.export(name)
	}
	if len(p.plan.Exports) == 0 && len(p.problems) == 0 {
		p.fail(nil, "the manifest has no pipeline: there is nothing to build")
	}
	p.plan.markHost()
	return p.plan, p.problems.Err()
}

type planner struct {
	definitions []step.Definition
	plan        *Plan
	byName      map[string]*manifest.Pipeline
	names       []string
	// done are the pipelines that are planned; one that is being planned is nil.
	done    map[string]*Pipeline
	way     []string
	content map[string]content
	checked map[string]bool
	// validators are those of the definitions that were met.
	validators map[*step.Definition]func(options json.RawMessage) []step.Problem
	problems   manifest.Problems
}

func (p *planner) fail(path manifest.Path, format string, args ...any) {
	p.problems = append(p.problems, manifest.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (p *planner) export(name string) {
	if p.byName[name] == nil {
		p.fail(nil, "there is no pipeline %q to export%s", name, p.pipelineHint(name))
		return
	}
	if slices.Contains(p.plan.Exports, name) {
		return
	}
	p.plan.Exports = append(p.plan.Exports, name)
	p.pipeline(name, nil)
}

func (p *planner) pipelineHint(name string) string {
	if near := step.Nearest(name, p.names); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return "; there are " + strings.Join(p.names, ", ")
}

// pipeline plans the pipeline called name, which path refers to, after those
// that it uses. It is nil when it cannot be planned.
func (p *planner) pipeline(name string, path manifest.Path) *Pipeline {
	if pl, seen := p.done[name]; seen {
		if pl == nil {
			p.fail(path, "the pipelines use each other: %s", strings.Join(append(p.way, name), " → "))
		}
		return pl
	}
	from := p.byName[name]
	if from == nil {
		p.fail(path, "there is no pipeline %q%s", name, p.pipelineHint(name))
		return nil
	}
	p.done[name] = nil
	p.way = append(p.way, name)
	pl := &Pipeline{Pipeline: from}
	if from.Build != "" {
		pl.Build = p.pipeline(from.Build, from.Path.At("build"))
	}
	for i, s := range from.Steps {
		pl.Steps = append(pl.Steps, p.step(pl, i, s))
	}
	p.way = p.way[:len(p.way)-1]
	p.done[name] = pl
	p.plan.Pipelines = append(p.plan.Pipelines, pl)
	return pl
}

// markHost finds out whether the host's /usr can reach the outputs. It does
// through every pipeline without a build pipeline, as for osbuild, with one
// exception: a build pipeline has none itself, and its steps that need no
// tools run in no root file system at all.
func (p *Plan) markHost() {
	roots := map[*Pipeline]bool{}
	for _, pl := range p.Pipelines {
		roots[pl.Build] = true
	}
	for _, pl := range p.Pipelines {
		for _, s := range pl.Steps {
			s.Root = BuildRoot
			if !usesHost(pl) {
				continue
			}
			s.Root = HostRoot
			if roots[pl] && s.Definition != nil && len(s.Definition.Tools) == 0 {
				s.Root = NoRoot
			}
			p.HostDependent = p.HostDependent || s.Root == HostRoot
		}
	}
}
