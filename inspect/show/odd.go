package show

import (
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// follows ends the reason of a section that is unread only since the files are.
const follows = "the whole image could not be read"

// odd lists what could not be read, the files first: much may follow from
// them. Sections with one reason stand together.
func odd(r *report.Report, _ Options) part {
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
