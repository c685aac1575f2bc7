package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/resolve"
)

// A resolveCommand is the flags of assay resolve.
type resolveCommand struct {
	output  string
	cache   string
	explain bool
	verbose bool
}

func newResolve() *cobra.Command {
	var r resolveCommand
	c := &cobra.Command{
		Use:   "resolve BLUEPRINT.toml -o MANIFEST.json",
		Short: "Pin everything that a blueprint asks for, and write the manifest",
		Long: `Resolve reads a blueprint and writes a manifest in which nothing is left open:
every package is one file by its SHA-256, every UUID is a value. The packages
are chosen by the distribution's own solver (apt) in a root of its own, which
checks the archive's signatures; nothing is installed and no package is
downloaded.`,
		Example: `  assay resolve fixtures/blueprints/debian.toml -o debian.json
  assay resolve --explain fixtures/blueprints/debian.toml -o debian.json | less`,
		Args: positional(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return r.run(c, args[0]) },
	}
	c.Flags().StringVarP(&r.output, "output", "o", "-", "write the manifest to `FILE`; - is standard output")
	c.Flags().StringVar(&r.cache, "cache", "", "keep the archive's lists in `DIR` (default: assay/resolve in the user's cache directory)")
	c.Flags().BoolVar(&r.explain, "explain", false, "print every value that was chosen, and why")
	c.Flags().BoolVarP(&r.verbose, "verbose", "v", false, "print what the solver says")
	return c
}

func (r *resolveCommand) run(c *cobra.Command, name string) error {
	if err := outputFile("output", r.output); err != nil {
		return err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return usage(fmt.Errorf("read blueprint: %w", err))
	}
	blueprint, err := resolve.Read(name, data)
	if err != nil {
		return usage(err)
	}
	o := resolve.Options{Cache: r.cache, EtcApt: os.DirFS("/etc/apt"), Environment: proxies()}
	if o.Cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return usage(fmt.Errorf("find a place for the lists: %w; give --cache", err))
		}
		o.Cache = filepath.Join(user, "assay", "resolve")
	}
	if r.verbose {
		o.Log = c.ErrOrStderr()
	}
	result, err := resolve.Resolve(c.Context(), blueprint, o)
	if err != nil {
		return resolveError(c.Context(), name, err)
	}
	return r.write(c, result)
}

// resolveError tells bad input (what the blueprint asks for cannot be had)
// from a machine or a network that failed.
func resolveError(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	var unmet *resolve.UnmetError
	if errors.As(err, &unmet) {
		return usage(fmt.Errorf("%s: %w", name, err))
	}
	return fmt.Errorf("resolve %s: %w", name, err)
}

func (r *resolveCommand) write(c *cobra.Command, result *resolve.Result) error {
	explanation := c.OutOrStdout()
	if r.output == "-" {
		explanation = c.ErrOrStderr()
		if _, err := c.OutOrStdout().Write(result.Manifest); err != nil {
			return fmt.Errorf("write manifest: %w", err)
		}
	} else if err := writeWhole(r.output, result.Manifest); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if r.explain {
		return explain(explanation, result.Choices)
	}
	return nil
}

// writeWhole writes a file so that a reader finds the old one or the new one.
func writeWhole(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // it is gone where all went well
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func explain(w io.Writer, choices []resolve.Choice) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, choice := range choices {
		fmt.Fprintf(table, "%s\t%s\t%s\n", choice.What, choice.Value, choice.Why)
	}
	return table.Flush()
}

// proxies are the variables by which a machine tells of its way out.
func proxies() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch strings.ToLower(name) {
		case "http_proxy", "https_proxy", "no_proxy":
			env = append(env, v)
		}
	}
	return env
}
