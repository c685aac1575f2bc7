package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/step"
)

// newDocs writes what is generated below docs/; a test fails where the
// repository has something else.
func newDocs() *cobra.Command {
	return &cobra.Command{
		Use:    "docs DIR",
		Short:  "Write the reference of stages and the schemas of their options and of manifests",
		Hidden: true,
		Args:   positional(cobra.ExactArgs(1)),
		RunE:   func(_ *cobra.Command, args []string) error { return writeDocs(args[0]) },
	}
}

func writeDocs(dir string) error {
	files, err := referenceFiles()
	if err != nil {
		return err
	}
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// referenceFiles are all generated files by their names below docs/.
func referenceFiles() (map[string][]byte, error) {
	page, err := stagesPage(definitions())
	if err != nil {
		return nil, err
	}
	schema, err := manifest.Schema(describedSteps(definitions()))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"stages.md": page, filepath.Join("schemas", "manifest.json"): schema}
	for _, d := range definitions() {
		var b bytes.Buffer
		if err := json.Indent(&b, bytes.TrimSpace(d.Schema), "", "  "); err != nil {
			return nil, fmt.Errorf("read schema of %s: %w", d.Name, err)
		}
		b.WriteByte('\n')
		files[filepath.Join("schemas", schemaName(d))] = b.Bytes()
	}
	return files, nil
}

// describedSteps are the definitions as the schema of manifests takes them in.
func describedSteps(list []step.Definition) []manifest.Described {
	steps := make([]manifest.Described, len(list))
	for i, d := range list {
		steps[i] = manifest.Described{Name: d.Name, Assembler: d.Kind == step.Assembler, Summary: d.Summary, Schema: d.Schema}
	}
	return steps
}

// schemaName tells an assembler's schema from that of a stage of its name.
func schemaName(d step.Definition) string {
	if d.Kind == step.Assembler {
		return d.Name + ".assembler.json"
	}
	return d.Name + ".json"
}

// stagesPage is docs/stages.md.
func stagesPage(list []step.Definition) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`# Stages and assemblers

What this binary has natively, generated from the definitions by "assay docs docs"; "assay stages NAME" shows the same.
Names that start with org.osbuild are osbuild's: same options, same results, and where something differs the description
says so. Names that start with dev.assay are ours. [Adding a stage](adding-a-stage.md) shows how one is made. In the tables a
star marks what must be given, NAME stands for any key, [] for the items of a list.

| name | kind | summary |
|---|---|---|
`)
	for _, d := range list {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", d.Name, anchor(d), d.Kind, cell(d.Summary))
	}
	for _, d := range list {
		if err := stageSection(&b, d); err != nil {
			return nil, fmt.Errorf("describe %s: %w", d.Name, err)
		}
	}
	return b.Bytes(), nil
}

func heading(d step.Definition) string {
	if d.Kind == step.Assembler {
		return d.Name + " (assembler)"
	}
	return d.Name
}

// anchor is what Markdown renderers make of a heading.
func anchor(d step.Definition) string {
	return strings.NewReplacer(".", "", " ", "-", "(", "", ")", "").Replace(strings.ToLower(heading(d)))
}

// cell is a text in a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\n", " "), "|", `\|`)
}

func stageSection(b *bytes.Buffer, d step.Definition) error {
	fmt.Fprintf(b, "\n## %s\n\n%s. Since %s. [Schema](schemas/%s)\n\n%s\n", heading(d), d.Summary, d.Since, schemaName(d), strings.TrimSpace(d.Description))
	rows, err := schemaOptions(d.Schema)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		b.WriteString("\n| option | type | meaning |\n|---|---|---|\n")
	}
	for _, row := range rows {
		fmt.Fprintf(b, "| `%s`%s | %s | %s |\n", row.name, star(row.required), cell(row.kind), cell(row.text()))
	}
	if len(d.Inputs) > 0 {
		b.WriteString("\n| input | type | meaning |\n|---|---|---|\n")
	}
	for _, in := range d.Inputs {
		fmt.Fprintf(b, "| `%s`%s | %s | %s |\n", in.Name, star(in.Required), in.Type, cell(in.Summary))
	}
	if d.Chroot {
		b.WriteString("\nRuns programs of the tree.\n")
	}
	if len(d.Tools) > 0 {
		fmt.Fprintf(b, "\nThe build root must have: %s.\n", strings.Join(d.Tools, ", "))
	}
	for _, example := range schemaExamples(d.Schema) {
		fmt.Fprintf(b, "\n```json\n%s\n```\n", example)
	}
	return nil
}
