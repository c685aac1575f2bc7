// Package sectiontest runs sections over trees that tests write down, for the
// tests of the packages of themes.
package sectiontest

import (
	"context"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// Report fills the sections from files as [treetest.Map] has them. Entries of
// files have their paths and owning packages, and no more than the map tells.
func Report(t testing.TB, list []section.Section, files map[string]string) *report.Report {
	t.Helper()
	return Fill(t, list, treetest.Of(t, treetest.Map{Files: files}))
}

// Fill fills the sections from a tree, one after the other.
func Fill(t testing.TB, list []section.Section, on *tree.Tree) *report.Report {
	t.Helper()
	r := &report.Report{OSRelease: map[string]string{}, Sections: map[string]report.Section{}}
	for _, s := range list {
		r.Sections[s.Name] = s.Run(context.Background(), on, r)
	}
	r.Files = on.Entries(true)
	return r
}

// Status requires the state of a section, and words in its reason.
func Status(t testing.TB, r *report.Report, name string, want report.Status, words ...string) {
	t.Helper()
	s := r.Sections[name]
	if s.Status != want {
		t.Errorf("section %s is %q (%s), want %q", name, s.Status, s.Reason, want)
	}
	for _, w := range words {
		if !strings.Contains(s.Reason, w) {
			t.Errorf("section %s: reason %q does not tell %q", name, s.Reason, w)
		}
	}
}
