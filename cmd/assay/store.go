package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/store"
)

// defaultStore is where commands look for the store when --store is not given.
const defaultStore = ".assay"

// A storeCommand is the flags that the commands on a store share.
type storeCommand struct {
	dir    string
	format string
}

func newStore() *cobra.Command {
	var s storeCommand
	c := &cobra.Command{
		Use:   "store",
		Short: "Look into the store of sources and layers, check it, make room in it",
		Long: `The store holds what builds fetched (sources, by checksum) and made (layers: what
each step changed, by cache key). It needs no care; these commands are for looking
and for making room. Its form on disk is described in docs/store.md.`,
		Args: unknownCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().StringVar(&s.dir, "store", defaultStore, "use the store in `DIR`")
	c.AddCommand(s.newList(), s.newShow(), s.newCollect(), s.newVerify())
	for _, sub := range c.Commands() {
		formatFlag(sub.Flags(), &s.format)
	}
	return c
}

// open opens a store that is there: looking must not make one.
func (s *storeCommand) open() (*store.Dir, error) {
	if err := checkFormat(s.format); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(s.dir, "version")); err != nil {
		return nil, usage(fmt.Errorf("there is no store in %s: %w; name one with --store", s.dir, err))
	}
	return openStore(s.dir, "assay store")
}

// openStore opens a store, or makes it. A directory that cannot be one is the
// caller's fault, a disk that is full or broken is not.
func openStore(dir, holder string) (*store.Dir, error) {
	d, err := store.Open(dir, store.Options{Holder: holder})
	if err == nil {
		return d, nil
	}
	for _, system := range []error{unix.ENOSPC, unix.EDQUOT, unix.EIO, unix.EMFILE, unix.ENFILE, unix.ENOMEM} {
		if errors.Is(err, system) {
			return nil, err
		}
	}
	return nil, usage(err)
}

// print writes v as JSON, or lets text write it.
func (s *storeCommand) print(w io.Writer, v any, text func(io.Writer)) error {
	if s.format == "json" {
		return writeJSON(w, v)
	}
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	text(table)
	return table.Flush()
}

// waiting tells who keeps the command waiting.
func waiting(c *cobra.Command, dir string) func(string) {
	return func(holder string) {
		fmt.Fprintf(c.ErrOrStderr(), "waiting: %s uses the store %s\n", holder, dir)
	}
}

func (s *storeCommand) newList() *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the layers, the latest used first, and count the rest",
		Args:  positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := s.open()
			if err != nil {
				return err
			}
			l, err := d.List()
			if err != nil {
				return err
			}
			return s.print(c.OutOrStdout(), l, func(w io.Writer) { printListing(w, l) })
		},
	}
}

func printListing(w io.Writer, l *store.Listing) {
	fmt.Fprintln(w, "LAYER\tTYPE\tCHANGED\tREMOVED\tSIZE\tKEY\tUSED")
	var total int64
	for _, i := range l.Layers {
		total += i.Size
		note := i.Problem
		if note == "" {
			note = i.Used.Local().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%.12s\t%s\n", i.ID, i.Type, i.Changed, i.Removed, size(i.Size), i.Key, note)
	}
	fmt.Fprintf(w, "\n%d layers, %s\n", len(l.Layers), size(total))
	for _, u := range []struct {
		name string
		store.Usage
	}{{"sources", l.Sources}, {"unfinished downloads", l.Partial}, {"failed works", l.Failed}} {
		if u.Count > 0 {
			fmt.Fprintf(w, "%d %s, %s\n", u.Count, u.name, size(u.Bytes))
		}
	}
}

func (s *storeCommand) newShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show LAYER",
		Short: "Show one layer and what it changes; LAYER is the beginning of its id, its key or its step's id",
		Args:  positional(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := s.open()
			if err != nil {
				return err
			}
			detail, err := d.Show(args[0])
			if errors.Is(err, store.ErrNoLayer) {
				return usage(err)
			}
			if err != nil {
				return err
			}
			return s.print(c.OutOrStdout(), detail, func(w io.Writer) { printDetail(w, detail) })
		},
	}
}

