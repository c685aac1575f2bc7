package build

import (
	"slices"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/source"
)

// A Missing is a module of the grammar that a plan needs and that cannot be
// executed yet.
type Missing struct {
	// Kind is "stage", "assembler", "input", "device", "mount" or "source".
	Kind, Type string
	// Places are where the manifest asks for it.
	Places []manifest.Path
}

// lack reports what cannot be executed yet, and keeps it for [Plan.Missing].
func (p *planner) lack(kind, name string, path manifest.Path, format string, args ...any) {
	p.fail(path, format, args...)
	list := p.plan.Missing
	i := slices.IndexFunc(list, func(m Missing) bool { return m.Kind == kind && m.Type == name })
	if i < 0 {
		p.plan.Missing = append(list, Missing{kind, name, []manifest.Path{path}})
		return
	}
	list[i].Places = append(list[i].Places, path)
}

// content is one item and the source that has it.
type content struct {
	source *manifest.Source
	item   manifest.Item
}

// contents indexes the sources. Of several that have one item, the first that
// can be fetched counts, as it does when content is fetched.
func (p *planner) contents() {
	p.content = map[string]content{}
	for _, s := range p.plan.Manifest.Sources {
		for _, item := range s.Items {
			before, ok := p.content[item.ID]
			if !ok || !source.Supported(before.source.Type) && source.Supported(s.Type) {
				p.content[item.ID] = content{s, item}
			}
		}
	}
}

// references plans the content of an input that comes from sources.
func (p *planner) references(in *manifest.Input) {
	if in.Origin == manifest.FromPipeline {
		for _, ref := range in.References {
			if name, ok := pipelineName(ref.ID); ok {
				p.pipeline(name, in.Path)
			}
		}
		return
	}
	for _, ref := range in.References {
		c, ok := p.content[ref.ID]
		if !ok {
			p.fail(in.Path, "no source has %q", ref.ID)
			continue
		}
		if has := source.Provides(c.source.Type); has != "" && has != in.Type {
			p.fail(in.Path, "%q is content for an input of type %q, this one is of type %q", ref.ID, has, in.Type)
		}
		p.origin(c)
	}
}

// origin reports, once, why an item or its whole source cannot be fetched.
func (p *planner) origin(c content) {
	key := c.source.Path.String()
	if source.Supported(c.source.Type) {
		key = c.source.Path.At("items", c.item.ID).String()
	}
	if p.checked[key] {
		return
	}
	p.checked[key] = true
	if reason := source.Unfetchable(c.source.Type); reason != "" {
		p.lack("source", c.source.Type, c.source.Path, "%s", reason)
		return
	}
	err := source.Check(c.source, c.item)
	// What all items of a source have wrong is told of the first.
	if err == nil || p.checked[c.source.Path.String()+err.Error()] {
		return
	}
	p.checked[c.source.Path.String()+err.Error()] = true
	p.fail(c.source.Path.At("items", c.item.ID), "%v", err)
}
