package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/diff"
	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/report"
)

func newExplain() *cobra.Command {
	var how opening
	var format string
	c := &cobra.Command{
		Use:   "explain SUBJECT PATH",
		Short: "Tell how a path enters the functional digest, and which rules made it so",
		Long: `Explain shows which facts of PATH count, in the form in which they enter the
functional digest of SUBJECT, and what each rule has changed or left out on the
way, with its reason.`,
		Example: "  assay explain report.json /usr/lib/python3/dist-packages/x.pyc",
		Args:    positional(cobra.ExactArgs(2)),
		RunE: bounded(&how.maxMemory, func(c *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			r, err := inspectSubject(c.Context(), args[0], how, inspect.Options{})
			if err != nil {
				return err
			}
			e, err := diff.Explain(r, absolute(args[1]))
			if err != nil {
				return usage(err)
			}
			if format == formatJSON {
				return writeJSON(c.OutOrStdout(), e)
			}
			writeExplanation(c.OutOrStdout(), e)
			return nil
		}),
	}
	how.define(c.Flags())
	formatFlag(c.Flags(), &format)
	return c
}

// leftOut is the time in a canonical form that has none.
const leftOut = "0001-01-01T00:00:00Z"

// absolute is a path as reports have it. The path in a volume that nothing mounts
// begins with the volume's name: "partition 3:/EFI".
func absolute(name string) report.Raw {
	if strings.Contains(name, ":/") || strings.HasPrefix(name, "/") {
		return report.Raw(name)
	}
	return report.Raw("/" + name)
}

func writeExplanation(w io.Writer, e *diff.Explanation) {
	for _, s := range e.Steps {
		fmt.Fprintf(w, "rule %s: %s\n", s.Rule, report.Printable(s.Reason))
		for _, name := range slices.Sorted(maps.Keys(s.Before)) {
			after := "left out"
			if v, ok := s.After[name]; ok && v.String() != leftOut {
				after = report.Printable(v.String())
			}
			fmt.Fprintf(w, "  %-12s %s → %s\n", name, report.Printable(s.Before[name].String()), after)
		}
	}
	if len(e.Facts) == 0 {
		fmt.Fprintln(w, "it does not count")
		return
	}
	fmt.Fprintln(w, "what counts:")
	for _, name := range e.FactNames() {
		if v := e.Facts[name].String(); v != leftOut {
			fmt.Fprintf(w, "  %-12s %s\n", name, report.Printable(v))
		}
	}
}
