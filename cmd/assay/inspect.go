package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/diff"
	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/formats"
	"github.com/assay-os/assay/report"
)

// inspectOptions are the flags of assay inspect.
type inspectOptions struct {
	opening
	output     string
	from       string
	format     string
	digest     bool
	noHash     bool
	cross      bool
	verify     bool
	showHashes bool
	cache      string
	sections   []string
	bill       billOptions
}

func newInspect() *cobra.Command {
	var o inspectOptions
	c := &cobra.Command{
		Use:   "inspect SUBJECT",
		Short: "Record everything that is in a directory, an archive or an image",
		Long: `Inspect records everything that is in SUBJECT. It needs no root and mounts
nothing. SUBJECT may be

  a disk        raw, qcow2, vmdk, vhd, vhdx, vdi, an OVA, a block device
  a filesystem  ext2 to ext4, xfs, btrfs, FAT, squashfs, erofs, ISO 9660
  a container   an OCI layout, docker save, skopeo's dir; an OSTree repository
  an archive    tar, cpio
  a directory   or / for the running system
  -             any of the files above on stdin
  a report      that was saved, to show it in another form

Files may be compressed by gzip, xz, zstd or bzip2. What SUBJECT is shows from
its content, never from its name. docs/formats.md lists all that is read.

The result is one document: every file with all its facts, and sections for
packages, users, services, how it boots, and what lies around the filesystems
of a disk. What could not be read is said in its sections, and then the exit
code is 2.`,
		Example: `  assay inspect disk.qcow2 -o report.json
  assay inspect --format text /srv/root
  assay inspect report.json --format html -o report.html
  assay inspect disk.qcow2 --format cyclonedx --sbom-files
  curl https://example.org/root.tar.zst | assay inspect --format text -
  assay inspect --passphrase-file key --partition 3 encrypted.vmdk
  assay inspect --digest disk.raw`,
		Args: positional(cobra.ExactArgs(1)),
		RunE: bounded(&o.maxMemory, func(c *cobra.Command, args []string) error {
			return runInspect(c, args[0], o)
		}),
	}
	f := c.Flags()
	o.define(f)
	f.StringVarP(&o.output, "output", "o", "", "write the report to `FILE`, not to stdout")
	f.StringVar(&o.format, "format", formats.JSON, "print the report as `FORMAT`: "+formatList())
	o.bill.define(f)
	f.BoolVar(&o.digest, "digest", false, "print the functional digest instead of the report")
	f.BoolVar(&o.noHash, "no-hash", false, "do not read contents")
	f.BoolVar(&o.verify, "verify", false, "compare every content with what its package records, also where that means to read it once more (dpkg)")
	f.BoolVar(&o.showHashes, "show-hashes", false, "show the hashes of passwords in the sections shadow and gshadow")
	f.StringVar(&o.cache, "hash-cache", "", "keep digests in `FILE`, and believe those of files that the filesystem says are unchanged")
	f.BoolVar(&o.cross, "cross-read", false, "read it through the kernel, too (root only), and require both readers to agree on every fact")
	f.StringVar(&o.from, "from", "", "read a document of `FORMAT`: image-info, as osbuild-image-info writes it")
	f.StringSliceVar(&o.sections, "sections", nil, "fill only the sections `NAME,…`: "+strings.Join(inspect.SectionNames(), ", "))
	return c
}

// check refuses flags that mean nothing.
func (o *inspectOptions) check() error {
	if err := oneOf("format", o.format, formats.Names()...); err != nil {
		return err
	}
	if err := outputFile("output", o.output); o.output != "" && err != nil {
		return err
	}
	if err := outputFile("hash-cache", o.cache); o.cache != "" && err != nil {
		return err
	}
	if o.cross && o.via != "" {
		return usage(errors.New("--cross-read reads both ways by itself: leave --via out"))
	}
	if o.cross {
		if err := rootForKernel("--cross-read"); err != nil {
			return err
		}
	}
	if o.sections != nil && len(o.sections) == 0 {
		return usage(errors.New("--sections names none: with --sections users,logins two would be filled, without it all"))
	}
	for _, s := range o.sections {
		if !slices.Contains(inspect.SectionNames(), s) {
			return usage(fmt.Errorf("--sections: there is no section %q; %s", s, sectionHint(s)))
		}
	}
	return nil
}

// sectionHint is the section that was meant, or all there are.
func sectionHint(name string) string {
	if near := step.Nearest(name, inspect.SectionNames()); near != "" {
		return fmt.Sprintf("did you mean %q? assay inspect --help lists them", near)
	}
	return "there are " + strings.Join(inspect.SectionNames(), ", ")
}

func runInspect(c *cobra.Command, subject string, o inspectOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.from != "" {
		r, err := recordedReport(c.Context(), subject, o.from, o.opening)
		if err == nil {
			err = o.write(c.OutOrStdout(), r)
		}
		if err != nil {
			return err
		}
		return inconclusive()
	}
	if err := o.refuseSaved(c.Context(), subject); err != nil {
		return err
	}
	cache, err := o.readCache()
	if err != nil {
		return err
	}
	r, err := inspectSubject(c.Context(), subject, o.opening, inspect.Options{
		NoHash: o.noHash, Verify: o.verify, ShowHashes: o.showHashes, Sections: o.sections, Progress: progressOf(c.ErrOrStderr()), HashCache: cache,
	})
	if err == nil {
		err = o.writeCache(cache)
	}
	if err == nil && o.cross {
		err = crossRead(c, subject, o, r)
	}
	if err != nil {
		return err
	}
	if err := o.write(c.OutOrStdout(), r); err != nil {
		return err
	}
	if unreadSections(r, o) {
		return inconclusive()
	}
	return nil
}

