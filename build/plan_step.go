package build

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/manifest/grammar"
	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/build/step"
)

// The types of inputs that can be shown to a step.
const (
	filesInput      = "org.osbuild.files"
	treeInput       = "org.osbuild.tree"
	containersInput = "org.osbuild.containers"
)

// withoutDevices is what to do where a step asks for devices or mounts.
const withoutDevices = "a step that writes images without them, as dev.assay.disk, can be"

// step plans one step and reports everything that keeps it from being run.
func (p *planner) step(pl *Pipeline, index int, s *manifest.Step) *Step {
	planned := &Step{Step: s, Pipeline: pl, Index: index}
	planned.Definition = p.definition(s)
	if planned.Definition != nil {
		p.options(planned)
		p.inputs(planned)
	}
	for _, in := range s.Inputs {
		p.content1(in)
	}
	for _, d := range s.Devices {
		p.lack("device", d.Type, d.Path, "devices of type %q cannot be executed yet; "+withoutDevices, d.Type)
	}
	for _, m := range s.Mounts {
		p.lack("mount", m.Type, m.Path, "mounts of type %q cannot be executed yet; "+withoutDevices, m.Type)
	}
	return planned
}

func kindOf(s *manifest.Step) step.Kind {
	if s.Assembler {
		return step.Assembler
	}
	return step.Stage
}

func (p *planner) definition(s *manifest.Step) *step.Definition {
	kind := kindOf(s)
	d := find(p.definitions, s.Type, kind)
	if d == nil {
		if reason := manifest.Foreign(s); reason != "" {
			p.lack(string(kind), s.Type, s.Path, "%s", reason)
			return nil
		}
		var names []string
		for _, d := range p.definitions {
			if d.Kind == kind {
				names = append(names, d.Name)
			}
		}
		hint := manifest.SuggestStep(s, names)
		if hint == "" {
			hint = "; assay stages lists those that there are"
		}
		p.fail(s.Path, "unknown %s %q%s", kind, s.Type, hint)
		return nil
	}
	for _, name := range d.Capabilities {
		if !sandbox.KnownCapability(name) {
			p.fail(s.Path, "%s asks for %q, which is no capability", s.Type, name)
		}
	}
	return d
}

func (p *planner) options(s *Step) {
	validate := p.validators[s.Definition]
	if validate == nil {
		validate = s.Definition.Validator()
		p.validators[s.Definition] = validate
	}
	for _, problem := range validate(s.Options) {
		below, err := grammar.ParsePath(problem.Path)
		if err != nil {
			p.fail(s.Path, "%s", problem)
			continue
		}
		p.fail(s.Path.At(below...), "%s", problem.Message)
	}
}

// inputs compares a step's inputs with those that its definition takes.
func (p *planner) inputs(s *Step) {
	takes := s.Definition.Inputs
	for _, in := range s.Inputs {
		i := slices.IndexFunc(takes, func(d step.InputDefinition) bool { return d.Name == in.Name || d.Name == step.AnyInput })
		switch {
		case i < 0:
			p.fail(in.Path, "%s takes no input %q%s", s.Type, in.Name, takenInputs(takes))
		case takes[i].Type != in.Type && takes[i].Type != "":
			p.fail(in.Path, "the input is of type %q, %s takes %q", in.Type, s.Type, takes[i].Type)
		}
	}
	for _, d := range takes {
		given := slices.ContainsFunc(s.Inputs, func(in *manifest.Input) bool { return in.Name == d.Name || d.Name == step.AnyInput })
		if d.Required && !given {
			p.fail(s.Path, "the input %q (%s) is missing: %s", d.Name, d.Type, d.Summary)
		}
	}
}

func takenInputs(takes []step.InputDefinition) string {
	var names []string
	for _, d := range takes {
		names = append(names, d.Name)
	}
	if names == nil {
		return ", and no other"
	}
	return "; it takes " + strings.Join(names, ", ")
}

// content1 plans what one input refers to.
func (p *planner) content1(in *manifest.Input) {
	switch {
	case in.Type != filesInput && in.Type != treeInput && in.Type != containersInput:
		p.lack("input", in.Type, in.Path, "inputs of type %q cannot be executed yet; those of type %s, %s and %s can",
			in.Type, filesInput, treeInput, containersInput)
		p.references(in)
	case in.Origin == manifest.FromPipeline && in.Type == containersInput:
		p.lack("input", in.Type, in.Path, "inputs of type %q from pipelines cannot be executed yet; those from a registry (%q) can", in.Type, manifest.FromSource)
		p.references(in)
	case in.Origin == manifest.FromPipeline:
		p.pipelineInput(in)
	case in.Type == treeInput:
		p.fail(in.Path, "a tree comes from a pipeline (%q), not from %q", manifest.FromPipeline, in.Origin)
	default:
		p.references(in)
	}
}

func (p *planner) pipelineInput(in *manifest.Input) {
	if len(in.References) != 1 {
		p.fail(in.Path, "the input refers to %d pipelines; exactly one can be shown", len(in.References))
		return
	}
	name, ok := pipelineName(in.References[0].ID)
	if !ok {
		p.fail(in.Path, `the reference %q is not written "name:PIPELINE"`, in.References[0].ID)
		return
	}
	p.pipeline(name, in.Path)
	if in.Type == filesInput && fileOption(in.References[0].Options) == "" {
		p.fail(in.Path, `the reference has no option "file" with the path of a file in the pipeline's output`)
	}
}

func pipelineName(reference string) (string, bool) {
	return strings.CutPrefix(reference, "name:")
}

// fileOption is the file that a files input takes from a pipeline, relative.
func fileOption(options json.RawMessage) string {
	var o struct {
		File string `json:"file"`
	}
	if len(options) == 0 || json.Unmarshal(options, &o) != nil {
		return ""
	}
	return strings.TrimLeft(o.File, "/")
}

// metadataExports are the names in the manifest's metadata.exports.
func metadataExports(m *manifest.Manifest) []string {
	var md struct {
		Exports []struct {
			Name string `json:"name"`
		} `json:"exports"`
	}
	if len(m.Metadata) == 0 || json.Unmarshal(m.Metadata, &md) != nil {
		return nil
	}
	var names []string
	for _, e := range md.Exports {
		names = append(names, e.Name)
	}
	return names
}
