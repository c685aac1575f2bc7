package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/lint"
	"github.com/assay-os/assay/report"
)

func newLint() *cobra.Command {
	var how opening
	var o linting
	c := &cobra.Command{
		Use:   "lint SUBJECT",
		Short: "Find what should not be in an image that is handed on",
		Long: `Lint looks for identities that every copy of an image would share, for leftovers
of its making, for doors that stand open, and for parts that do not fit
together. Each finding says why it matters and how to mend it.

Exit code 0 where nothing is as bad as --fail-on, 1 where something is, 2 where a
rule could not look because a part was not read. A saved report is judged whole
if it was made with inspect --verify.`,
		Example: `  assay lint disk.qcow2
  assay lint report.json --fail-on warning --format sarif >lint.sarif
  assay lint --list`,
		Args: positional(func(c *cobra.Command, args []string) error {
			if o.list {
				return cobra.NoArgs(c, args)
			}
			return cobra.ExactArgs(1)(c, args)
		}),
		RunE: bounded(&how.maxMemory, func(c *cobra.Command, args []string) error { return o.run(c, how, args) }),
	}
	how.define(c.Flags())
	c.Flags().StringVar(&o.format, "format", formatText, "print the findings as `FORMAT`: text, json, sarif or junit")
	c.Flags().StringVar(&o.failOn, "fail-on", string(lint.Error), "exit with code 1 if a finding is at least of `LEVEL`: error, warning, note or never")
	c.Flags().StringArrayVar(&o.ignore, "ignore", nil, "do not ask `RULE` (repeatable)")
	c.Flags().StringVar(&o.at, "at", "", "the `DATE` (2026-01-31) at which certificates and keys are to be valid (default: when the newest file was changed)")
	c.Flags().BoolVar(&o.list, "list", false, "list the rules")
	return c
}

// linting are the flags of lint.
type linting struct {
	format, failOn, at string
	ignore             []string
	list               bool
}

func (l *linting) run(c *cobra.Command, how opening, args []string) error {
	o, err := l.options()
	if err != nil {
		return err
	}
	if l.list {
		return listRules(c.OutOrStdout())
	}
	r, err := inspectSubject(c.Context(), args[0], how, inspect.Options{Verify: true})
	if err != nil {
		return err
	}
	result := lint.Check(r, o)
	if err := l.write(c.OutOrStdout(), result); err != nil {
		return err
	}
	switch {
	case result.Worst(lint.Level(l.failOn)):
		return unmet()
	case len(result.Unjudged) > 0:
		return inconclusive()
	}
	return nil
}

// options checks the flags.
func (l *linting) options() (o lint.Options, err error) {
	if err := oneOf("format", l.format, formatText, formatJSON, "sarif", "junit"); err != nil {
		return o, err
	}
	if err := oneOf("fail-on", l.failOn, string(lint.Error), string(lint.Warning), string(lint.Note), string(lint.Never)); err != nil {
		return o, err
	}
	for _, name := range l.ignore {
		if !slices.ContainsFunc(lint.Rules(), func(r lint.Rule) bool { return r.ID == name }) {
			return o, usage(fmt.Errorf("--ignore %s: there is no such rule; assay lint --list shows all", name))
		}
	}
	o.Ignore = l.ignore
	if l.at != "" {
		if o.At, err = time.Parse(time.DateOnly, l.at); err != nil {
			return o, usage(fmt.Errorf("--at %s: not a date like 2026-01-31", l.at))
		}
	}
	return o, nil
}

func (l *linting) write(w io.Writer, result *lint.Result) error {
	switch l.format {
	case formatJSON:
		return result.JSON(w)
	case "sarif":
		return result.SARIF(w)
	case "junit":
		return result.JUnit(w, lint.Level(l.failOn))
	}
	return writeFindings(w, result)
}

// maxPlaces is how many places of one rule the text shows.
const maxPlaces = 10

// writeFindings shows the findings by rule, each rule's reason and remedy once.
func writeFindings(w io.Writer, result *lint.Result) error {
	b := bufio.NewWriter(w)
	rules := map[string]lint.Rule{}
	for _, r := range lint.Rules() {
		rules[r.ID] = r
	}
	for list := result.Findings; len(list) > 0; {
		n := slices.IndexFunc(list, func(f lint.Finding) bool { return f.Rule != list[0].Rule })
		if n < 0 {
			n = len(list)
		}
		writeRule(b, rules[list[0].Rule], list[:n])
		list = list[n:]
	}
	for _, u := range result.Unjudged {
		fmt.Fprintf(b, "not judged: %s: section %s: %s\n", u.Rule, u.Section, report.Printable(u.Reason))
	}
	counts := map[lint.Level]int{}
	for _, f := range result.Findings {
		counts[f.Level]++
	}
	fmt.Fprintf(b, "%s, %s, %s", counted(counts[lint.Error], "error"), counted(counts[lint.Warning], "warning"), counted(counts[lint.Note], "note"))
	if n := len(result.Unjudged); n > 0 {
		fmt.Fprintf(b, "; %s could not look", counted(n, "rule"))
	}
	fmt.Fprintln(b)
	return b.Flush()
}

// counted is a number of things: "1 error", "2 errors".
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func writeRule(w io.Writer, rule lint.Rule, list []lint.Finding) {
	fmt.Fprintf(w, "%s %s: %s\n  why: %s\n  fix: %s\n", rule.Level, rule.ID, rule.Summary, rule.Reason, rule.Fix)
	for i, f := range list {
		if i == maxPlaces {
			fmt.Fprintf(w, "  … and %d more (--format json has all)\n", len(list)-i)
			break
		}
		fmt.Fprintf(w, "  - %s: %s\n", report.Printable(f.Path.String()), report.Printable(f.Message))
	}
	fmt.Fprintln(w)
}

// listRules shows the catalogue.
func listRules(w io.Writer) error {
	for _, r := range lint.Rules() {
		if _, err := fmt.Fprintf(w, "%-8s %-26s %s\n", r.Level, r.ID, r.Summary); err != nil {
			return err
		}
	}
	return nil
}