// refuseSaved refuses flags by which a saved report cannot be asked again.
func (o *inspectOptions) refuseSaved(ctx context.Context, subject string) error {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"--sections", o.sections != nil}, {"--verify", o.verify}, {"--show-hashes", o.showHashes},
		{"--no-hash", o.noHash}, {"--hash-cache", o.cache != ""}, {"--cross-read", o.cross},
	} {
		if !f.set {
			continue
		}
		saved, err := o.savedReport(ctx, subject)
		if err == nil && saved != nil {
			return usage(fmt.Errorf("inspect %s: it is a saved report, in which %s changes nothing: inspect the image itself", subject, f.name))
		}
		return nil // where it cannot be read, who reads it next says so
	}
	return nil
}

// readCache reads the file of digests that was asked for; it need not be there.
func (o *inspectOptions) readCache() (*inspect.HashCache, error) {
	if o.cache == "" {
		return nil, nil
	}
	cache := inspect.NewHashCache()
	f, err := os.Open(o.cache)
	if errors.Is(err, os.ErrNotExist) {
		return cache, nil
	}
	if err != nil {
		return nil, usage(err)
	}
	defer f.Close()
	if err := cache.Read(f); err != nil {
		return nil, usage(fmt.Errorf("--hash-cache %s: %w", o.cache, err))
	}
	return cache, nil
}

// writeCache replaces the file of digests as a whole.
func (o *inspectOptions) writeCache(cache *inspect.HashCache) error {
	if cache == nil {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(o.cache), ".assay-cache-*")
	if err != nil {
		return fmt.Errorf("write hash cache: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // it is gone when it was renamed
	if err := errors.Join(cache.Write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), o.cache)
}

// maxDisagreements is how many are told one by one.
const maxDisagreements = 20

// crossRead reads the subject again through the kernel, and tells of each fact
// on which the two readers do not agree.
func crossRead(c *cobra.Command, subject string, o inspectOptions, r *report.Report) error {
	o.via = viaKernel
	theirs, err := inspectSubject(c.Context(), subject, o.opening, inspect.Options{NoHash: o.noHash, Progress: progressOf(c.ErrOrStderr())})
	if err != nil {
		return err
	}
	if s := theirs.Sections["files"]; s.Status == report.Unread && s.Reason != inspect.NotHashed {
		fmt.Fprintln(c.ErrOrStderr(), "assay: cross-read: the kernel did not read everything: "+report.Printable(s.Reason))
	}
	list := inspect.CrossRead(r, theirs)
	for _, d := range list[:min(len(list), maxDisagreements)] {
		fmt.Fprintln(c.ErrOrStderr(), "assay: cross-read: "+report.Printable(d.String()))
	}
	if more := len(list) - maxDisagreements; more > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "assay: cross-read: and %d more\n", more)
	}
	return nil
}

// inspectSubject opens a subject, inspects it and closes it; of a saved report
// it gives what was recorded. What is no subject is bad input.
func inspectSubject(ctx context.Context, subject string, how opening, o inspect.Options) (r *report.Report, err error) {
	if saved, err := how.savedReport(ctx, subject); err != nil || saved != nil {
		if err != nil {
			err = usage(fmt.Errorf("inspect %s: %w", subject, err))
		}
		return saved, err
	}
	img, err := how.open(ctx, subject)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	return inspect.Inspect(ctx, img, o)
}

// write puts the result to stdout or into the file that was asked for.
func (o *inspectOptions) write(stdout io.Writer, r *report.Report) (err error) {
	w := stdout
	if o.output != "" {
		f, err := os.Create(o.output)
		if err != nil {
			return usage(fmt.Errorf("write report: %w", err))
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		w = f
	}
	buf := bufio.NewWriterSize(w, 1<<20)
	if o.digest {
		err = writeDigest(buf, r)
	} else {
		format, _ := formats.Named(o.format) // check knows that it is there
		err = format.Write(buf, r, o.rendering(w))
	}
	return errors.Join(err, buf.Flush())
}

// writeDigest prints the functional digest as one line. There is none over
// what was not read.
func writeDigest(w io.Writer, r *report.Report) error {
	d := diff.Digest(r).Functional()
	if d == "" {
		return &exitError{exitInconclusive, errors.New("inspect: no digest: " + firstUnread(r))}
	}
	_, err := fmt.Fprintln(w, d)
	return err
}

// firstUnread names a section that was not read, and why: the files' or the
// disk's where it is one of them, since the others follow from these.
func firstUnread(r *report.Report) string {
	for _, name := range append([]string{"files", "disk"}, slices.Sorted(maps.Keys(r.Sections))...) {
		if s := r.Sections[name]; s.Status == report.Unread {
			return fmt.Sprintf("section %s was not read: %s", name, report.Printable(s.Reason))
		}
	}
	return "a section was not read"
}

// unreadSections tells whether something that was asked for is missing.
func unreadSections(r *report.Report, o inspectOptions) bool {
	for _, s := range r.Sections {
		asked := s.Reason != inspect.NotAsked && (!o.noHash || s.Reason != inspect.NotHashed)
		if s.Status == report.Unread && asked {
			return true
		}
	}
	return false
}
