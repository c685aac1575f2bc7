package manifest

import (
	"strconv"
	"strings"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// documentV2 reads a version 2 document: osbuild's formats/v2.py and
// schemas/osbuild2.json.
func (l *loader) documentV2(v pyjson.Value) {
	o, _ := l.object(v, nil, "version", "pipelines", "sources", "metadata")
	if metadata, ok := o.lookup("metadata", pyjson.Object); ok {
		l.metadata(metadata)
	}
	l.sourcesV2(o)
	pipelines := few(l, o.list("pipelines"), maxPipelines, Path{"pipelines"})
	for _, p := range pipelines {
		if name, ok := p.Lookup("name"); ok && name.Kind() == pyjson.String {
			l.declared = append(l.declared, name.Text())
		}
	}
	for i, p := range pipelines {
		l.pipelineV2(p, Path{"pipelines", i})
	}
	l.explainEarlyUses()
}

// metadata checks the two lists that the document may carry for people.
func (l *loader) metadata(v pyjson.Value) {
	l.m.Metadata = v.Append(nil)
	path := Path{"metadata"}
	o, _ := l.object(v, path, "exports", "generators")
	for i, x := range o.list("exports") {
		if e, ok := l.object(x, path.At("exports", i), "name"); ok {
			e.string("name")
		}
	}
	for i, x := range o.list("generators") {
		if g, ok := l.object(x, path.At("generators", i), "name", "version"); ok {
			g.string("name")
			g.text("version")
		}
	}
}

func (l *loader) pipelineV2(v pyjson.Value, path Path) {
	o, ok := l.object(v, path, "name", "build", "runner", "source-epoch", "stages")
	if !ok {
		return
	}
	p := &Pipeline{Name: o.name("name"), Runner: o.text("runner"), Path: path}
	l.checkRunner(p.Runner, path.At("runner"))
	build := l.build(o, p)
	epoch := o.epoch(p)
	for i, s := range o.list("stages") {
		l.stageV2(s, path.At("stages", i), p, build, epoch)
	}
	l.add(p, path)
}

// add makes the pipeline known to those that follow.
func (l *loader) add(p *Pipeline, path Path) {
	if _, twice := l.pipelines[p.Name]; twice {
		l.fail(path.At("name"), "there is a pipeline %q already", p.Name)
		return
	}
	if p.Name != "" {
		l.pipelines[p.Name] = p
	}
	l.m.Pipelines = append(l.m.Pipelines, p)
}

// build finds the build pipeline, sets Build, and returns its id as the steps'
// ids cover it. A build pipeline without steps leaves the host, as no build does.
func (l *loader) build(o object, p *Pipeline) []byte {
	v, ok := o.lookup("build", pyjson.String)
	if !ok || v.Text() == "" {
		return v.Append(nil)
	}
	path := o.path.At("build")
	name, named := strings.CutPrefix(v.Text(), "name:")
	if !named {
		return l.buildByID(v.Text(), path, p)
	}
	target := l.use(p.Name, name, path)
	if target == nil {
		return idOrNull("")
	}
	if target.ID() != "" {
		p.Build = name
	}
	return idOrNull(target.ID())
}

// buildByID is the form that osbuild writes when it shows ids.
func (l *loader) buildByID(id string, path Path, p *Pipeline) []byte {
	for _, target := range l.m.Pipelines {
		if target.ID() == id {
			p.Build = target.Name
			return quote(id)
		}
	}
	l.fail(path, `%q names no pipeline; write "name:PIPELINE"`, id)
	return quote(id)
}

// epoch reads source-epoch and returns it as the steps' ids cover it.
func (o object) epoch(p *Pipeline) []byte {
	v, ok := o.lookup("source-epoch", pyjson.Int)
	if !ok {
		return nil
	}
	seconds, err := strconv.ParseInt(v.Text(), 10, 64)
	if err != nil {
		o.l.fail(o.path.At("source-epoch"), "%s seconds are beyond what a file system can hold", v)
	}
	p.SourceEpoch = &seconds
	return v.Append(nil)
}

func (l *loader) stageV2(v pyjson.Value, path Path, p *Pipeline, build, epoch []byte) {
	o, ok := l.object(v, path, "type", "options", "inputs", "devices", "mounts")
	if !ok {
		return
	}
	s := &Step{Type: o.name("type"), Options: o.options(), Path: path}
	l.devices(o, s)
	for _, m := range o.members("inputs") {
		l.inputV2(m, path.At("inputs", m.Key), p, s)
	}
	for i, m := range few(l, o.list("mounts"), maxDevices, path.At("mounts")) {
		l.mount(m, path.At("mounts", i), s)
	}
	s.ID = stepID(s, build, idOrNull(p.ID()), epoch)
	p.Steps = append(p.Steps, s)
}
