package diff

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/assay-os/assay/report"
)

// maxMarkdown is how many unexplained changes a comment tells one by one: what
// reads it (a pull request) cuts long ones off.
const maxMarkdown = 50

// Markdown writes a result as a comment for a pull request: the verdict, what no rule
// explains in one table, and what rules explain folded away, one line a rule.
func (r *Result) Markdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "### Verdict: %s\n\nScope: %s", r.Verdict, r.Scope)
	if len(r.NotCompared) > 0 {
		fmt.Fprintf(b, ". Recorded on one side only, and not compared: %s", strings.Join(r.NotCompared, ", "))
	}
	fmt.Fprintf(b, ".\n\n| | functional digest |\n|---|---|\n| a | %s |\n| b | %s |\n", code(orNone(r.DigestA)), code(orNone(r.DigestB)))
	r.markdownUnread(b)
	r.markdownUnexplained(b)
	r.markdownExplained(b)
	return b.Flush()
}

func (r *Result) markdownUnread(w io.Writer) {
	for i, u := range r.Unread {
		if i == 0 {
			fmt.Fprint(w, "\nNot read:\n\n")
		}
		fmt.Fprintf(w, "- %s, section %s: %s\n", u.Side, u.Section, cell(u.Reason))
	}
}

func (r *Result) markdownUnexplained(w io.Writer) {
	n := r.Unexplained()
	if n == 0 {
		return
	}
	fmt.Fprintf(w, "\n#### %d %s no rule explains\n\n| | where | what | of |\n|---|---|---|---|\n", n, plural(n, "change that", "changes that"))
	shown := 0
	for _, c := range r.Changes {
		if c.Rule != "" {
			continue
		}
		if shown++; shown > maxMarkdown {
			fmt.Fprintf(w, "\n… and %d more.\n", n-maxMarkdown)
			return
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", c.Kind, code(c.Path.String()), markdownFields(c), cell(owner(c)))
	}
}

// markdownFields tells the facts of a modified record with both values.
func markdownFields(c Change) string {
	if c.Kind != Modified {
		return cell(sideSummary(c))
	}
	parts := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		parts[i] = fmt.Sprintf("%s %s → %s", f, code(short(f, c.A[f])), code(short(f, c.B[f])))
	}
	return strings.Join(parts, ", ")
}

func (r *Result) markdownExplained(w io.Writer) {
	groups := group(r.Changes, func(c Change) (string, bool) { return c.Rule, c.Rule != "" })
	if len(groups) == 0 {
		return
	}
	n := len(r.Changes) - r.Unexplained()
	fmt.Fprintf(w, "\n<details><summary>%d %s explained by rules</summary>\n\n| rule | changes | why |\n|---|---|---|\n", n, plural(n, "change is", "changes are"))
	for _, g := range groups {
		fmt.Fprintf(w, "| %s | %d | %s |\n", code(g.name), len(g.changes), cell(g.changes[0].Reason))
	}
	fmt.Fprint(w, "\n</details>\n")
}

// code is text of an image as a code span, in which nothing is markup.
func code(s string) string {
	s = strings.ReplaceAll(report.Printable(s), "|", "\\|")
	if strings.TrimSpace(s) == "" {
		return "nothing"
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

// cell is text in a table, with what would be markup escaped.
func cell(s string) string {
	var b strings.Builder
	for _, c := range report.Printable(s) {
		if strings.ContainsRune("\\`*_{}[]<>()#+!|~&@", c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
