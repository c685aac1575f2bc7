package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/build/manifest"
)

func newManifestLint() *cobra.Command {
	var format, failOn string
	c := &cobra.Command{
		Use:   "lint FILE|-",
		Short: "Find what a manifest had better not say",
		Long: `List what can be built and will probably be regretted: content that is not
pinned, plain-text passwords, identifiers used twice, stages after the labels were
set. docs/manifest.md lists the rules. Exit code 0, whatever is found, unless
--fail-on asks for 1.`,
		Example: `  assay manifest lint debian.json
  assay manifest lint --fail-on warning --format json debian.json`,
		Args: positional(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return lintManifest(c, args[0], format, failOn) },
	}
	formatFlag(c.Flags(), &format)
	c.Flags().StringVar(&failOn, "fail-on", "", "end with exit code 1 where a finding is at least of `LEVEL`: error, warning or note")
	return c
}

// A lintFinding has its place as people write it.
type lintFinding struct {
	ID       string            `json:"id"`
	Severity manifest.Severity `json:"severity"`
	Path     string            `json:"path"`
	Reason   string            `json:"reason"`
	Advice   string            `json:"advice"`
}

func lintManifest(c *cobra.Command, file, format, failOn string) error {
	if err := checkFormat(format); err != nil {
		return err
	}
	level := manifest.Severity(failOn)
	if failOn != "" && !slices.Contains(manifest.Severities(), level) {
		return oneOf("fail-on", failOn, "error", "warning", "note")
	}
	m, err := loadManifest(c, file)
	if err != nil {
		return err
	}
	list := []lintFinding{}
	fail := false
	for _, f := range manifest.Lint(m) {
		list = append(list, lintFinding{f.ID, f.Severity, f.Path.String(), f.Reason, f.Advice})
		fail = fail || failOn != "" && f.Severity.AtLeast(level)
	}
	if format == formatJSON {
		err = writeJSON(c.OutOrStdout(), list)
	} else {
		err = printFindings(c.OutOrStdout(), list)
	}
	if err == nil && fail {
		return unmet()
	}
	return err
}

func printFindings(w io.Writer, list []lintFinding) error {
	for _, f := range list {
		place := f.Path
		if place == "" {
			place = "manifest"
		}
		if _, err := fmt.Fprintf(w, "%s: %s: %s; %s [%s]\n", f.Severity, place, f.Reason, f.Advice, f.ID); err != nil {
			return err
		}
	}
	return nil
}
