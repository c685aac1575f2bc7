package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/monitor"
	"github.com/assay-os/assay/build/sandbox"
)

// A buildCommand is the flags of assay build.
type buildCommand struct {
	store, sources  string
	output          string
	exports         []string
	json, check     bool
	explain         bool
	verbose         bool
	jobs            int
	monitor         string
	timeout         time.Duration
	bundle          string
	clock, faketime string
}

func newBuild() *cobra.Command {
	var b buildCommand
	c := &cobra.Command{
		Use:   "build MANIFEST|-",
		Short: "Execute a manifest: make the trees and images that it describes",
		Long: `Build takes every step's output from the store, or runs the step in a sandbox
and keeps its output there. It needs root and bubblewrap.

Exports are names of pipelines; the assembler of a version 1 manifest is called
"assembler". Without --export, those are built that the manifest's metadata
lists, else its last pipeline (version 1: the assembler). With
--output-directory the output of NAME is copied to DIR/NAME, which is replaced.

One line for each export goes to standard output: its name, the digest of its
tree, and where it lies. A manifest without a build pipeline uses the host's
/usr; its result is marked host-dependent.`,
		Example: `  assay build --output-directory out debian.json
  assay build --export tree --explain-cache debian.json`,
		Args: positional(b.arguments),
		RunE: b.run,
	}
	f := c.Flags()
	f.StringVar(&b.store, "store", defaultStore, "use the store in `DIR`: it keeps sources and what steps made")
	f.StringVar(&b.sources, "sources", "", "keep sources in another store, `DIR`, to share them between stores")
	f.StringVar(&b.output, "output-directory", "", "copy exports to `DIR`/NAME")
	f.StringArrayVar(&b.exports, "export", nil, "build and export the pipeline `NAME` (may be repeated)")
	f.BoolVar(&b.json, "json", false, "print the result as JSON, in osbuild's shape")
	f.BoolVar(&b.check, "check", false, "only tell whether the manifest can be executed; run and fetch nothing")
	f.StringVar(&b.bundle, "bundle", "", "build what assay bundle packed into `FILE`, without a network")
	f.BoolVar(&b.explain, "explain-cache", false, "print for each step whether the store had its output, and what changed if not")
	f.BoolVarP(&b.verbose, "verbose", "v", false, "print what steps print")
	f.IntVar(&b.jobs, "jobs", 8, "fetch `N` files at once")
	f.StringVar(&b.monitor, "monitor", "auto", "show progress `HOW`: bars, lines, json or none; auto is bars on a terminal, else lines")
	f.DurationVar(&b.timeout, "step-timeout", 0, "end a step that takes longer than `TIME`, as 90s or 1h30m; 0 is no limit")
	f.StringVar(&b.clock, "vary-clock", "", "start programs with the clock at `TIME` (RFC 3339)")
	f.StringVar(&b.faketime, "faketime-library", "", "the libfaketime.so for --vary-clock")
	for _, name := range []string{"vary-clock", "faketime-library"} {
		f.Lookup(name).Hidden = true
	}
	return c
}

func (b *buildCommand) run(c *cobra.Command, args []string) (err error) {
	if len(b.exports) > 0 && b.output == "" && !b.check {
		return usage(errors.New("--export needs --output-directory: where should it go?"))
	}
	if b.jobs < 1 {
		return usage(fmt.Errorf("--jobs %d: at least one file must be fetched at once", b.jobs))
	}
	name, plan, packed, err := b.plan(c, args)
	if err != nil {
		return err
	}
	if packed != nil {
		defer func() { err = errors.Join(err, packed.Close()) }()
	}
	if b.check {
		fmt.Fprintf(c.OutOrStdout(), "%s can be executed: %d steps\n", name, len(plan.Steps()))
		return nil
	}
	builder, err := b.builder(c, filepath.Base(name))
	if err != nil {
		return err
	}
	if packed != nil {
		builder.Fetch.Local = packed
	}
	result, err := builder.Build(c.Context(), plan)
	return b.finish(c, builder, result, err)
}

// readPlan reads a manifest from a file, or from stdin for "-", and plans the
// build of its exports. Everything that is wrong is told.
func readPlan(c *cobra.Command, file string, exports []string) (document []byte, plan *build.Plan, err error) {
	document, name, err := readDocument(c, file)
	if err != nil {
		return nil, nil, err
	}
	plan, err = newPlan(c, document, name, exports)
	return document, plan, err
}

func newPlan(c *cobra.Command, document []byte, name string, exports []string) (*build.Plan, error) {
	m, err := manifest.Read(document, name)
	if err != nil {
		return nil, tellProblems(c.ErrOrStderr(), err)
	}
	plan, err := build.NewPlan(m, definitions(), exports)
	if err != nil {
		return nil, tellProblems(c.ErrOrStderr(), fmt.Errorf("%s: %w", name, err))
	}
	return plan, nil
}

