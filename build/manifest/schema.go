package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-os/assay/build/manifest/grammar"
)

// SchemaID is the name of the schema of manifests.
const SchemaID = "https://assay-os.github.io/schemas/manifest.json"

// A Described is a stage or an assembler with a schema of its own.
type Described struct {
	Name      string
	Assembler bool
	Summary   string
	// Schema is the JSON Schema, draft 2020-12, of the options.
	Schema json.RawMessage
}

// Schema is the JSON Schema, draft 2020-12, of both versions of a manifest:
// the document's grammar, osbuild's modules, and the own schemas of the steps
// that are described. A stage of any other name may have any options.
//
// It says what can be said of a place by itself. Whether a name or a reference
// leads anywhere, [Load] knows.
func Schema(described []Described) ([]byte, error) {
	b := schemaBuilder{defs: schema{}, described: map[kind]Described{}}
	for _, d := range described {
		b.described[kind{d.Name, d.Assembler}] = d
	}
	b.version2()
	b.version1()
	if b.err != nil {
		return nil, fmt.Errorf("write schema: %w", b.err)
	}
	doc := schema{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"$id":         SchemaID,
		"title":       "Manifest",
		"description": "Which steps make an operating-system image, in which order, with which options, from which content. A document with \"version\": \"2\" is of version 2; one without is of version 1.",
		"type":        "object",
		"if":          schema{"required": []string{"version"}},
		"then":        ref("version-2"),
		"else":        ref("version-1"),
		"examples":    []any{exampleV2(), exampleV1()},
		"$defs":       b.defs,
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(doc); err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return out.Bytes(), nil
}

type schema = grammar.Schema

func ref(name string) schema { return schema{"$ref": "#/$defs/" + name} }

// closed is an object with these keys and no others.
func closed(description string, properties schema, required ...string) schema {
	s := schema{"type": "object", "description": description, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func described(description string, s schema) schema {
	s = maps.Clone(s)
	s["description"] = description
	return s
}

func stringOf(description string) schema {
	return schema{"type": "string", "description": description}
}

func nameOf(description string) schema {
	return schema{"type": "string", "minLength": 1, "description": description}
}

func listOf(description string, items any) schema {
	return schema{"type": "array", "description": description, "items": items}
}

// A schemaBuilder collects definitions; err is the first that went wrong.
type schemaBuilder struct {
	defs      schema
	described map[kind]Described
	err       error
}

func (b *schemaBuilder) names(what string) []string {
	names, err := grammar.Names(what)
	if err != nil && b.err == nil {
		b.err = err
	}
	return names
}

// part is the schema of one part of a module, nil where nothing is said of it.
func (b *schemaBuilder) part(what, name, label, version string) schema {
	module, err := grammar.Lookup(what, name)
	if err != nil {
		if b.err == nil {
			b.err = err
		}
		return nil
	}
	return module.Part(label, version).Schema()
}

// runnerSchema is the schema of a runner's name: a distribution and its version.
func runnerSchema() schema {
	names := make([]string, len(runners))
	for i, r := range runners {
		names[i] = regexp.QuoteMeta(r.name)
	}
	return schema{
		"type": "string", "pattern": "^(" + strings.Join(names, "|") + ")[0-9]*$",
		"description": "The distribution whose conventions the build root has: a name of osbuild's runners with the digits of a version",
		"examples":    []string{"org.osbuild.linux", "org.osbuild.fedora42", "org.osbuild.centos10", "org.osbuild.debian13"},
	}
}

// byType is the list of conditions that lead from a name under key to the
// definition of that name.
func byType(key, prefix string, names []string) []any {
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = schema{
			"if":   schema{"properties": schema{key: schema{"const": name}}, "required": []string{key}},
			"then": ref(prefix + name),
		}
	}
	return list
}

// known is a name out of a list, which others may stand beside where open is true.
func known(description string, names []string, open bool) schema {
	list := schema{"enum": names}
	if open {
		return schema{"type": "string", "minLength": 1, "description": description, "anyOf": []any{list, schema{"type": "string"}}}
	}
	return schema{"type": "string", "description": description, "enum": names}
}

// stepNames are the names of osbuild's stages or assemblers and of those described.
func (b *schemaBuilder) stepNames(assembler bool) []string {
	names := slices.Clone(b.names(stepKind(assembler)))
	for k := range b.described {
		if k.assembler == assembler {
			names = append(names, k.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func stepKind(assembler bool) string {
	if assembler {
		return grammar.Assembler
	}
	return grammar.Stage
}

// options is the schema of a step's options in a version: its own where it has
// one, else what osbuild takes; nil for anything.
func (b *schemaBuilder) options(name string, assembler bool, version string) schema {
	at := stepKind(assembler) + "-options:" + name
	d, ok := b.described[kind{name, assembler}]
	if ok {
		b.defs[at] = b.embed(d, "#/$defs/"+at)
		return ref(at)
	}
	s := b.part(stepKind(assembler), name, "options", version)
	if len(s) == 0 {
		return nil
	}
	if before := b.defs[at]; before != nil && !reflect.DeepEqual(before, any(s)) {
		at += "." + version
	}
	b.defs[at] = s
	return ref(at)
}

// embed takes a schema into this one: its references lead to where it stands now.
func (b *schemaBuilder) embed(d Described, at string) schema {
	var s map[string]any
	if err := json.Unmarshal(d.Schema, &s); err != nil {
		if b.err == nil {
			b.err = fmt.Errorf("read schema of %s: %w", d.Name, err)
		}
		return nil
	}
	delete(s, "$schema")
	delete(s, "$id")
	moveReferences(s, at)
	s["title"] = d.Name
	if s["description"] == nil {
		s["description"] = d.Summary
	}
	return s
}

func moveReferences(v any, at string) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			moveReferences(x, at)
		}
	case map[string]any:
		if r, ok := v["$ref"].(string); ok {
			if pointer, local := strings.CutPrefix(r, "#"); local {
				v["$ref"] = at + pointer
			}
		}
		for _, x := range v {
			moveReferences(x, at)
		}
	}
}

func orAnything(s schema) any {
	if len(s) == 0 {
		return schema{"type": "object"}
	}
	return s
}
