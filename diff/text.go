package diff

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// Contents gives the content of a file on one side ("a" or "b"), where a side
// is at hand and not only its report. It returns nil for what it does not have.
type Contents func(side string, path report.Raw) []byte

// Text writes a result for people: the verdict first, then what no rule
// explains, grouped by the owning package, then the explained changes by
// rule. Line diffs are shown where contents is given and both sides are
// small text.
func (r *Result) Text(w io.Writer, contents Contents) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s  (scope: %s)\n", r.Verdict, r.Scope)
	fmt.Fprintf(b, "  a %s\n  b %s\n", orNone(r.DigestA), orNone(r.DigestB))
	for _, u := range r.Unread {
		fmt.Fprintf(b, "  not read in %s: %s: %s\n", u.Side, u.Section, report.Printable(u.Reason))
	}
	if len(r.NotCompared) > 0 {
		fmt.Fprintf(b, "  not compared, recorded on one side only: %s\n", strings.Join(r.NotCompared, ", "))
	}
	r.textUnexplained(b, contents)
	r.textExplained(b)
	return b.Flush()
}

func orNone(digest string) string {
	if digest == "" {
		return "no digest: not everything was read"
	}
	return digest
}

func (r *Result) textUnexplained(w io.Writer, contents Contents) {
	groups := group(r.Changes, func(c Change) (string, bool) { return owner(c), c.Rule == "" })
	if n := r.Unexplained(); n > 0 {
		fmt.Fprintf(w, "\n%d %s no rule explains:\n", n, plural(n, "change that", "changes that"))
	}
	for _, g := range groups {
		fmt.Fprintf(w, "\n%s\n", g.name)
		for _, c := range g.changes {
			textChange(w, c)
			if hunks := contents.hunks(c); hunks != "" {
				fmt.Fprint(w, indent(hunks))
			}
		}
	}
}

// textExplained tells each rule once, with the first paths that it explains.
func (r *Result) textExplained(w io.Writer) {
	groups := group(r.Changes, func(c Change) (string, bool) { return c.Rule, c.Rule != "" })
	for i, g := range groups {
		if i == 0 {
			fmt.Fprintln(w, "\nexplained by rules:")
		}
		n := len(g.changes)
		fmt.Fprintf(w, "\n%s: %d %s. %s\n", g.name, n, plural(n, "change", "changes"), report.Printable(g.changes[0].Reason))
		for i, c := range g.changes {
			if i == 5 {
				fmt.Fprintf(w, "  … and %d more\n", n-i)
				break
			}
			textChange(w, c)
		}
	}
}

// owner is the heading that a change stands under.
func owner(c Change) string {
	switch {
	case c.Section != "files":
		return "section " + c.Section
	case c.Package != "":
		return "package " + report.Printable(c.Package)
	default:
		return "files of no package"
	}
}

type changeGroup struct {
	name    string
	changes []Change
}

// group collects the changes that key accepts, in order of the first of each name.
func group(changes []Change, key func(Change) (string, bool)) []changeGroup {
	var out []changeGroup
	for _, c := range changes {
		name, ok := key(c)
		if !ok {
			continue
		}
		i := slices.IndexFunc(out, func(g changeGroup) bool { return g.name == name })
		if i < 0 {
			i, out = len(out), append(out, changeGroup{name: name})
		}
		out[i].changes = append(out[i].changes, c)
	}
	return out
}

func textChange(w io.Writer, c Change) {
	mark := map[Kind]string{Added: "+", Removed: "-", Modified: "~"}[c.Kind]
	place := report.Printable(c.Path.String())
	if c.Rule == derivedRule().Name {
		place = "section " + c.Section + ", " + place // the same name stands in several
	}
	fmt.Fprintf(w, "  %s %s", mark, place)
	if c.Kind != Modified {
		fmt.Fprintf(w, "  %s\n", sideSummary(c))
		return
	}
	for _, f := range c.Fields {
		fmt.Fprintf(w, "  %s %s → %s", f, short(f, c.A[f]), short(f, c.B[f]))
	}
	fmt.Fprintln(w)
}

// sideSummary is what an added or removed record was: "file 0644 0:0" or its facts.
func sideSummary(c Change) string {
	facts := c.A
	if c.Kind == Added {
		facts = c.B
	}
	if c.Section == "files" {
		return fmt.Sprintf("%s %s %s:%s", facts["type"], facts["mode"], facts["uid"], facts["gid"])
	}
	var parts []string
	for _, f := range c.Fields {
		parts = append(parts, f+" "+short(f, facts[f]))
	}
	return strings.Join(parts, "  ")
}

// short is a value that fits a line: digests are cut, nothing is "–".
func short(name string, v report.Raw) string {
	s := report.Printable(v.String())
	switch {
	case s == "":
		return "–"
	case (name == "sha256" || name == "digest") && len(s) > 12:
		return s[:12] + "…"
	case len([]rune(s)) > 60:
		return string([]rune(s)[:59]) + "…"
	default:
		return s
	}
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n    ") + "\n"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
