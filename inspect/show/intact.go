package show

import (
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
	if v != nil {
		p.facts(fact{Label: "of packages", Value: verified(v)})
	}
	if u := r.Unowned; u != nil {
		p.facts(fact{Label: "of no package", Value: text(count(u.Files, "file") + ", " + Bytes(u.Bytes))})
	}
	p.facts(fact{Label: "labels", Value: labels(r)})
	if v == nil {
		return p
	}
	t := table{Heads: []string{"result", "path", "package"}}
	for _, d := range v.Different[:min(len(v.Different), shown)] {
		t.Rows = append(t.Rows, row(d.Result, d.Path.String(), d.Package))
	}
	p.table(t)
	if left := len(v.Different) - shown; left > 0 {
		p.note(soft, "and "+many(left, "other", "others"))
	}
	return p
}

func verified(v *report.Verification) cell {
	all := count(v.Files, "file") + " compared"
	if v.Unread > 0 {
		all += fmt.Sprintf(" (%d without their contents)", v.Unread)
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
