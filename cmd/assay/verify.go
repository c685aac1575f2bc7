package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/diff"
	"github.com/assay-os/assay/verify"
)

// A verifyCommand is the flags of assay verify.
type verifyCommand struct {
	runs          int
	output, store string
	export        string
	reuse, keep   bool
	format        string
	require       string
	faketime      string
}

func newVerify() *cobra.Command {
	var v verifyCommand
	c := &cobra.Command{
		Use:   "verify MANIFEST|-",
		Short: "Build a manifest several times in varied surroundings and prove that the results are the same",
		Long: `Verify builds the manifest, nothing reused between the runs: the first in the
surroundings as they are, the others under another clock, umask, locale, time
zone, host name, working directory, user environment and number of processors.
A probe tells which of these took effect. The results are inspected and compared,
and the image is compared with the tree that was packed into it.

The evidence stays in DIR/evidence: the manifest, a report of each run, the
comparison, the surroundings. DIR/evidence, DIR/run-N and DIR/work-N are removed
when a proof begins, so one that is interrupted leaves none.

Exit code 0 when the requirement is met, 1 when it is not, 2 when it cannot be told.`,
		Example: `  assay verify debian.json --runs 2 --export image --output-directory out
  assay verify debian.json --reuse`,
		Args: positional(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return v.run(c, args[0]) },
	}
	f := c.Flags()
	f.IntVar(&v.runs, "runs", 2, "build `N` times")
	f.StringVar(&v.output, "output-directory", "verify", "keep what the runs export, and the evidence, in `DIR`")
	f.StringVar(&v.store, "store", defaultStore, "use the store in `DIR` for fetched sources; the runs have stores of their own")
	f.StringVar(&v.export, "export", "", "verify the pipeline `NAME`; default: the one that build exports")
	f.BoolVar(&v.reuse, "reuse", false, "show stored evidence where it holds for this manifest, these sources and this program")
	f.BoolVar(&v.keep, "keep-stores", false, "keep the stores of the runs in DIR/work-N/store, for looking into the steps")
	formatFlag(f, &v.format)
	requireFlag(f, &v.require, diff.Identical)
	f.StringVar(&v.faketime, "faketime-library", "", "use `FILE`, a libfaketime.so.1, for the other clock; default: where distributions put it")
	return c
}

func (v *verifyCommand) run(c *cobra.Command, name string) error {
	required, err := requirement(v.require)
	if err != nil {
		return err
	}
	if v.runs < 2 {
		return usage(fmt.Errorf("--runs %d: two builds at least are needed to compare", v.runs))
	}
	if err := checkFormat(v.format); err != nil {
		return err
	}
	o, err := v.options(c, name)
	if err != nil {
		return err
	}
	outcome, err := v.outcome(c, o)
	if err != nil {
		return err
	}
	if err := v.write(c.OutOrStdout(), outcome); err != nil {
		return err
	}
	return verdictExit(outcome.Verdict, required)
}

// outcome is the stored evidence where it was asked for and holds, else a new one.
func (v *verifyCommand) outcome(c *cobra.Command, o verify.Options) (*verify.Outcome, error) {
	if v.reuse {
		stored, why, err := verify.Reuse(c.Context(), o)
		if err != nil {
			return nil, usage(fmt.Errorf("%w; without --reuse it is proved anew", err))
		}
		if stored != nil && len(stored.Runs) >= v.runs {
			return stored, nil
		}
		if stored != nil {
			why = fmt.Sprintf("%d runs were proved, not %d", len(stored.Runs), v.runs)
		}
		fmt.Fprintf(c.ErrOrStderr(), "proving anew: %s\n", why)
	}
	// What the runs would end with is better told before the last evidence goes.
	if _, err := sandbox.NewBubblewrap(o.Program); err != nil {
		return nil, err
	}
	if _, err := openStore(o.Sources, "verify"); err != nil {
		return nil, err
	}
	if err := outputDirectory(o.Dir); err != nil {
		return nil, err
	}
	outcome, err := verify.Verify(c.Context(), o)
	if errors.Is(err, verify.ErrForeign) {
		return nil, usage(err)
	}
	return outcome, err
}

func (v *verifyCommand) options(c *cobra.Command, name string) (verify.Options, error) {
	var exports []string
	if v.export != "" {
		exports = []string{v.export}
	}
	document, plan, err := readPlan(c, name, exports)
	if err != nil {
		return verify.Options{}, err
	}
	if len(plan.Exports) != 1 {
		return verify.Options{}, usage(fmt.Errorf("%s exports %s: name the one to verify with --export", name, strings.Join(plan.Exports, ", ")))
	}
	library, err := v.library()
	if err != nil {
		return verify.Options{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return verify.Options{}, fmt.Errorf("find this program: %w", err)
	}
	binary, err := fileDigest(self)
	if err != nil {
		return verify.Options{}, fmt.Errorf("read this program: %w", err)
	}
	sources, err := filepath.Abs(v.store)
	if err != nil {
		return verify.Options{}, err
	}
	return verify.Options{
		Manifest: document, Plan: plan, Runs: v.runs, Dir: v.output, Program: self, Binary: binary,
		Sources: sources, Faketime: library, KeepStores: v.keep,
		Builder: func(store string) (*build.Builder, error) { return newBuilder(store, sources, "verify "+name) },
		Log:     &locked{w: c.ErrOrStderr()},
	}, nil
}

// library finds libfaketime where distributions put it; "" when it is not
// installed, and then the clock is not varied and the result says so.
func (v *verifyCommand) library() (string, error) {
	if v.faketime != "" {
		if _, err := os.Stat(v.faketime); err != nil {
			return "", usage(fmt.Errorf("--faketime-library: %w", err))
		}
		return filepath.Abs(v.faketime)
	}
	for _, pattern := range []string{"/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1"} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0], nil
		}
	}
	return "", nil
}

func (v *verifyCommand) write(w io.Writer, o *verify.Outcome) error {
	if v.format == "json" {
		return writeJSON(w, o)
	}
	if err := o.Text(w); err != nil {
		return err
	}
	for _, r := range o.Results {
		if r.Verdict != diff.Identical {
			if err := r.Text(w, nil); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(w, "  evidence %s\n", filepath.Join(v.output, "evidence"))
	return err
}

// locked lets several runs write to one place.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
