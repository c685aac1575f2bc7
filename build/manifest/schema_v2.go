package manifest

import (
	"encoding/json"

	"github.com/assay-os/assay/build/manifest/grammar"
)

func (b *schemaBuilder) version2() {
	b.defs["version-2"] = closed("A manifest of version 2", schema{
		"version":   schema{"const": "2", "description": "The version of the document's form"},
		"pipelines": listOf("The pipelines; one can use those that stand before it", ref("pipeline")),
		"sources":   b.sources(),
		"metadata":  metadataSchema(),
	}, "version")
	b.defs["pipeline"] = closed("A list of stages that starts from an empty tree", schema{
		"name":         nameOf("What others call it, as name:NAME, and what is exported"),
		"build":        schema{"type": "string", "description": "The pipeline whose tree the stages run in; the machine's own /usr where there is none", "examples": []string{"name:build"}},
		"runner":       runnerSchema(),
		"source-epoch": schema{"type": "integer", "description": "The newest time that the output may carry, in seconds since 1970"},
		"stages":       listOf("What is done, in this order", ref("stage")),
	}, "name")
	b.stage2()
	b.input()
	b.device()
	b.mount()
	b.references()
}

func (b *schemaBuilder) stage2() {
	names := b.stepNames(false)
	s := closed("One step on the pipeline's tree", schema{
		"type":    known("The stage's name", names, true),
		"options": schema{"type": "object", "description": "What the stage is told; each has options of its own"},
		"inputs":  schema{"type": "object", "description": "Content that the stage reads, by name", "propertyNames": schema{"pattern": "^[a-zA-Z]"}, "additionalProperties": ref("input")},
		"devices": schema{"type": "object", "description": "Block devices that are opened for the stage, by name", "additionalProperties": ref("device")},
		"mounts":  listOf("What is mounted for the stage, in this order", ref("mount")),
	}, "type")
	s["allOf"] = byType("type", "stage:", names)
	b.defs["stage"] = s
	for _, name := range names {
		b.defs["stage:"+name] = b.stageDefinition(name)
	}
}

// stageDefinition is what one stage takes, beside what all do.
func (b *schemaBuilder) stageDefinition(name string) schema {
	properties := schema{"options": orAnything(b.options(name, false, "2"))}
	if _, err := grammar.Lookup(grammar.Stage, name); err == nil {
		for _, part := range []string{"inputs", "devices", "mounts"} {
			if s := b.part(grammar.Stage, name, part, "2"); len(s) > 0 {
				properties[part] = s
			}
		}
		if properties["inputs"] == nil {
			properties["inputs"] = false // osbuild refuses them
		}
	}
	s := schema{"title": name, "properties": properties}
	if d, ok := b.described[kind{name, false}]; ok {
		s["description"] = d.Summary
	}
	return s
}

func (b *schemaBuilder) input() {
	names := b.names(grammar.Input)
	s := closed("Content that a stage reads", schema{
		"type":       known("How it is shown to the stage", names, false),
		"origin":     schema{"enum": []string{FromSource, FromPipeline}, "description": "Whether it comes from a source or from another pipeline"},
		"references": ref("references"),
		"options":    schema{"type": "object"},
	}, "type", "origin", "references")
	s["allOf"] = byType("type", "input:", names)
	b.defs["input"] = s
	for _, name := range names {
		b.defs["input:"+name] = described("An input of type "+name, b.part(grammar.Input, name, "value", "2"))
	}
}

func (b *schemaBuilder) device() {
	names := b.names(grammar.Device)
	s := closed("A block device", schema{
		"type":    known("What makes the device", names, false),
		"parent":  stringOf("The device that it lies on"),
		"options": schema{"type": "object"},
	}, "type")
	s["allOf"] = byType("type", "device:", names)
	b.defs["device"] = s
	for _, name := range names {
		b.defs["device:"+name] = schema{"description": "A device of type " + name, "properties": schema{"options": b.part(grammar.Device, name, "options", "2")}}
	}
}

func (b *schemaBuilder) mount() {
	names := b.names(grammar.Mount)
	s := closed("A mounted filesystem", schema{
		"name":      stringOf("What options call it, as mount://NAME/"),
		"type":      known("The kind of filesystem", names, false),
		"source":    stringOf("The device"),
		"target":    stringOf("Where it is mounted"),
		"partition": schema{"type": "number", "description": "The partition of the device, from 1"},
		"options":   schema{"type": "object"},
	}, "name", "type")
	s["allOf"] = byType("type", "mount:", names)
	b.defs["mount"] = s
	for _, name := range names {
		b.defs["mount:"+name] = described("A mount of type "+name, b.part(grammar.Mount, name, "value", "2"))
	}
}

func (b *schemaBuilder) references() {
	one := closed("A reference with options", schema{"id": stringOf("An item of a source, or name:PIPELINE"), "options": schema{"type": "object"}}, "id")
	b.defs["references"] = schema{
		"description": "What the input consists of: items of sources, or name:PIPELINE",
		"anyOf": []any{
			schema{"type": "array", "items": schema{"type": "string"}, "minItems": 1},
			schema{"type": "array", "items": one, "minItems": 1},
			schema{"type": "object"},
		},
	}
}

func (b *schemaBuilder) sources() schema {
	properties := schema{}
	for _, name := range b.names(grammar.Source) {
		properties[name] = ref("source:" + name)
		s := closed("Content from "+name, schema{
			"items":   schema{"type": "object", "description": "What there is to fetch, by checksum or id"},
			"options": schema{"type": "object"},
		}, "items")
		s["allOf"] = []any{b.part(grammar.Source, name, "value", "2")}
		b.defs["source:"+name] = s
	}
	return closed("Where content comes from, by the kind of source", properties)
}

func metadataSchema() schema {
	name := closed("A pipeline", schema{"name": stringOf("The pipeline's name")}, "name")
	generator := closed("A program", schema{"name": stringOf("Its name"), "version": stringOf("Its version")}, "name")
	return closed("What people may want to know; it enters no id", schema{
		"exports":    listOf("The pipelines that are meant to be exported", name),
		"generators": listOf("What made the document", generator),
	})
}

func exampleV2() any {
	return json.RawMessage(`{"version": "2", "pipelines": [
		{"name": "build", "runner": "org.osbuild.debian13", "source-epoch": 1700000000, "stages": [{"type": "org.osbuild.noop"}]},
		{"name": "os", "build": "name:build", "source-epoch": 1700000000, "stages": [{"type": "org.osbuild.hostname", "options": {"hostname": "example"}}]}]}`)
}
