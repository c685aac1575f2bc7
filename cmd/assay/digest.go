package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assay-os/assay/diff"
	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/report"
)

// A subjectDigest is the functional digest of one subject.
type subjectDigest struct {
	Subject string `json:"subject"`
	// Digest is empty where a part was not read; Reason says which.
	Digest   string            `json:"digest"`
	Reason   string            `json:"reason,omitempty"`
	Sections map[string]string `json:"sections,omitempty"`
	// tree is the digest of the tree alone; isDisk tells that Digest covers more.
	tree   string
	isDisk bool
}

func newDigest() *cobra.Command {
	var how opening
	var format string
	var what digestOptions
	c := &cobra.Command{
		Use:   "digest SUBJECT...",
		Short: "Print the functional digest of subjects: equal digests, equal behaviour",
		Long: `Digest prints the functional digest of each subject and its name, in the form of
sha256sum. Two subjects have equal digests exactly when assay diff calls them
identical or equivalent. A disk's digest covers what lies around its filesystems,
too; where subjects are not all disks, diff compares the trees alone.
There is no digest over what could not be read: then the exit code is 2.`,
		Example: "  assay digest disk.qcow2 report.json\n  assay digest --sections disk.raw",
		Args:    positional(cobra.MinimumNArgs(1)),
		RunE: bounded(&how.maxMemory, func(c *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			if err := checkRules(what.rules); err != nil {
				return err
			}
			list, err := digestsOf(c, args, how, what)
			if err != nil {
				return err
			}
			return writeDigests(c.OutOrStdout(), c.ErrOrStderr(), list, format)
		}),
	}
	how.define(c.Flags())
	formatFlag(c.Flags(), &format)
	c.Flags().BoolVar(&what.sections, "sections", false, "print the digest of each section, too")
	rulesFlag(c.Flags(), &what.rules)
	return c
}

// digestOptions are what to compute, and by which rules.
type digestOptions struct {
	sections bool
	rules    int
}

// rulesFlag defines --rules; [checkRules] reads its value.
func rulesFlag(f *pflag.FlagSet, value *int) {
	f.IntVar(value, "rules", diff.RulesVersion, "judge by version `N` of the set of rules, as digests with the prefix fdN were made")
}

func checkRules(version int) error {
	if version < 1 || version > diff.RulesVersion {
		return usage(fmt.Errorf("--rules %d: there are the versions 1 to %d", version, diff.RulesVersion))
	}
	return nil
}

// digestsOf inspects one subject after the other.
func digestsOf(c *cobra.Command, subjects []string, how opening, what digestOptions) ([]subjectDigest, error) {
	var list []subjectDigest
	for _, name := range subjects {
		r, err := inspectSubject(c.Context(), name, how, inspect.Options{Progress: progressOf(c.ErrOrStderr())})
		if err != nil {
			return nil, err
		}
		d := diff.DigestBy(what.rules, r)
		s := subjectDigest{Subject: name, Digest: d.Functional(), tree: d.Tree, isDisk: r.Disk != nil}
		if s.Digest == "" {
			s.Reason = firstUnread(r)
		}
		if what.sections {
			s.Sections = d.Sections
		}
		list = append(list, s)
	}
	return list, nil
}

func writeDigests(w, complaints io.Writer, list []subjectDigest, format string) error {
	if format == formatJSON {
		if err := writeJSON(w, list); err != nil {
			return err
		}
	}
	unread := 0
	for _, s := range list {
		name := report.Printable(s.Subject)
		if s.Digest == "" {
			unread++
			fmt.Fprintf(complaints, "assay: %s: no digest: %s\n", name, s.Reason)
		}
		if format == formatJSON {
			continue
		}
		if s.Digest != "" {
			fmt.Fprintf(w, "%s  %s\n", s.Digest, name)
		}
		for _, section := range slices.Sorted(maps.Keys(s.Sections)) {
			fmt.Fprintf(w, "%s  %s %s\n", s.Sections[section], name, section)
		}
	}
	if unread > 0 {
		return &exitError{exitInconclusive, errors.New("digest: not everything was read")}
	}
	return nil
}
