package manifest

import (
	"strings"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// The names that a version 1 document's pipelines get: osbuild's formats/v1.py.
const (
	treeV1      = "tree"
	buildV1     = "build"
	assemblerV1 = "assembler"
)

// documentV1 reads a version 1 document: one pipeline, whose build pipelines
// stand inside of it, with an assembler.
func (l *loader) documentV1(v pyjson.Value) {
	o, _ := l.object(v, nil, "pipeline", "sources")
	pipeline, _ := o.lookup("pipeline", pyjson.Object)
	if pipeline.Kind() != pyjson.Object {
		pipeline = pyjson.NewObject(nil)
	}
	build := l.pipelineV1(pipeline, Path{"pipeline"}, 0)
	if asm, ok := pipeline.Lookup("assembler"); ok {
		l.assembler(asm, build)
	}
	for _, m := range o.members("sources") {
		l.sourceV1(m, Path{"sources", m.Key})
	}
}

// pipelineV1 reads a pipeline after the build pipelines inside of it, and
// returns the build pipeline's id as its steps' ids cover it.
func (l *loader) pipelineV1(v pyjson.Value, path Path, depth int) []byte {
	p := &Pipeline{Name: treeV1, Path: path}
	if depth > 0 {
		p.Name = strings.TrimPrefix(strings.Repeat("-"+buildV1, depth), "-")
	}
	build := idOrNull("")
	o, ok := l.object(v, path, "build", "stages", "assembler")
	if !ok {
		return build
	}
	if b, ok := o.v.Lookup("build"); ok {
		build = l.buildV1(b, path.At("build"), depth+1, p)
	}
	for i, s := range o.list("stages") {
		l.stageV1(s, path.At("stages", i), p, build)
	}
	// osbuild checks the assembler of a build pipeline and never runs it.
	if asm, ok := o.v.Lookup("assembler"); ok && depth > 0 {
		l.step(asm, path.At("assembler"))
	}
	l.pipelines[p.Name] = p
	l.m.Pipelines = append(l.m.Pipelines, p)
	return build
}

// buildV1 reads a build object, sets p's Build, and returns its pipeline's id.
// An empty pipeline there means the host, with the runner that is named.
func (l *loader) buildV1(v pyjson.Value, path Path, depth int, p *Pipeline) []byte {
	o, ok := l.object(v, path, "pipeline", "runner")
	if !ok {
		return idOrNull("")
	}
	runner := o.name("runner")
	l.checkRunner(runner, path.At("runner"))
	pipeline, ok := o.lookup("pipeline", pyjson.Object)
	if !ok {
		if _, wrong := o.v.Lookup("pipeline"); !wrong {
			l.fail(path, `"pipeline" is missing`)
		}
		return idOrNull("")
	}
	if !pipeline.True() {
		p.Runner = runner
		return idOrNull("")
	}
	l.pipelineV1(pipeline, path.At("pipeline"), depth)
	built := l.m.Pipelines[len(l.m.Pipelines)-1]
	built.Runner = runner
	if built.ID() != "" {
		p.Build = built.Name
	}
	return idOrNull(built.ID())
}

// step reads what a stage and an assembler have in common.
func (l *loader) step(v pyjson.Value, path Path) (*Step, object, bool) {
	o, ok := l.object(v, path, "name", "options")
	if !ok {
		return nil, o, false
	}
	return &Step{Type: o.name("name"), Options: o.options(), Path: path}, o, true
}

func (l *loader) stageV1(v pyjson.Value, path Path, p *Pipeline, build []byte) {
	s, o, ok := l.step(v, path)
	if !ok {
		return
	}
	options, _ := o.v.Lookup("options")
	switch s.Type {
	case "org.osbuild.rpm":
		l.rpmInput(s, options, path)
	case "org.osbuild.ostree":
		l.ostreeInput(s, options, path)
	}
	s.ID = stepID(s, build, idOrNull(p.ID()), nil)
	p.Steps = append(p.Steps, s)
}

// assembler makes the pipeline of one step that takes the tree as its input.
func (l *loader) assembler(v pyjson.Value, build []byte) {
	path := Path{"pipeline", "assembler"}
	s, _, ok := l.step(v, path)
	if !ok {
		return
	}
	s.Assembler = true
	base := l.m.Pipelines[len(l.m.Pipelines)-1]
	in := &Input{
		Name:       "tree",
		Type:       "org.osbuild.tree",
		Origin:     FromPipeline,
		References: []Reference{{ID: "name:" + base.Name, Options: []byte(emptyObject)}},
		Options:    []byte(emptyObject),
		Path:       path,
	}
	id := base.ID()
	if id == "" {
		id = "null"
	}
	in.ID = inputID(in, canonicalReferences([]Reference{{ID: id, Options: []byte(emptyObject)}}))
	s.Inputs = []*Input{in}
	s.ID = stepID(s, build, idOrNull(""), nil)
	l.m.Pipelines = append(l.m.Pipelines, &Pipeline{
		Name:   assemblerV1,
		Build:  base.Build,
		Runner: base.Runner,
		Steps:  []*Step{s},
		Path:   path,
	})
}
