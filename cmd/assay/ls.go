package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// An openTree is the tree of a subject that is looked into without a report.
type openTree struct {
	*tree.Tree
	img *image.Image
}

// openSubjectTree opens what ls, cat and extract look into: the whole tree, put
// together by the image's own fstab, or one partition alone.
func openSubjectTree(ctx context.Context, path string, o opening) (*openTree, error) {
	img, err := o.open(ctx, path)
	if err != nil {
		return nil, err
	}
	_, tree, err := inspect.WithTree(ctx, img, inspect.Options{NoHash: true, Sections: []string{"files"}})
	if err != nil {
		return nil, errors.Join(err, img.Close())
	}
	return &openTree{Tree: tree, img: img}, nil
}

func (t *openTree) Close() error { return t.img.Close() }

// notThere turns the error of a look-up into that of a command: a name that
// could not be looked up is inconclusive, one that is not there bad input.
func notThere(err error) error {
	if errors.Is(err, tree.ErrUnread) {
		return &exitError{exitInconclusive, err}
	}
	return usage(err)
}

func newLs() *cobra.Command {
	var o lsOptions
	c := &cobra.Command{
		Use:   "ls SUBJECT [PATH]",
		Short: "List a directory inside of a subject",
		Long: `Ls lists what is in the directory PATH (default /) of a directory, an archive
or an image, sorted by name. It needs no root and mounts nothing.

Control characters in names are written as \u{…}, and bytes that are not UTF-8
as \xHH; --null writes names as they are, each with a NUL behind it.`,
		Example: "  assay ls disk.qcow2 /etc\n  assay ls -lR --partition 1 disk.raw /",
		Args:    positional(cobra.RangeArgs(1, 2)),
		RunE:    bounded(&o.maxMemory, func(c *cobra.Command, args []string) error { return runLs(c, args, o) }),
	}
	c.Flags().BoolVarP(&o.long, "long", "l", false, "type, mode, owner, size, time and target of each name")
	c.Flags().BoolVarP(&o.recursive, "recursive", "R", false, "everything below too, by full paths")
	c.Flags().BoolVarP(&o.null, "null", "0", false, "names as they are, each followed by NUL")
	o.define(c.Flags())
	return c
}

type lsOptions struct {
	opening
	long, recursive, null bool
}

func runLs(c *cobra.Command, args []string, o lsOptions) (err error) {
	dir := "/"
	if len(args) > 1 {
		dir = args[1]
	}
	tree, err := openSubjectTree(c.Context(), args[0], o.opening)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	f, err := tree.Lookup(dir)
	if err != nil {
		return notThere(err)
	}
	w := bufio.NewWriter(c.OutOrStdout())
	l := lister{tree: tree, w: w, o: o}
	if f.Node.Type == report.Directory {
		err = l.directory(c.Context(), f)
	} else {
		l.line(f, f.Path)
	}
	if err = errors.Join(err, w.Flush()); err == nil && l.broken > 0 {
		return &exitError{exitInconclusive, fmt.Errorf("ls: %d names could not be read whole; see assay inspect", l.broken)}
	}
	return err
}

// A lister prints names, and counts those that could not be read whole.
type lister struct {
	tree   *openTree
	w      io.Writer
	o      lsOptions
	broken int
}

func (l *lister) directory(ctx context.Context, f *tree.File) error {
	if f.Node.Err != nil {
		l.broken++
	}
	if !l.o.recursive {
		for _, n := range l.tree.Names(f) {
			l.line(n, n.Name())
		}
		return nil
	}
	for _, n := range l.tree.Below(f)[1:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		l.line(n, n.Path)
	}
	return nil
}

// line prints one name.
func (l *lister) line(f *tree.File, name string) {
	if f.Node.Err != nil {
		l.broken++
	}
	end := "\n"
	if l.o.null {
		end = "\x00"
	} else {
		name = report.Printable(report.Raw(name).String())
	}
	if l.o.long {
		name = longLine(f.Node) + name
		if f.Node.Type == report.Symlink {
			name += " -> " + report.Printable(f.Node.Target.String())
		}
	}
	fmt.Fprint(l.w, name+end)
}

// longLine is what stands before a name, in columns.
func longLine(n *image.Node) string {
	size := fmt.Sprint(n.Size)
	switch n.Type {
	case report.File:
	case report.Char, report.Block:
		size = n.Device
	default:
		size = "-"
	}
	owner := fmt.Sprintf("%d:%d", n.UID, n.GID)
	return fmt.Sprintf("%-9s %s %-11s %12s %s ", n.Type, n.Mode, owner, size, n.Mtime.Format("2006-01-02T15:04:05Z"))
}

func newCat() *cobra.Command {
	var o opening
	c := &cobra.Command{
		Use:     "cat SUBJECT PATH...",
		Short:   "Write files inside of a subject to stdout",
		Long:    "Cat writes the content of files of a directory, an archive or an image to stdout.\nLinks are followed as the image itself would.",
		Example: "  assay cat disk.qcow2 /etc/os-release",
		Args:    positional(cobra.MinimumNArgs(2)),
		RunE: bounded(&o.maxMemory, func(c *cobra.Command, args []string) error {
			return runCat(c, args[0], args[1:], o)
		}),
	}
	o.define(c.Flags())
	return c
}

func runCat(c *cobra.Command, subject string, paths []string, o opening) (err error) {
	tree, err := openSubjectTree(c.Context(), subject, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	for _, path := range paths {
		f, err := tree.Lookup(path)
		if err != nil {
			return notThere(err)
		}
		if f.Node.Type != report.File {
			return usage(fmt.Errorf("cat: %s is a %s, not a file", report.Printable(path), f.Node.Type))
		}
		if err := copyContent(c.Context(), c.OutOrStdout(), f); err != nil {
			return err
		}
	}
	return nil
}

// copyContent writes a file's content to w. Content that cannot be read is
// inconclusive, a w that cannot be written to a failure.
func copyContent(ctx context.Context, w io.Writer, f *tree.File) (err error) {
	content, err := f.Open()
	if err != nil {
		return &exitError{exitInconclusive, err}
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	buf := make([]byte, 1<<20)
	for off := int64(0); off < content.Size(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := content.ReadAt(buf, off)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return fmt.Errorf("write %s: %w", report.Printable(f.Path), err)
			}
			off += int64(n)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return &exitError{exitInconclusive, fmt.Errorf("read %s: %w", report.Printable(f.Path), err)}
		}
		if n == 0 {
			return &exitError{exitInconclusive, fmt.Errorf("read %s: %w", report.Printable(f.Path), io.ErrUnexpectedEOF)}
		}
	}
	if err := image.Unchanged(content); err != nil {
		return &exitError{exitInconclusive, fmt.Errorf("read %s: %w", report.Printable(f.Path), err)}
	}
	return nil
}
