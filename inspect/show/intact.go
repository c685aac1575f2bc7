package show

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// shown is how many of the files at fault are named.
const shown = 12

// intact tells what is not as packages and the policy say.
func intact(r *report.Report) part {
	p := part{Heading: "Is it as packages say"}
	v := r.Verification
	var known []fact // in one list, which aligns them
	if v != nil {
		known = append(known, fact{Label: "of packages", Value: verified(v)})
	}
	if u := r.Unowned; u != nil {
		known = append(known, fact{Label: "of no package", Value: text(count(u.Files, "file") + ", " + Bytes(u.Bytes))})
	}
	p.facts(append(known, fact{Label: "labels", Value: labels(r)})...)
	if v == nil {
		return p
	}
	t := table{Heads: []string{"it is", "path", "package"}}
	for _, d := range telling(v.Different) {
		t.Rows = append(t.Rows, row(cmp.Or(strings.Join(d.Facts, "; "), d.Result), d.Path.String(), d.Package))
	}
	p.table(t)
	if left := len(v.Different) - shown; left > 0 {
		p.note(soft, "and "+many(left, "other", "others"))
	}
	return p
}

// telling are the first files at fault: those that are there and differ, then those that are missing.
// A system that leaves whole directories out would hide the one program that was changed.
func telling(all []report.Difference) []report.Difference {
	var there, missing []report.Difference
	for _, d := range all {
		if d.Result == "missing" {
			missing = append(missing, d)
		} else {
			there = append(there, d)
		}
	}
	return append(there, missing...)[:min(len(all), shown)]
}

// verified counts what packages list, which is more than the tree has: a directory counts for each of its packages.
func verified(v *report.Verification) cell {
	all := many(v.Files, "record", "records") + " compared"
	if v.Unread > 0 {
		all += fmt.Sprintf(" (%d without the contents: --verify reads them)", v.Unread)
	}
	if len(v.Different) == 0 {
		return cell{all + ", none is otherwise", good}
	}
	return cell{fmt.Sprintf("%s, %d otherwise", all, len(v.Different)), warn}
}

// labels counts those that are not the policy's, by what is wrong.
func labels(r *report.Report) cell {
	kinds := map[string]int{}
	for _, m := range r.SELinuxMismatches {
		kinds[m.Kind]++
	}
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		out = append(out, fmt.Sprintf("%d %s", kinds[kind], kind))
	}
	switch {
	case out != nil:
		return cell{many(len(r.SELinuxMismatches), "is", "are") + " otherwise than the policy says: " + strings.Join(out, ", "), warn}
	case r.Sections["selinux-mismatches"].Status == report.OK:
		return cell{"all as the policy says", good}
	}
	return cell{}
}