func printDetail(w io.Writer, d *store.Detail) {
	for _, line := range [][2]string{
		{"layer", d.ID}, {"type", d.Type}, {"step", d.StepID}, {"key", d.Key}, {"tree before", d.Base}, {"tree after", d.Digest},
		{"size", size(d.Size)}, {"problem", d.Problem}, {"dropped sockets", strings.Join(d.Dropped, " ")}, {"metadata", string(d.Metadata)},
	} {
		if line[1] != "" {
			fmt.Fprintf(w, "%s:\t%s\n", line[0], line[1])
		}
	}
	fmt.Fprintln(w)
	for _, e := range d.Changes {
		fmt.Fprintf(w, "changed\t%s\t%s %s %d:%d %s\n", e.Path, e.Type, e.Mode, e.UID, e.GID, e.Target)
	}
	for _, p := range d.Gone {
		fmt.Fprintf(w, "removed\t%s\t\n", p)
	}
	if len(d.Changes)+len(d.Gone) == 0 {
		fmt.Fprintln(w, "nothing changed")
	}
}

func (s *storeCommand) newCollect() *cobra.Command {
	var o store.CollectOptions
	var limit string
	c := &cobra.Command{
		Use:   "gc",
		Short: "Remove failed works and leftovers, and what was used longest ago until the rest fits",
		Long: `Gc removes failed works, what killed builds left behind, and layers that no key
leads to. With --max-size it goes on with the layers and sources that were used
longest ago, until the rest fits. It waits for builds that use the store.`,
		Example: "  assay store gc --max-size 20G --dry-run",
		Args:    positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if o.MaxSize, err = parseSize(limit); err != nil {
				return usage(fmt.Errorf("--max-size: %w", err))
			}
			d, err := s.open()
			if err != nil {
				return err
			}
			o.Waiting = waiting(c, s.dir)
			got, err := d.Collect(c.Context(), o)
			if err != nil {
				return err
			}
			return s.print(c.OutOrStdout(), got, func(w io.Writer) { printCollection(w, got, o.DryRun) })
		},
	}
	c.Flags().StringVar(&limit, "max-size", "", "the `SIZE` that layers and sources may take: bytes, or a number with K, M, G or T (powers of 1024)")
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "only tell what would be removed")
	return c
}

func printCollection(w io.Writer, c *store.Collection, dryRun bool) {
	verb := "removed"
	if dryRun {
		verb = "would remove"
	}
	var total int64
	for _, t := range c.Removed {
		total += t.Bytes
		fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\n", verb, t.Kind, t.Name, size(t.Bytes), t.Reason)
	}
	fmt.Fprintf(w, "%s %d, %s; %d stay, %s\n", verb, len(c.Removed), size(total), c.Kept.Count, size(c.Kept.Bytes))
}

func (s *storeCommand) newVerify() *cobra.Command {
	var o store.VerifyOptions
	c := &cobra.Command{
		Use:   "verify",
		Short: "Read everything in the store and compare it with its checksums",
		Long: `Verify reads every byte of every source and layer and compares it, and every
entry's metadata, with what was recorded when it was stored. The exit code is 1
when something is wrong. With --repair what is wrong is removed, so that the next
build makes it anew; it waits for builds that use the store.`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := s.open()
			if err != nil {
				return err
			}
			o.Waiting = waiting(c, s.dir)
			problems, err := d.Verify(c.Context(), &o)
			if err != nil {
				return err
			}
			return s.reportProblems(c.OutOrStdout(), problems)
		},
	}
	c.Flags().BoolVar(&o.Repair, "repair", false, "remove what is damaged")
	return c
}

func (s *storeCommand) reportProblems(w io.Writer, problems []store.Problem) error {
	err := s.print(w, append([]store.Problem{}, problems...), func(w io.Writer) {
		for _, p := range problems {
			done := ""
			if p.Removed {
				done = " (removed)"
			}
			fmt.Fprintf(w, "%s %s%s: %s\n", p.Kind, p.Name, done, p.Reason)
		}
		fmt.Fprintf(w, "%d problems\n", len(problems))
	})
	if err == nil && len(problems) > 0 {
		err = unmet()
	}
	return err
}

// size writes bytes for people, in the units that parseSize reads.
func size(n int64) string {
	units := []string{"B", "K", "M", "G", "T"}
	f, u := float64(n), 0
	for f >= 1024 && u < len(units)-1 {
		f, u = f/1024, u+1
	}
	if u == 0 || f >= 100 {
		return fmt.Sprintf("%.0f%s", f, units[u])
	}
	return fmt.Sprintf("%.1f%s", f, units[u])
}

// parseSize reads "500000", "20G", "1T"; "" is no limit.
func parseSize(s string) (int64, error) {
	if s == "" {
		return -1, nil
	}
	digits := strings.TrimRight(s, "KMGT")
	shift := map[string]uint{"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
	by, ok := shift[s[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n < 0 || n > 1<<62>>by {
		return 0, fmt.Errorf("%q is not a number of bytes such as 500000, 300M or 20G", s)
	}
	return n << by, nil
}
