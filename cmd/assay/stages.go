package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/build/step"
)

func newStages() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "stages [NAME]",
		Short: "List the native stages and assemblers, or explain one",
		Long: `Without a name: one line for each native stage and assembler. With one: what it
does, its options, its inputs and an example. A name may leave out "org.osbuild."
or "dev.assay.".`,
		Example: `  assay stages
  assay stages org.osbuild.users
  assay stages users --format json | jq .schema`,
		Args: positional(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			if len(args) == 0 {
				return listStages(c.OutOrStdout(), format)
			}
			return explainStage(c.OutOrStdout(), args[0], format)
		},
	}
	formatFlag(c.Flags(), &format)
	return c
}

// A stageLine is one definition in the JSON list.
type stageLine struct {
	Name    string    `json:"name"`
	Kind    step.Kind `json:"kind"`
	Summary string    `json:"summary"`
}

func listStages(w io.Writer, format string) error {
	var list []stageLine
	for _, d := range definitions() {
		list = append(list, stageLine{d.Name, d.Kind, d.Summary})
	}
	if format == "json" {
		return writeJSON(w, list)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\n", line.Name, line.Kind, line.Summary)
	}
	return t.Flush()
}

// A stagePage is all of one definition in JSON.
type stagePage struct {
	stageLine
	Since        string          `json:"since"`
	Description  string          `json:"description"`
	Inputs       []stageInput    `json:"inputs"`
	Chroot       bool            `json:"chroot"`
	Tools        []string        `json:"tools"`
	Capabilities []string        `json:"capabilities"`
	Schema       json.RawMessage `json:"schema"`
}

type stageInput struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Summary  string `json:"summary"`
}

func pageOf(d step.Definition) stagePage {
	page := stagePage{
		stageLine: stageLine{d.Name, d.Kind, d.Summary}, Since: d.Since, Description: d.Description, Chroot: d.Chroot,
		Inputs: []stageInput{}, Tools: append([]string{}, d.Tools...), Capabilities: append([]string{}, d.Capabilities...), Schema: d.Schema,
	}
	for _, in := range d.Inputs {
		page.Inputs = append(page.Inputs, stageInput(in))
	}
	return page
}

// explainStage shows a definition; a stage and an assembler of one name both.
func explainStage(w io.Writer, name, format string) error {
	found, err := findStage(name)
	if err != nil {
		return err
	}
	if format == "json" {
		var pages []stagePage
		for _, d := range found {
			pages = append(pages, pageOf(d))
		}
		if len(pages) == 1 {
			return writeJSON(w, pages[0])
		}
		return writeJSON(w, pages)
	}
	for i, d := range found {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := printStage(w, d); err != nil {
			return err
		}
	}
	return nil
}

// findStage is the definitions of a name, or of a short one.
func findStage(name string) ([]step.Definition, error) {
	var known []string
	var found []step.Definition
	for _, d := range definitions() {
		short := strings.TrimPrefix(strings.TrimPrefix(d.Name, "org.osbuild."), "dev.assay.")
		known = append(known, d.Name, short)
		if name == d.Name || name == short {
			found = append(found, d)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	hint := "assay stages lists them"
	if near := step.Nearest(name, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return nil, usage(fmt.Errorf("there is no stage or assembler %q; %s", name, hint))
}

func printStage(w io.Writer, d step.Definition) error {
	fmt.Fprintf(w, "%s (%s, since %s)\n%s\n\n%s\n", d.Name, d.Kind, d.Since, d.Summary, unfenced(strings.TrimSpace(d.Description)))
	rows, err := schemaOptions(d.Schema)
	if err != nil {
		return fmt.Errorf("read schema of %s: %w", d.Name, err)
	}
	if len(rows) > 0 {
		fmt.Fprintf(w, "\nOptions (* must be given):\n")
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, row := range rows {
			fmt.Fprintf(t, "  %s\t%s%s\n", row.marked(), row.kind, after("\t", row.text()))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	printNeeds(w, d)
	for _, example := range schemaExamples(d.Schema) {
		fmt.Fprintf(w, "\nExample:\n%s\n", indent(example, "  "))
	}
	return nil
}

// unfenced is a text in which fenced code is indented instead.
func unfenced(text string) string {
	var out []string
	inside := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = !inside
		case inside:
			out = append(out, "  "+line)
		default:
			out = append(out, line)
		}
	}
	return strings.TrimRight(strings.Join(out, ""), "\n")
}

func printNeeds(w io.Writer, d step.Definition) {
	if len(d.Inputs) > 0 {
		fmt.Fprintf(w, "\nInputs (* must be given):\n")
	}
	for _, in := range d.Inputs {
		fmt.Fprintf(w, "  %s%s  %s  %s\n", in.Name, star(in.Required), in.Type, in.Summary)
	}
	if d.Chroot {
		fmt.Fprintf(w, "\nRuns programs of the tree.\n")
	}
	if len(d.Tools) > 0 {
		fmt.Fprintf(w, "\nThe build root must have: %s\n", strings.Join(d.Tools, ", "))
	}
}

// after is text behind a separator; nothing where there is no text.
func after(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}

func star(required bool) string {
	if required {
		return "*"
	}
	return ""
}
