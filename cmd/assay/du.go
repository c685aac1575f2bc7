package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/show"
	"github.com/assay-os/assay/inspect/space"
	"github.com/assay-os/assay/report"
)

func newDu() *cobra.Command {
	var how opening
	var o weighing
	c := &cobra.Command{
		Use:   "du SUBJECT [SUBJECT]",
		Short: "Tell what takes the space of an image, or what grew between two",
		Long: `Du adds up the sizes of an image's files by the package that owns them, by
directory, or by the step of a build that wrote them (with --store). Of two
subjects it tells what differs, what grew most first.

A content with several names counts once.`,
		Example: `  assay du disk.qcow2
  assay du --by directory --depth 2 yesterday.json today.qcow2
  assay du --by stage --store STORE STEP`,
		Args: positional(cobra.RangeArgs(1, 2)),
		RunE: bounded(&how.maxMemory, func(c *cobra.Command, args []string) error { return o.run(c, how, args) }),
	}
	how.define(c.Flags())
	c.Flags().StringVar(&o.by, "by", "package", "add up by `GROUP`: package, directory or stage")
	c.Flags().IntVar(&o.depth, "depth", 1, "of directories take those `N` below the root")
	c.Flags().IntVar(&o.top, "top", 30, "as text show the `N` largest groups; 0 shows all, as json does")
	formatFlag(c.Flags(), &o.format)
	return c
}

// weighing are the flags of du.
type weighing struct {
	by, format string
	depth, top int
}

func (o *weighing) run(c *cobra.Command, how opening, args []string) error {
	if err := errors.Join(checkFormat(o.format), oneOf("by", o.by, "package", "directory", "stage")); err != nil {
		return err
	}
	if o.depth < 0 || o.top < 0 {
		return usage(errors.New("--depth and --top count from 0"))
	}
	if o.by == "stage" && how.store == "" {
		return usage(errors.New("--by stage: name the store of the builds by --store DIR, and a step as SUBJECT"))
	}
	how.mixed = len(args) == 2
	var lists [][]space.Share
	for _, name := range args {
		list, err := o.shares(c.Context(), how, name)
		if err != nil {
			return err
		}
		lists = append(lists, list)
	}
	if len(lists) == 2 {
		return o.writeGrowth(c.OutOrStdout(), space.Compare(lists[0], lists[1]))
	}
	return o.writeShares(c.OutOrStdout(), lists[0])
}

// shares are what one subject's groups take. What could not be read makes no sum.
func (o *weighing) shares(ctx context.Context, how opening, name string) ([]space.Share, error) {
	sections := []string{"files"}
	if o.by == "package" {
		sections = append(sections, "packages")
	}
	r, err := inspectSubject(ctx, name, how, inspect.Options{NoHash: true, Sections: sections})
	if err != nil {
		return nil, err
	}
	for _, s := range sections {
		if state := r.Sections[s]; state.Status == report.Unread && state.Reason != inspect.NotHashed {
			return nil, &exitError{exitInconclusive, fmt.Errorf("%s: section %s was not read: %s", name, s, report.Printable(state.Reason))}
		}
	}
	group, err := o.group(ctx, how, name)
	if err != nil {
		return nil, err
	}
	return space.By(r, group), nil
}

func (o *weighing) group(ctx context.Context, how opening, name string) (space.Group, error) {
	switch o.by {
	case "directory":
		return space.Directory(o.depth), nil
	case "stage":
		return byStage(ctx, how.store, name)
	}
	return space.Package, nil
}

// byStage groups by the step whose layer carries a file: the last that wrote it.
func byStage(ctx context.Context, storeDir, name string) (space.Group, error) {
	d, err := openStore(storeDir, "assay du")
	if err != nil {
		return nil, err
	}
	release, err := d.Hold(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer release()
	tree, err := d.Find(ctx, name)
	if err != nil {
		return nil, usage(err)
	}
	steps := map[string]string{}
	for i, l := range tree.Layers {
		steps[l.ID] = fmt.Sprintf("%d %s", i+1, l.Type)
	}
	list, err := d.Located(tree)
	if err != nil {
		return nil, err
	}
	of := map[report.Raw]string{}
	for _, l := range list {
		if rest, ok := strings.CutPrefix(l.Content, filepath.Join(d.Path(), "layers")+"/"); ok {
			layer, _, _ := strings.Cut(rest, "/")
			of[l.Path] = steps[layer]
		}
	}
	return func(e *report.Entry) string { return of[e.Path] }, nil
}

func (o *weighing) writeShares(w io.Writer, list []space.Share) error {
	if o.format == formatJSON {
		return writeJSON(w, list)
	}
	b := bufio.NewWriter(w)
	total := space.Total(list)
	for i, s := range list {
		if o.top > 0 && i == o.top {
			rest := space.Total(list[i:])
			fmt.Fprintf(b, "%10s  %5.1f%%  %7d files  … %d more\n", show.Bytes(rest.Bytes), percent(rest.Bytes, total.Bytes), rest.Files, len(list)-i)
			break
		}
		fmt.Fprintf(b, "%10s  %5.1f%%  %7d files  %s\n", show.Bytes(s.Bytes), percent(s.Bytes, total.Bytes), s.Files, report.Printable(s.Name))
	}
	fmt.Fprintf(b, "%10s  %5.1f%%  %7d files  total\n", show.Bytes(total.Bytes), 100.0, total.Files)
	return b.Flush()
}

func percent(n, of int64) float64 { return 100 * float64(n) / float64(max(of, 1)) }

func (o *weighing) writeGrowth(w io.Writer, list []space.Change) error {
	if o.format == formatJSON {
		return writeJSON(w, list)
	}
	b := bufio.NewWriter(w)
	var total int64
	for i, c := range list {
		total += c.Grown()
		if o.top == 0 || i < o.top {
			fmt.Fprintf(b, "%11s  %10s → %-10s  %s\n", signed(c.Grown()), show.Bytes(c.A), show.Bytes(c.B), report.Printable(c.Name))
		}
	}
	if o.top > 0 && len(list) > o.top {
		fmt.Fprintf(b, "%11s  … %d more differ\n", "", len(list)-o.top)
	}
	fmt.Fprintf(b, "%11s  in all\n", signed(total))
	return b.Flush()
}

// signed is a size with its sign.
func signed(n int64) string {
	if n < 0 {
		return "−" + show.Bytes(-n)
	}
	return "+" + show.Bytes(n)
}