// tellProblems prints all but the first problem, which the error has.
func tellProblems(w io.Writer, err error) error {
	var problems manifest.Problems
	if errors.As(err, &problems) {
		for _, p := range problems[1:] {
			fmt.Fprintf(w, "assay: %v\n", p)
		}
	}
	return usage(err)
}

// builder makes ready what the plan needs of this machine.
func (b *buildCommand) builder(c *cobra.Command, what string) (*build.Builder, error) {
	mon, err := b.newMonitor(c.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	clock, err := b.newClock()
	if err != nil {
		return nil, err
	}
	builder, err := newBuilder(b.store, b.sources, "build "+what)
	if err != nil {
		return nil, err
	}
	builder.Fetch.Parallel = b.jobs
	if b.output != "" {
		if err := outputDirectory(b.output); err != nil {
			return nil, err
		}
	}
	builder.Monitor, builder.Clock, builder.StepTimeout = mon, clock, b.timeout
	return builder, nil
}

func (b *buildCommand) newMonitor(stderr io.Writer) (build.Monitor, error) {
	how := b.monitor
	if how == "auto" {
		how = "lines"
		if isTerminal(stderr) && !b.verbose {
			how = "bars"
		}
	}
	switch how {
	case "bars":
		return monitor.NewBars(stderr, terminalWidth(stderr)), nil
	case "lines":
		return monitor.NewLines(stderr, monitor.LinesOptions{Output: b.verbose}), nil
	case "json":
		return monitor.NewJSON(stderr), nil
	case "none":
		return nil, nil
	}
	return nil, oneOf("monitor", b.monitor, "auto", "bars", "lines", "json", "none")
}

func (b *buildCommand) newClock() (*sandbox.Clock, error) {
	if b.clock == "" && b.faketime == "" {
		return nil, nil
	}
	if b.clock == "" || b.faketime == "" {
		return nil, usage(errors.New("--vary-clock and --faketime-library need each other"))
	}
	t, err := time.Parse(time.RFC3339, b.clock)
	if err != nil {
		return nil, usage(fmt.Errorf("--vary-clock: %w", err))
	}
	library, err := filepath.Abs(b.faketime)
	if err == nil {
		_, err = os.Stat(library)
	}
	if err != nil {
		return nil, usage(fmt.Errorf("--faketime-library: %w", err))
	}
	return &sandbox.Clock{Time: t, Library: library}, nil
}

// finish exports and prints the result; err is how the build ended.
func (b *buildCommand) finish(c *cobra.Command, builder *build.Builder, result *build.Result, err error) error {
	if err == nil && b.output != "" {
		err = b.export(c.Context(), builder, result)
	}
	if b.json {
		return errors.Join(err, writeJSON(c.OutOrStdout(), result.Document(err)))
	}
	if b.explain {
		for _, o := range result.Outcomes {
			if o.Explain != nil {
				fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", o.Step.Place(), o.Explain)
			}
		}
	}
	if err != nil {
		return err
	}
	for _, name := range result.Plan.Exports {
		fmt.Fprintf(c.OutOrStdout(), "%s %s", name, result.Trees[name].Digest)
		if b.output != "" {
			fmt.Fprintf(c.OutOrStdout(), " %s", filepath.Join(b.output, name))
		}
		fmt.Fprintln(c.OutOrStdout())
	}
	if result.HostDependent {
		fmt.Fprintln(c.OutOrStdout(), "host-dependent: steps ran in this machine's /usr; a build pipeline in the manifest makes the result the same everywhere")
	}
	return nil
}

// export copies every export to OUTPUT/NAME: first beside it, so that a
// reader never finds half of it there.
func (b *buildCommand) export(ctx context.Context, builder *build.Builder, result *build.Result) error {
	for _, name := range result.Plan.Exports {
		if err := b.exportOne(ctx, builder, result, name); err != nil {
			return err
		}
	}
	return nil
}

func (b *buildCommand) exportOne(ctx context.Context, builder *build.Builder, result *build.Result, name string) (err error) {
	aside, err := os.MkdirTemp(b.output, ".export-*")
	if err != nil {
		return fmt.Errorf("export %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	fresh := filepath.Join(aside, "new")
	if err := builder.Export(ctx, result, name, fresh); err != nil {
		return err
	}
	final := filepath.Join(b.output, name)
	if err := os.Rename(final, filepath.Join(aside, "old")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("export %s: %w", name, err)
	}
	if err := os.Rename(fresh, final); err != nil {
		return fmt.Errorf("export %s: %w", name, err)
	}
	return nil
}

// terminalWidth asks for the terminal's columns; 80 where it does not say.
func terminalWidth(w io.Writer) func() int {
	return func() int {
		if f, ok := w.(*os.File); ok {
			if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 0 {
				return int(size.Col)
			}
		}
		return 80
	}
}
