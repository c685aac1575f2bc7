package diff

import (
	"fmt"
	"io"

	"github.com/assay-os/assay/report"
	"github.com/assay-os/assay/report/ci"
)

// The ids of what a comparison finds.
const (
	sarifDifference = "difference"
	sarifUnread     = "unread"
	sarifExplained  = "explained"
)

// SARIF writes a result as findings: an error for each change that no rule
// explains, a warning for what could not be read, a note for what a rule explains.
func (r *Result) SARIF(w io.Writer) error {
	scan := ci.Scan{Tool: "assay", Rules: []ci.Rule{
		{ID: sarifDifference, Summary: "A fact differs and no rule explains it"},
		{ID: sarifUnread, Summary: "A part of a subject could not be read"},
		{ID: sarifExplained, Summary: "A fact differs and a rule explains it"},
	}}
	for _, c := range r.Changes {
		scan.Results = append(scan.Results, sarifChange(c))
	}
	for _, u := range r.Unread {
		scan.Results = append(scan.Results, ci.Result{Rule: sarifUnread, Level: "warning", Text: fmt.Sprintf("%s, section %s: %s", u.Side, u.Section, u.Reason)})
	}
	return scan.SARIF(w)
}

func sarifChange(c Change) ci.Result {
	out := ci.Result{Rule: sarifDifference, Level: "error", Text: changeText(c)}
	if c.Rule != "" {
		out.Rule, out.Level = sarifExplained, "note"
		out.Text += " (" + c.Rule + ": " + c.Reason + ")"
	}
	if c.Section == "files" {
		out.Path = c.Path
	}
	return out
}

// changeText is a change in one line.
func changeText(c Change) string {
	text := fmt.Sprintf("%s: %s %s", owner(c), report.Printable(c.Path.String()), c.Kind)
	if c.Kind != Modified {
		return text + ": " + sideSummary(c)
	}
	for i, f := range c.Fields {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		text += fmt.Sprintf("%s%s %s → %s", sep, f, short(f, c.A[f]), short(f, c.B[f]))
	}
	return text
}
