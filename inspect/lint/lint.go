// Package lint finds in a report what should not be in an image that is handed
// on: identities that every copy would share, leftovers of its making, doors
// that stand open, and parts that do not fit together.
//
//	result := lint.Check(r, lint.Options{})
//	for _, f := range result.Findings { … }
//
// It judges the report alone and reads no image, so that a saved report gives
// the same findings. A rule that needs a section which was not read makes no
// finding and no silence: it is listed as not judged, with the reason.
package lint

import (
	"cmp"
	"slices"
	"time"

	"github.com/assay-os/assay/report"
)

// A Level says how much a finding matters.
type Level string

// The levels, worst first, by the words of SARIF.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

// Never is a level that no finding reaches.
const Never Level = "never"

// Levels are all that a finding may have, worst first.
func Levels() []Level { return []Level{Error, Warning, Note} }

// AtLeast tells whether l matters as much as the other level.
func (l Level) AtLeast(other Level) bool {
	return slices.Index(Levels(), l) <= slices.Index(Levels(), other)
}

// A Rule looks for one kind of fault.
type Rule struct {
	ID    string
	Level Level
	// Summary says what is found, Reason why it matters, Fix how to mend it.
	Summary, Reason, Fix string
	// needs are the sections without which the rule cannot judge. A section that is
	// absent has nothing to find.
	needs []string
	check func(s *subject) []found
	// unsure says why what is not found may still be there; nil where a section that was read is whole.
	unsure func(s *subject) string
}

func (r Rule) doubt(s *subject) string {
	if r.unsure == nil {
		return ""
	}
	return r.unsure(s)
}

// found is what a rule finds, before it is a finding.
type found struct {
	path    report.Raw
	message string
}

// A Finding is one fault at one place.
type Finding struct {
	Rule  string `json:"rule"`
	Level Level  `json:"level"`
	// Path is the file, or the name of the thing, that is at fault.
	Path    report.Raw `json:"path,omitempty"`
	Message string     `json:"message"`
	Fix     string     `json:"fix"`
}

// An Unjudged is a rule that could not look.
type Unjudged struct {
	Rule    string `json:"rule"`
	Section string `json:"section"`
	Reason  string `json:"reason"`
}

// A Result is what all rules found, worst first, then by rule and place.
type Result struct {
	Findings []Finding  `json:"findings"`
	Unjudged []Unjudged `json:"not_judged,omitempty"`
}

// Options tune a check. The zero value judges by all rules.
type Options struct {
	// At is the time at which certificates and keys are to be valid; the zero
	// value is the newest time of modification in the report, which is about when
	// the image was made. No clock is asked.
	At time.Time
	// Ignore are rules that are not asked.
	Ignore []string
}

// Check asks every rule about r.
func Check(r *report.Report, o Options) *Result {
	s := newSubject(r, o)
	out := &Result{Findings: []Finding{}}
	for _, rule := range Rules() {
		if slices.Contains(o.Ignore, rule.ID) {
			continue
		}
		if section, reason := s.missing(rule.needs); section != "" {
			out.Unjudged = append(out.Unjudged, Unjudged{rule.ID, section, reason})
			continue
		}
		if why := rule.doubt(s); why != "" {
			out.Unjudged = append(out.Unjudged, Unjudged{rule.ID, rule.needs[0], why})
		}
		for _, f := range rule.check(s) {
			out.Findings = append(out.Findings, Finding{rule.ID, rule.Level, f.path, f.message, rule.Fix})
		}
	}
	slices.SortStableFunc(out.Findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(Levels(), a.Level), slices.Index(Levels(), b.Level)),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return out
}

// Worst tells whether a finding is at least of that level.
func (r *Result) Worst(level Level) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Level.AtLeast(level) })
}

// Rules is the one list, by theme.
func Rules() []Rule {
	return slices.Concat(identityRules(), leftoverRules(), fileRules(), accountRules(), packageRules(), startRules(), trustRules())
}
