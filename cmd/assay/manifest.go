package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/manifest/grammar"
	"github.com/assay-os/assay/build/manifest/pyjson"
	"github.com/assay-os/assay/build/step"
)

func newManifest() *cobra.Command {
	c := &cobra.Command{
		Use:   "manifest",
		Short: "Check a manifest, show its ids, draw it",
		Long: `Look at a manifest without building it. Documents of osbuild's versions 1 and 2
are read; FILE is - for standard input. docs/manifest.md describes the form.`,
		Args: unknownCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newManifestValidate(), newManifestIDs(), newManifestGraph(), newManifestDiff(), newManifestUpgrade(), newManifestLint())
	return c
}

func newManifestValidate() *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE|-",
		Short: "List every problem of a manifest, as JSON",
		Long: `Print a JSON list of {"path", "message"}: everything in the manifest that could
not be built, with its place. Exit code 0 and [] when there is nothing, 3 else.`,
		Example: `  assay manifest validate debian.json
  assay manifest validate - < debian.json | jq -r '.[] | .path + ": " + .message'`,
		Args: positional(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return validateManifest(c, args[0], definitions()) },
	}
}

func newManifestIDs() *cobra.Command {
	return &cobra.Command{
		Use:   "ids FILE|-",
		Short: "Show osbuild's ids of every step",
		Long: `Print {"version", "pipelines": {NAME: [[TYPE, ID], …]}} with the ids that osbuild
computes. A manifest that osbuild refuses has none: then it is
{"invalid": [{"path", "message"}, …]} and exit code 3. No stage needs to be
there for its id.`,
		Example: `  assay manifest ids debian.json`,
		Args:    positional(cobra.ExactArgs(1)),
		RunE:    func(c *cobra.Command, args []string) error { return showIDs(c, args[0]) },
	}
}

func newManifestGraph() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:     "graph FILE|-",
		Short:   "Draw which pipeline needs what",
		Example: `  assay manifest graph debian.json | dot -Tsvg > debian.svg`,
		Args:    positional(cobra.ExactArgs(1)),
		RunE:    func(c *cobra.Command, args []string) error { return showGraph(c, args[0], format) },
	}
	c.Flags().StringVar(&format, "format", "dot", "draw in `FORMAT`: dot (Graphviz) or mermaid")
	return c
}

// readDocument reads FILE or, for "-", standard input. The name is the one
// for messages.
func readDocument(c *cobra.Command, file string) (data []byte, name string, err error) {
	in, name := c.InOrStdin(), "standard input"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, file, usage(fmt.Errorf("read manifest: %w", err))
		}
		defer f.Close()
		in, name = f, file
	}
	// One byte more than is allowed, for the parser to refuse.
	data, err = io.ReadAll(io.LimitReader(in, pyjson.MaxSize+1))
	if err != nil {
		return nil, name, usage(fmt.Errorf("read manifest: %w", err))
	}
	return data, name, nil
}

// A place is a problem as validate prints it.
type place struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

func validateManifest(c *cobra.Command, file string, steps []step.Definition) error {
	data, name, err := readDocument(c, file)
	if err != nil {
		return err
	}
	problems := allProblems(data, steps)
	list := make([]place, len(problems))
	for i, p := range problems {
		list[i] = place{p.Path.String(), p.Message}
	}
	if err := writeJSON(c.OutOrStdout(), list); err != nil {
		return err
	}
	if err := problems.Err(); err != nil {
		return usage(fmt.Errorf("%s: %w", name, err))
	}
	return nil
}

// allProblems is everything that stands between a document and its build.
func allProblems(data []byte, steps []step.Definition) manifest.Problems {
	doc, err := pyjson.Parse(data)
	if err != nil {
		return syntaxProblem(err)
	}
	m, problems := manifest.Load(doc)
	if len(problems) == 0 {
		problems = manifest.Check(m)
	}
	return slices.Concat(problems, manifest.Validate(m, knownSteps(steps)))
}

// syntaxProblem is the one problem of what is no JSON: line and column.
func syntaxProblem(err error) manifest.Problems {
	return manifest.Problems{{Message: err.Error()}}
}

// knownSteps lets package manifest check options by the steps' schemas.
func knownSteps(steps []step.Definition) []manifest.Known {
	known := make([]manifest.Known, len(steps))
	for i, d := range steps {
		validate := sync.OnceValue(d.Validator)
		known[i] = manifest.Known{
			Name:      d.Name,
			Assembler: d.Kind == step.Assembler,
			Check: func(options json.RawMessage) manifest.Problems {
				var problems manifest.Problems
				for _, p := range validate()(options) {
					problems = append(problems, optionProblem(p))
				}
				return problems
			},
		}
	}
	return known
}

// optionProblem turns "options.users.bob" into the path below the options. A
// place that cannot be read goes into the message: nothing is lost.
func optionProblem(p step.Problem) manifest.Problem {
	path, err := grammar.ParsePath(p.Path)
	if err != nil || len(path) == 0 {
		return manifest.Problem{Message: p.String()}
	}
	return manifest.Problem{Path: path[1:], Message: p.Message}
}

func showIDs(c *cobra.Command, file string) error {
	// A third of the time would go into collecting what is soon thrown away.
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	data, name, err := readDocument(c, file)
	if err != nil {
		return err
	}
	m, problems := readIDs(data)
	if err := problems.Err(); err != nil {
		invalid := struct {
			Invalid manifest.Problems `json:"invalid"`
		}{problems}
		if err := writeJSON(c.OutOrStdout(), invalid); err != nil {
			return err
		}
		return usage(fmt.Errorf("%s: %w", name, err))
	}
	return writeIDs(c.OutOrStdout(), m)
}

// readIDs finds what osbuild would refuse, options of its own stages included.
func readIDs(data []byte) (*manifest.Manifest, manifest.Problems) {
	doc, err := pyjson.Parse(data)
	if err != nil {
		return nil, syntaxProblem(err)
	}
	m, problems := manifest.Load(doc)
	return m, append(problems, manifest.CheckOptions(doc)...)
}

// writeIDs writes one step a line. The pipelines are in the manifest's order,
// which a Go map would not keep.
func writeIDs(w io.Writer, m *manifest.Manifest) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"version\": %s,\n  \"pipelines\": {", quoteJSON(m.Version))
	for i, p := range m.Pipelines {
		fmt.Fprintf(&b, "%s\n    %s: [", comma(i), quoteJSON(p.Name))
		for j, s := range p.Steps {
			fmt.Fprintf(&b, "%s\n      [%s, %s]", comma(j), quoteJSON(s.Type), quoteJSON(s.ID))
		}
		b.WriteString("]")
	}
	b.WriteString("\n  }\n}\n")
	_, err := w.Write(b.Bytes())
	return err
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// quoteJSON writes a string; strings always can be.
func quoteJSON(s string) []byte { return pyjson.NewString(s).Append(nil) }

func showGraph(c *cobra.Command, file, format string) error {
	if err := oneOf("format", format, "dot", "mermaid"); err != nil {
		return err
	}
	data, name, err := readDocument(c, file)
	if err != nil {
		return err
	}
	doc, err := pyjson.Parse(data)
	if err != nil {
		return usage(fmt.Errorf("%s:%w", name, err))
	}
	m, problems := manifest.Load(doc)
	if err := problems.Err(); err != nil {
		return usage(fmt.Errorf("%s: %w", name, err))
	}
	graph := manifest.NewGraph(m)
	text := graph.DOT()
	if format == "mermaid" {
		text = graph.Mermaid()
	}
	_, err = io.WriteString(c.OutOrStdout(), text)
	return err
}
