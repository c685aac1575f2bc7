package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/expect"
	"github.com/assay-os/assay/report"
)

// maxExpectations bounds the document that a person has written.
const maxExpectations = 1 << 20

func newCheck() *cobra.Command {
	var how opening
	var format string
	c := &cobra.Command{
		Use:   "check SUBJECT EXPECTATIONS",
		Short: "Hold an image against expectations that you wrote down",
		Long: `Check reads EXPECTATIONS, a TOML document of what must hold of SUBJECT: packages
that must be there or must not, who may log in, which programs may be setuid,
what may listen, which units start, modes and owners of files, sizes.
docs/check.md has all of them.

Exit code 0 where all is as expected, 1 where something is not, 2 where it cannot
be known because a part was not read.`,
		Example: "  assay check disk.qcow2 expect.toml\n  assay check report.json expect.toml --format junit >check.xml",
		Args:    positional(cobra.ExactArgs(2)),
		RunE: bounded(&how.maxMemory, func(c *cobra.Command, args []string) error {
			if err := oneOf("format", format, formatText, formatJSON, "junit"); err != nil {
				return err
			}
			expected, err := readExpectations(args[1])
			if err != nil {
				return err
			}
			r, err := inspectSubject(c.Context(), args[0], how, inspect.Options{Verify: true})
			if err != nil {
				return err
			}
			result := expected.Check(r)
			if err := writeOutcomes(c.OutOrStdout(), result, format); err != nil {
				return err
			}
			switch {
			case result.Count(expect.Unmet) > 0:
				return unmet()
			case result.Count(expect.Unknown) > 0:
				return inconclusive()
			}
			return nil
		}),
	}
	how.define(c.Flags())
	c.Flags().StringVar(&format, "format", formatText, "print the outcomes as `FORMAT`: text, json or junit")
	return c
}

func readExpectations(name string) (*expect.Expectation, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usage(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxExpectations+1))
	if err != nil {
		return nil, usage(err)
	}
	if len(data) > maxExpectations {
		return nil, usage(fmt.Errorf("%s: more than %d bytes are no expectations that a person wrote", name, maxExpectations))
	}
	e, err := expect.Parse(data)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", name, err))
	}
	return e, nil
}

func writeOutcomes(w io.Writer, result *expect.Result, format string) error {
	switch format {
	case formatJSON:
		return writeJSON(w, result)
	case "junit":
		return result.JUnit(w)
	}
	b := bufio.NewWriter(w)
	for _, o := range result.Outcomes {
		if o.State != expect.Met {
			fmt.Fprintf(b, "%s: %s: %s\n", o.State, report.Printable(o.Expected), report.Printable(o.Found))
		}
	}
	fmt.Fprintf(b, "%s: %d met, %d unmet, %d unknown\n", counted(len(result.Outcomes), "expectation"), result.Count(expect.Met), result.Count(expect.Unmet), result.Count(expect.Unknown))
	return b.Flush()
}
