package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/report"
)

// A subjectGroup is subjects that behave the same.
type subjectGroup struct {
	Digest   string   `json:"digest"`
	Subjects []string `json:"subjects"`
}

// runGroup compares many subjects by their digests. It names what is apart from
// the most; what differs in it is left to a comparison of two.
func runGroup(c *cobra.Command, subjects []string, how opening, format string, rules int) error {
	if err := checkFormat(format); err != nil {
		return err
	}
	list, err := digestsOf(c, subjects, how, digestOptions{rules: rules})
	if err != nil {
		return err
	}
	groups, unread := groupDigests(oneScope(list))
	if format == formatJSON {
		err = writeJSON(c.OutOrStdout(), groups)
	} else {
		writeGroups(c.OutOrStdout(), groups)
	}
	for _, s := range unread {
		fmt.Fprintf(c.ErrOrStderr(), "assay: %s: no digest: %s\n", report.Printable(s.Subject), s.Reason)
	}
	switch {
	case err != nil:
		return err
	case len(groups) > 1:
		return unmet()
	case len(unread) > 0:
		return inconclusive()
	}
	return nil
}

// oneScope leaves of disks their trees, unless all are disks.
func oneScope(list []subjectDigest) []subjectDigest {
	if !slices.ContainsFunc(list, func(s subjectDigest) bool { return !s.isDisk }) {
		return list
	}
	for i := range list {
		list[i].Digest = list[i].tree
	}
	return list
}

// groupDigests puts subjects of one digest together, the largest group first.
func groupDigests(list []subjectDigest) (groups []subjectGroup, unread []subjectDigest) {
	for _, s := range list {
		if s.Digest == "" {
			unread = append(unread, s)
			continue
		}
		i := slices.IndexFunc(groups, func(g subjectGroup) bool { return g.Digest == s.Digest })
		if i < 0 {
			i, groups = len(groups), append(groups, subjectGroup{Digest: s.Digest})
		}
		groups[i].Subjects = append(groups[i].Subjects, s.Subject)
	}
	slices.SortStableFunc(groups, func(a, b subjectGroup) int { return cmp.Compare(len(b.Subjects), len(a.Subjects)) })
	return groups, unread
}

func writeGroups(w io.Writer, groups []subjectGroup) {
	for i, g := range groups {
		fmt.Fprintln(w, g.Digest)
		for _, s := range g.Subjects {
			note := ""
			if i > 0 && len(groups[0].Subjects) > len(g.Subjects) {
				note = "  (apart from the most; compare it with " + report.Printable(groups[0].Subjects[0]) + ")"
			}
			fmt.Fprintf(w, "  %s%s\n", report.Printable(s), note)
		}
	}
}
