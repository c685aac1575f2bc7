package manifest

import (
	"encoding/json"

	"github.com/assay-os/assay/build/manifest/grammar"
)

func (b *schemaBuilder) version1() {
	b.defs["version-1"] = closed("A manifest of version 1", schema{
		"pipeline": ref("pipeline-1"),
		"sources":  b.sources1(),
	})
	build := closed("What the pipeline's stages run in", schema{"pipeline": ref("pipeline-1"), "runner": runnerSchema()}, "pipeline", "runner")
	b.defs["pipeline-1"] = closed("The stages that make a tree, and the assembler that makes an image of it", schema{
		"build":     build,
		"stages":    listOf("What is done, in this order", ref("stage-1")),
		"assembler": ref("assembler-1"),
	})
	b.steps1("stage-1", "One step on the tree", false)
	b.steps1("assembler-1", "What makes something to ship of the tree", true)
}

func (b *schemaBuilder) steps1(definition, description string, assembler bool) {
	names := b.stepNames(assembler)
	s := closed(description, schema{
		"name":    known("The "+stepKind(assembler)+"'s name", names, true),
		"options": schema{"type": "object", "description": "What it is told; each has options of its own"},
	}, "name")
	s["allOf"] = byType("name", definition+":", names)
	b.defs[definition] = s
	for _, name := range names {
		one := schema{"title": name, "properties": schema{"options": orAnything(b.options(name, assembler, "1"))}}
		if d, ok := b.described[kind{name, assembler}]; ok {
			one["description"] = d.Summary
		}
		b.defs[definition+":"+name] = one
	}
}

// sources1 are the three that version 1 has, each with a key of its own for its items.
func (b *schemaBuilder) sources1() schema {
	properties := schema{}
	for _, name := range []string{"org.osbuild.files", "org.osbuild.curl", "org.osbuild.ostree"} {
		key, _ := contentKey(name)
		module := name
		if name == "org.osbuild.files" {
			module = "org.osbuild.curl"
		}
		s := closed("Content from "+name, schema{key: schema{"type": "object", "description": "What there is to fetch, by checksum or id"}}, key)
		s["allOf"] = []any{b.part(grammar.Source, module, "value", "1")}
		properties[name] = s
	}
	return closed("Where content comes from, by the kind of source", properties)
}

func exampleV1() any {
	return json.RawMessage(`{"pipeline": {"stages": [{"name": "org.osbuild.hostname", "options": {"hostname": "example"}}],
		"assembler": {"name": "org.osbuild.tar", "options": {"filename": "root.tar"}}}}`)
}
