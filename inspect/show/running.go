package show

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// running tells what systemd starts, and what is run at its time.
func running(r *report.Report) part {
	p := part{Heading: "What runs"}
	if p.state(r, "services", "no systemd units") {
		return p
	}
	s := r.Services
	p.facts(
		fact{Label: "default target", Value: text(cmp.Or(s.DefaultTarget, "none"))},
		fact{Label: "at boot", Value: text(startup(r))},
		names("enabled", s.Enabled),
		names("masked", s.Masked),
		fact{Label: "disabled", Value: text(count(len(s.Disabled), "unit"))},
		names1("start nothing", idle(r)),
	)
	t := table{Heads: []string{"when", "runs"}}
	for _, x := range r.Timers {
		if slices.ContainsFunc(r.Startup, func(u report.StartupUnit) bool { return u.Name == x.Name && u.State == "loaded" }) {
			t.Rows = append(t.Rows, row(strings.Join(x.When, ", "), x.Unit))
		}
	}
	for _, x := range r.Cron {
		t.Rows = append(t.Rows, row("cron, "+strings.TrimSpace(x.Schedule+" "+x.User), x.Command))
	}
	p.table(t)
	return p
}

// startup counts what the default target starts, by the kind of unit.
func startup(r *report.Report) string {
	kinds := map[string]int{}
	for _, u := range r.Startup {
		if u.How == "start" && u.State == "loaded" {
			kinds[u.Name[strings.LastIndex(u.Name, ".")+1:]]++
		}
	}
	var out []string
	for _, kind := range slices.SortedFunc(maps.Keys(kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(kinds[b], kinds[a]), cmp.Compare(a, b))
	}) {
		out = append(out, count(kinds[kind], kind))
	}
	return strings.Join(out, ", ")
}

// idle are units that should start and cannot.
func idle(r *report.Report) []string {
	var out []string
	for _, u := range r.Startup {
		if u.State != "loaded" {
			out = append(out, fmt.Sprintf("%s (%s)", u.Name, u.State))
		}
	}
	return out
}

// names is a fact of many, or that there is none.
func names(label string, list []string) fact {
	if len(list) == 0 {
		return fact{Label: label, Value: cell{"none", soft}}
	}
	return fact{Label: label, Names: list}
}
