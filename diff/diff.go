// Package diff compares two reports and says whether the operating systems in
// them behave the same.
//
//	result := diff.Compare(a, b)
//	fmt.Println(result.Verdict)
//
// A difference is never dropped. A [Rule] may explain it: rules are unary,
// they map one record to its canonical form and never look at a pair, so that
// equivalence is transitive and one [Digest] stands for it. docs/verdicts.md
// defines the relation.
//
// The package reads no images and imports nothing of the project but report.
package diff

import (
	"maps"
	"slices"

	"github.com/assay-os/assay/report"
)

// A Verdict is what a comparison comes to.
type Verdict string

// The verdicts, best first. Inconclusive is given when nothing unexplained
// differs but a part of either side was not read.
const (
	Identical    Verdict = "identical"
	Equivalent   Verdict = "equivalent"
	Inconclusive Verdict = "inconclusive"
	Different    Verdict = "different"
)

// Scope says what a verdict is about.
type Scope string

// The scopes: everything of a disk, or the tree of files alone.
const (
	Disk Scope = "disk"
	Tree Scope = "tree"
)

// A Result is the outcome of one comparison.
type Result struct {
	Verdict Verdict `json:"verdict"`
	Scope   Scope   `json:"scope"`
	// NotCompared names sections that only one side recorded, or that lie
	// outside of the scope.
	NotCompared []string `json:"not_compared,omitempty"`
	// Unread holds what either side could not read.
	Unread []Unread `json:"unread,omitempty"`
	// DigestA and DigestB are the functional digests over what was compared;
	// empty for a side with an unread section.
	DigestA string   `json:"digest_a"`
	DigestB string   `json:"digest_b"`
	Changes []Change `json:"changes"`
}

// An Unread is a section that a side could not read.
type Unread struct {
	Side    string `json:"side"` // "a" or "b"
	Section string `json:"section"`
	Reason  string `json:"reason"`
}

// Kind says how a record changed from a to b.
type Kind string

// The kinds of a change.
const (
	Added    Kind = "added"
	Removed  Kind = "removed"
	Modified Kind = "modified"
)

// A Change is a set of facts of one record that differ and are explained by
// the same rule, or by none (Rule is empty): then the verdict is [Different].
type Change struct {
	// Path is the entry's path, or the record's key in its section.
	Path    report.Raw `json:"path"`
	Section string     `json:"section"`
	Kind    Kind       `json:"change"`
	// Fields names the facts, A and B hold their values.
	Fields []string              `json:"fields"`
	A      map[string]report.Raw `json:"a,omitempty"`
	B      map[string]report.Raw `json:"b,omitempty"`
	Rule   string                `json:"rule"`
	Reason string                `json:"reason"`
	// Package is the package that owns the path, where a side knows it.
	Package string `json:"package,omitempty"`
}

// Compare compares a and b on what both recorded.
func Compare(a, b *report.Report) *Result { return CompareBy(RulesVersion, a, b) }

// CompareBy is [Compare] by the rules of an earlier version.
func CompareBy(version int, a, b *report.Report) *Result {
	scope, sections, skipped := common(a, b)
	va, vb := newView(a, sections, scope, version), newView(b, sections, scope, version)
	r := &Result{Scope: scope, NotCompared: skipped, Changes: []Change{}}
	r.Unread = append(unread("a", a, scope), unread("b", b, scope)...)
	for _, s := range sections {
		changes := s.compare(va, vb)
		s.explain(changes, a, b)
		r.Changes = append(r.Changes, changes...)
	}
	r.DigestA, r.DigestB = digestPair(va, vb, scope, sections)
	r.Verdict = r.verdict(a, b)
	return r
}

func (r *Result) verdict(a, b *report.Report) Verdict {
	same := r.Scope == Disk && a.Disk.Digest != "" && a.Disk.Digest == b.Disk.Digest ||
		r.Scope == Tree && len(r.Changes) == 0
	switch {
	case r.Unexplained() > 0:
		return Different
	case len(r.Unread) > 0:
		return Inconclusive
	case same:
		return Identical
	default:
		return Equivalent
	}
}

// Unexplained counts the changes that no rule explains.
func (r *Result) Unexplained() int {
	n := 0
	for _, c := range r.Changes {
		if c.Rule == "" {
			n++
		}
	}
	return n
}

// unread lists the sections of r that were not read and that the scope covers.
// Derived ones leave no doubt: what they could not read is compared as files.
func unread(side string, r *report.Report, scope Scope) []Unread {
	var out []Unread
	for _, name := range slices.Sorted(maps.Keys(r.Sections)) {
		if s := r.Sections[name]; s.Status == report.Unread && (scope == Disk || !ofDisk(name)) && !isDerived(name) {
			out = append(out, Unread{side, name, s.Reason})
		}
	}
	return out
}
