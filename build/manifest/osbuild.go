package manifest

import (
	"github.com/assay-os/assay/build/manifest/grammar"
	"github.com/assay-os/assay/build/manifest/pyjson"
)

// CheckOptions compares the stages and assemblers of a document with what
// osbuild's of the same name take: osbuild gives no ids to a manifest whose
// options it would refuse. A name that osbuild does not have is passed over;
// whether it can be run is for [Validate] to say.
func CheckOptions(doc pyjson.Value) Problems {
	o := optionChecker{version: "1"}
	if v, ok := doc.Lookup("version"); ok {
		o.version = v.Text()
	}
	if o.version == "1" {
		pipeline, _ := doc.Lookup("pipeline")
		o.pipelineV1(pipeline, Path{"pipeline"})
	}
	pipelines, _ := doc.Lookup("pipelines")
	for i, p := range pipelines.Items() {
		o.stages(p, Path{"pipelines", i})
	}
	return distinct(o.problems)
}

type optionChecker struct {
	version  string
	problems Problems
}

// pipelineV1 takes the build pipelines inside of a pipeline too.
func (o *optionChecker) pipelineV1(p pyjson.Value, path Path) {
	if build, ok := p.Lookup("build"); ok {
		inner, _ := build.Lookup("pipeline")
		o.pipelineV1(inner, path.At("build", "pipeline"))
	}
	o.stages(p, path)
	if asm, ok := p.Lookup("assembler"); ok {
		o.step(asm, path.At("assembler"), grammar.Assembler)
	}
}

func (o *optionChecker) stages(p pyjson.Value, path Path) {
	stages, _ := p.Lookup("stages")
	for i, s := range stages.Items() {
		o.step(s, path.At("stages", i), grammar.Stage)
	}
}

// step checks the parts of one step. A part that is not there is not checked,
// not even for what it would have to hold: osbuild does not either.
func (o *optionChecker) step(s pyjson.Value, path Path, kind string) {
	key := "type"
	if o.version == "1" {
		key = "name"
	}
	name, _ := s.Lookup(key)
	module, err := grammar.Lookup(kind, name.Text())
	if err != nil {
		return
	}
	for _, part := range s.Members() {
		shape := module.Part(part.Key, o.version)
		switch {
		case len(o.problems) >= maxProblems:
			return
		case shape != nil:
			o.problems = append(o.problems, shape.Check(part.Value, path.At(part.Key))...)
		case part.Key == "inputs":
			o.problems = append(o.problems, Problem{Path: path, Message: name.Text() + " takes no inputs"})
		}
	}
}
