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
	if v := r.Verification; v != nil {
		p.facts(fact{Label: "of packages", Value: verified(v)})
		t := table{Heads: []string{"result", "path", "package"}}
		for _, d := range v.Different[:min(len(v.Different), shown)] {
			t.Rows = append(t.Rows, row(d.Result, d.Path.String(), d.Package))
		}
		p.table(t)
		if left := len(v.Different) - shown; left > 0 {
			p.note(soft, "and "+many(left, "other", "others"))
		}
	}
	if u := r.Unowned; u != nil {
		p.facts(fact{Label: "of no package", Value: text(count(u.Files, "file") + ", " + Bytes(u.Bytes))})
	}
	if labels := mislabelled(r); labels != "" {
		p.facts(fact{Label: "labels", Value: cell{labels, warn}})
	} else if r.Sections["selinux-mismatches"].Status == report.OK {
		p.facts(fact{Label: "labels", Value: cell{"all as the policy says", good}})
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

// mislabelled counts labels that are not the policy's, by what is wrong.
func mislabelled(r *report.Report) string {
	kinds := map[string]int{}
	for _, m := range r.SELinuxMismatches {
		kinds[m.Kind]++
	}
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		out = append(out, fmt.Sprintf("%d %s", kinds[kind], kind))
	}
	if out == nil {
		return ""
	}
	return many(len(r.SELinuxMismatches), "is", "are") + " otherwise than the policy says: " + strings.Join(out, ", ")
}
