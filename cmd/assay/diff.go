package main

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assay-os/assay/diff"
	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/report"
)

// hunkLimit is the largest file of which changed lines are shown, in bytes.
const hunkLimit = 64 << 10

func newDiff() *cobra.Command {
	var format, require, from string
	var how opening
	var judge judgement
	c := &cobra.Command{
		Use:   "diff A B [C...]",
		Short: "Say whether two systems behave the same, and what differs",
		Long: `Compare two subjects: images, directories, archives or saved reports, in any mix.

The verdict is identical, equivalent (every difference is explained by a rule),
different, or inconclusive (something could not be read). docs/verdicts.md
defines them. Exit code 0 when the requirement is met, 1 when it is not, 2 when
it cannot be told.

More than two subjects are put into groups that behave the same.`,
		Example: `  assay diff yesterday.qcow2 today.qcow2
  assay diff report.json disk.raw --require identical
  assay diff a.tar b.tar --format json
  assay diff main.qcow2 branch.qcow2 --format markdown >comment.md`,
		Args: positional(cobra.MinimumNArgs(2)),
		RunE: bounded(&how.maxMemory, func(c *cobra.Command, args []string) error {
			var err error
			if judge.required, err = requirement(require); err != nil {
				return err
			}
			if err := checkRules(judge.rules); err != nil {
				return err
			}
			if len(args) > 2 && judge.required == diff.Identical {
				return usage(errors.New("diff: --require identical is for two subjects"))
			}
			if from != "" {
				return runRecorded(c, args, from, how, format, judge)
			}
			if len(args) > 2 {
				return runGroup(c, args, how, format, judge.rules)
			}
			return runDiff(c, [2]string(args), how, format, judge)
		}),
	}
	how.define(c.Flags())
	c.Flags().StringVar(&format, "format", formatText, "print the result as `FORMAT`: "+strings.Join(diffFormats(), ", "))
	c.Flags().StringVar(&from, "from", "", "compare what `FORMAT` records: image-info, where a subject is a document of osbuild-image-info or is brought to its form")
	requireFlag(c.Flags(), &require, diff.Equivalent)
	rulesFlag(c.Flags(), &judge.rules)
	return c
}

// A judgement is the version of the rules and what their verdict must be.
type judgement struct {
	rules    int
	required diff.Verdict
}

// requireFlag defines --require; [requirement] reads its value.
func requireFlag(f *pflag.FlagSet, value *string, otherwise diff.Verdict) {
	f.StringVar(value, "require", string(otherwise), "exit with code 0 only if the verdict is at least `VERDICT`: identical or equivalent")
}

func requirement(name string) (diff.Verdict, error) {
	return diff.Verdict(name), oneOf("require", name, string(diff.Identical), string(diff.Equivalent))
}

func runDiff(c *cobra.Command, paths [2]string, how opening, format string, judge judgement) error {
	if err := oneOf("format", format, diffFormats()...); err != nil {
		return err
	}
	if paths[0] == stdinName && paths[1] == stdinName {
		return usage(errors.New("diff: stdin can be one subject only"))
	}
	how.mixed = true
	a, err := openSubject(c.Context(), paths[0], how, inspect.Options{})
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := openSubject(c.Context(), paths[1], how, inspect.Options{})
	if err != nil {
		return err
	}
	defer b.Close()
	result := diff.CompareBy(judge.rules, a.report, b.report)
	if err := writeDiff(c.OutOrStdout(), result, format, judge.required, a, b); err != nil {
		return err
	}
	return verdictExit(result.Verdict, judge.required)
}

// diffFormats are the forms of a result.
func diffFormats() []string {
	return []string{formatText, formatJSON, "jsonl", "markdown", "html", "junit", "sarif"}
}

func writeDiff(w io.Writer, result *diff.Result, format string, required diff.Verdict, a, b *subject) error {
	switch format {
	case formatJSON:
		return writeJSON(w, result)
	case "jsonl":
		return result.JSONL(w)
	case "markdown":
		return result.Markdown(w)
	case "junit":
		return result.JUnit(w, required)
	case "sarif":
		return result.SARIF(w)
	}
	contents := func(side string, path report.Raw) []byte {
		if side == "a" {
			return a.read(path, hunkLimit)
		}
		return b.read(path, hunkLimit)
	}
	if format == "html" {
		return result.HTML(w, contents)
	}
	return result.Text(w, contents)
}

// verdictExit turns a verdict into the exit code of the contract.
func verdictExit(got, required diff.Verdict) error {
	switch {
	case got == diff.Inconclusive:
		return inconclusive()
	case got == diff.Identical, got == diff.Equivalent && required == diff.Equivalent:
		return nil
	default:
		return unmet()
	}
}

func writeJSON(w io.Writer, v any) error { return report.NewEncoder(w, "  ").Encode(v) }
