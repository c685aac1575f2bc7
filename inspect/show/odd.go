package show

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/lint"
	"github.com/assay-os/assay/report"
)

// follows ends the reason of a section that is unread only since the files are.
const follows = "the whole image could not be read"

// odd lists what package lint finds: a row for each rule, with the first place
// and how many there are.
func odd(r *report.Report) part {
	p := part{Heading: "What is odd"}
	result := lint.Check(r, lint.Options{})
	t := table{Heads: []string{"", "what", "where", "+how to mend it"}}
	summaries := map[string]string{}
	for _, rule := range lint.Rules() {
		summaries[rule.ID] = rule.Summary
	}
	for _, same := range byRule(result.Findings) {
		f := same[0]
		where := cmp.Or(f.Path.String(), f.Message)
		if n := len(same) - 1; n > 0 {
			where = strings.TrimSpace(where + fmt.Sprintf(" (and %d more)", n))
		}
		t.Rows = append(t.Rows, []cell{{string(f.Level), tones(f.Level)}, text(cmp.Or(summaries[f.Rule], f.Rule)), text(where), text(f.Fix)})
	}
	p.table(t)
	switch {
	case len(t.Rows) == 0 && len(result.Unjudged) == 0:
		p.note(good, "nothing")
	case len(t.Rows) == 0 && len(result.Unjudged) == 1:
		p.note(good, "nothing by all rules but one")
	}
	if why := unjudged(result.Unjudged); why != "" {
		p.note(soft, why)
	}
	return p
}

// unjudged tells of rules that could not look: of one alone why, and what to do.
func unjudged(list []lint.Unjudged) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return "the rule " + list[0].Rule + " could not judge: " + list[0].Reason
	}
	return fmt.Sprintf("%d rules could not judge: what they need was not read", len(list))
}

func tones(l lint.Level) tone {
	switch l {
	case lint.Error:
		return bad
	case lint.Warning:
		return warn
	default:
		return soft
	}
}

// byRule cuts findings where the rule changes: they come in its order.
func byRule(list []lint.Finding) [][]lint.Finding {
	var out [][]lint.Finding
	for i, f := range list {
		if i == 0 || list[i-1].Rule != f.Rule {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], f)
	}
	return out
}

// notRead lists the sections that are, the files first: much may follow from
// them. Sections with one reason stand together.
func notRead(r *report.Report) part {
	p := part{Heading: "Not read"}
	t := table{Heads: []string{"section", "why"}}
	together := map[string][]string{}
	var reasons []string
	for _, name := range unread(r) {
		reason := r.Sections[name].Reason
		if strings.HasSuffix(reason, follows) {
			reason = "some files were not read, and what is missing may be among them"
		}
		if together[reason] == nil {
			reasons = append(reasons, reason)
		}
		together[reason] = append(together[reason], name)
	}
	var notes []string
	for _, reason := range reasons {
		if list := together[reason]; len(list) > 2 {
			notes = append(notes, strings.Join(list, ", ")+": "+reason)
			continue
		}
		t.Rows = append(t.Rows, []cell{{strings.Join(together[reason], ", "), warn}, text(reason)})
	}
	p.table(t)
	for _, n := range notes {
		p.note(soft, n)
	}
	return p
}

// unread are the names of the sections that are, those first from which others follow.
func unread(r *report.Report) []string {
	var names []string
	for _, name := range append([]string{"files", "disk"}, slices.Sorted(maps.Keys(r.Sections))...) {
		if r.Sections[name].Status == report.Unread && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
