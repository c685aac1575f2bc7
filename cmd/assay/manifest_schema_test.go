package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
)

// manifestSchema compiles the schema, which is checked by its own meta-schema.
func manifestSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := manifest.Schema(describedSteps(definitions()))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(manifest.SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(manifest.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func holds(t testing.TB, s *jsonschema.Schema, document []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

// TestManifestSchemaOnReal: what osbuild accepts of upstream's manifests the
// schema accepts, and what osbuild refuses it refuses.
func TestManifestSchemaOnReal(t *testing.T) {
	dir := fixtures.Conformance(t)
	text, err := os.ReadFile(filepath.Join(dir, "ids.json"))
	if err != nil {
		t.Fatal(err)
	}
	var verdicts map[string]struct{ Invalid []any }
	if err := json.Unmarshal(text, &verdicts); err != nil || len(verdicts) == 0 {
		t.Fatal(len(verdicts), err)
	}
	s := manifestSchema(t)
	for name, verdict := range verdicts {
		data, err := os.ReadFile(filepath.Join(dir, "manifests", name))
		if err != nil {
			t.Fatal(err)
		}
		err = holds(t, s, data)
		if valid := len(verdict.Invalid) == 0; valid != (err == nil) {
			t.Errorf("%s: valid for osbuild: %t, for the schema: %v", name, valid, err)
		}
	}
}

// TestManifestSchema: what it takes and what it refuses.
func TestManifestSchema(t *testing.T) {
	sum := "sha256:" + strings.Repeat("a", 64)
	stage := func(text string) string {
		return `{"version": "2", "pipelines": [{"name": "p", "stages": [` + text + `]}]}`
	}
	input := func(text string) string { return stage(`{"type": "org.example.x", "inputs": {"i": ` + text + `}}`) }
	tests := map[string]struct {
		doc string
		ok  bool
	}{
		"empty":                {`{}`, true},
		"version 2":            {`{"version": "2"}`, true},
		"version 3":            {`{"version": "3"}`, false},
		"no object":            {`[]`, false},
		"a key of the other":   {`{"version": "2", "pipeline": {}}`, false},
		"unknown key":          {`{"version": "2", "pipelines": [{"name": "p", "runer": "x"}]}`, false},
		"no name":              {`{"version": "2", "pipelines": [{}]}`, false},
		"runner":               {`{"version": "2", "pipelines": [{"name": "p", "runner": "org.osbuild.fedora42"}]}`, true},
		"unknown runner":       {`{"version": "2", "pipelines": [{"name": "p", "runner": "org.osbuild.dos6"}]}`, false},
		"native stage":         {stage(`{"type": "org.osbuild.hostname", "options": {"hostname": "a"}}`), true},
		"native option":        {stage(`{"type": "org.osbuild.hostname", "options": {"hostnmae": "a"}}`), false},
		"native definition":    {stage(`{"type": "org.osbuild.users", "options": {"users": {"bob": {"uid": "x"}}}}`), false},
		"ours":                 {stage(`{"type": "dev.assay.disk", "options": {"filename": 1}}`), false},
		"osbuild's stage":      {stage(`{"type": "org.osbuild.zipl", "options": {"timeout": 1}}`), true},
		"osbuild's option":     {stage(`{"type": "org.osbuild.grub2.inst", "options": {"filename": 1}}`), false},
		"unknown stage":        {stage(`{"type": "org.example.x", "options": {"anything": [1]}, "inputs": {}}`), true},
		"options of no object": {stage(`{"type": "org.example.x", "options": 1}`), false},
		"no type":              {stage(`{"options": {}}`), false},
		"no such input":        {stage(`{"type": "org.osbuild.locale", "inputs": {}}`), false},
		"files":                {input(`{"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": ["` + sum + `"]}`), true},
		"files, options":       {input(`{"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": {"` + sum + `": {"x": 1}}}`), false},
		"no references":        {input(`{"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": []}`), false},
		"unknown input":        {input(`{"type": "org.osbuild.flies", "origin": "org.osbuild.source", "references": ["a"]}`), false},
		"input's name":         {stage(`{"type": "x", "inputs": {"1": {"type": "org.osbuild.noop", "origin": "org.osbuild.source", "references": ["a"]}}}`), false},
		"device":               {stage(`{"type": "x", "devices": {"d": {"type": "org.osbuild.loopback", "options": {"filename": "f", "start": 1}}}}`), true},
		"device's option":      {stage(`{"type": "x", "devices": {"d": {"type": "org.osbuild.loopback", "options": {}}}}`), false},
		"mount":                {stage(`{"type": "x", "mounts": [{"name": "m", "type": "org.osbuild.fat", "source": "d", "target": "/", "options": {"umask": "077"}}]}`), true},
		"mount's option":       {stage(`{"type": "x", "mounts": [{"name": "m", "type": "org.osbuild.fat", "source": "d", "target": "/", "options": {"umask": "9"}}]}`), false},
		"source":               {`{"version": "2", "sources": {"org.osbuild.curl": {"items": {"` + sum + `": {"url": "x", "secrets": {"name": "y"}}}}}}`, true},
		"source's key":         {`{"version": "2", "sources": {"org.osbuild.curl": {"items": {"sum": "x"}}}}`, false},
		"unknown source":       {`{"version": "2", "sources": {"org.osbuild.crul": {"items": {}}}}`, false},
		"version 1":            {`{"pipeline": {"build": {"pipeline": {"stages": [{"name": "x"}]}, "runner": "org.osbuild.linux"}, "stages": [{"name": "org.osbuild.rpm", "options": {"packages": ["` + sum + `"]}}]}}`, true},
		"version 1 option":     {`{"pipeline": {"stages": [{"name": "org.osbuild.rpm", "options": {"packages": [1]}}]}}`, false},
		"assembler":            {`{"pipeline": {"assembler": {"name": "org.osbuild.tar", "options": {"filename": "x"}}}}`, true},
		"assembler's option":   {`{"pipeline": {"assembler": {"name": "org.osbuild.tar", "options": {"filename": 1}}}}`, false},
		"version 1 source":     {`{"sources": {"org.osbuild.files": {"urls": {"` + sum + `": "x"}}}}`, true},
		"version 2's items":    {`{"sources": {"org.osbuild.files": {"items": {"` + sum + `": "x"}}}}`, false},
	}
	s := manifestSchema(t)
	for name, tt := range tests {
		if err := holds(t, s, []byte(tt.doc)); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestManifestSchemaForEditors: a name, titles, words for every key of the
// document, examples that hold, and no expression that only Go reads.
func TestManifestSchemaForEditors(t *testing.T) {
	text, err := os.ReadFile("../../docs/schemas/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		ID       string `json:"$id"`
		Title    string
		Examples []json.RawMessage
		Defs     map[string]struct {
			Description string
			Properties  map[string]json.RawMessage
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &doc); err != nil || doc.ID == "" || doc.Title == "" || len(doc.Examples) < 2 {
		t.Fatalf("%v: id %q, title %q, %d examples", err, doc.ID, doc.Title, len(doc.Examples))
	}
	s := manifestSchema(t)
	for _, example := range doc.Examples {
		if err := holds(t, s, example); err != nil {
			t.Errorf("%s: %v", example, err)
		}
	}
	for _, name := range []string{"version-1", "version-2", "pipeline", "pipeline-1", "stage", "stage-1", "assembler-1", "input", "device", "mount"} {
		def := doc.Defs[name]
		if def.Description == "" || len(def.Properties) == 0 {
			t.Errorf("%s has no description or no properties", name)
		}
		for key, text := range def.Properties {
			var p struct {
				Description string
				Ref         string `json:"$ref"`
			}
			if err := json.Unmarshal(text, &p); err != nil {
				t.Fatal(err)
			}
			words := p.Description + doc.Defs[strings.TrimPrefix(p.Ref, "#/$defs/")].Description
			if words == "" && !slices.Contains([]string{"options"}, key) {
				t.Errorf("%s.%s is not described", name, key)
			}
		}
	}
	for _, m := range regexp.MustCompile(`"pattern": "([^\n]*)"`).FindAllSubmatch(text, -1) {
		if bytes.Contains(m[1], []byte(`\\p{`)) || bytes.Contains(m[1], []byte(`(?i`)) {
			t.Errorf("the expression %s is not one of ECMA-262", m[1])
		}
	}
}

// TestManifestSchemaOnRecorded holds the schema to osbuild's recorded verdicts
// on the options of every one of its stages. Where a step is native, its own
// schema decides, which may know more.
func TestManifestSchemaOnRecorded(t *testing.T) {
	text, err := os.ReadFile("../../build/manifest/testdata/options.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Cases []struct {
			Valid    bool
			Manifest json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &recorded); err != nil || len(recorded.Cases) < 100 {
		t.Fatal(len(recorded.Cases), err)
	}
	s := manifestSchema(t)
	checked := 0
	for _, c := range recorded.Cases {
		if slices.ContainsFunc(definitions(), func(d step.Definition) bool { return bytes.Contains(c.Manifest, []byte(`"`+d.Name+`"`)) }) {
			continue
		}
		checked++
		if err := holds(t, s, c.Manifest); (err == nil) != c.Valid {
			t.Errorf("valid for osbuild: %t, for the schema: %v\n%s", c.Valid, err, c.Manifest)
		}
	}
	if checked < 100 {
		t.Errorf("only %d verdicts were compared", checked)
	}
}
