package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDocsAreFresh: docs/stages.md and docs/schemas/ are what "assay docs docs"
// writes now, no file more and none less.
func TestDocsAreFresh(t *testing.T) {
	files, err := referenceFiles()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for name, text := range files {
		want = append(want, name)
		have, err := os.ReadFile(filepath.Join("../../docs", name))
		if err != nil || string(have) != string(text) {
			t.Errorf("docs/%s is stale (%v); run: go run ./cmd/assay docs docs", name, err)
		}
	}
	schemas, err := filepath.Glob("../../docs/schemas/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range schemas {
		// A dot tells a step's name from the schemas of reports and manifests.
		name := filepath.Join("schemas", filepath.Base(file))
		if strings.Count(name, ".") > 2 && !slices.Contains(want, name) {
			t.Errorf("docs/%s is of no stage and no assembler; remove it", name)
		}
	}
}

func TestSchemaOptions(t *testing.T) {
	rows, err := schemaOptions([]byte(`{
		"required": ["b"], "$defs": {"x": {"type": "integer", "description": "an x"}},
		"properties": {
			"a": {"type": "array", "items": {"type": "object", "required": ["k"], "properties": {"k": {"$ref": "#/$defs/x", "default": 3}}}},
			"b": {"type": "object", "patternProperties": {"^.": {"properties": {"c": {"enum": ["u", "v"]}}}}},
			"d": {"oneOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "string"}}]},
			"e": {"type": "object", "properties": {"self": {"$ref": "#/$defs/none"}}}
		}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		got = append(got, row.marked()+" "+row.kind+" "+row.text())
	}
	want := []string{
		"b* object ", "b.NAME.c u|v ", "a array of object ", "a[].k* integer an x (default: 3)", "d boolean|array of string ", "e object ", "e.self any ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestSchemaOptionsEnd: a schema that refers to itself has an end.
func TestSchemaOptionsEnd(t *testing.T) {
	rows, err := schemaOptions([]byte(`{"$defs": {"x": {"properties": {"y": {"$ref": "#/$defs/x"}}}, "l": {"$ref": "#/$defs/l"}},
		"properties": {"a": {"$ref": "#/$defs/x"}, "l": {"$ref": "#/$defs/l"}}}`))
	if err != nil || len(rows) > 20 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
