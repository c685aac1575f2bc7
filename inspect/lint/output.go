package lint

import (
	"fmt"
	"io"
	"strings"

	"github.com/assay-os/assay/report"
	"github.com/assay-os/assay/report/ci"
)

// JSON writes the result.
func (r *Result) JSON(w io.Writer) error { return report.NewEncoder(w, "  ").Encode(r) }

// SARIF writes the findings, every rule with its reason.
func (r *Result) SARIF(w io.Writer) error {
	scan := ci.Scan{Tool: "assay lint"}
	for _, rule := range Rules() {
		scan.Rules = append(scan.Rules, ci.Rule{ID: rule.ID, Summary: rule.Summary, Reason: rule.Reason, Fix: rule.Fix, Level: string(rule.Level)})
	}
	for _, f := range r.Findings {
		scan.Results = append(scan.Results, ci.Result{Rule: f.Rule, Level: string(f.Level), Text: f.text(), Path: f.Path})
	}
	for _, u := range r.Unjudged {
		scan.Notifications = append(scan.Notifications, ci.Notification{Rule: u.Rule, Text: u.text()})
	}
	return scan.SARIF(w)
}

// text is a finding in one line, without its level and rule.
func (f Finding) text() string {
	if f.Path == "" {
		return f.Message
	}
	return f.Path.String() + ": " + f.Message
}

func (u Unjudged) text() string {
	return fmt.Sprintf("not judged: section %s: %s", u.Section, u.Reason)
}

// JUnit writes one test a rule: it fails where a finding of the level or worse is
// there, and is an error where the rule could not look.
func (r *Result) JUnit(w io.Writer, failOn Level) error {
	suite := ci.Suite{Name: "assay lint"}
	for _, rule := range Rules() {
		c := ci.Case{Class: "assay.lint", Name: rule.ID}
		var lines []string
		for _, f := range r.Findings {
			if f.Rule == rule.ID {
				lines = append(lines, f.text())
			}
		}
		text := strings.Join(lines, "\n")
		if len(lines) > 0 && rule.Level.AtLeast(failOn) {
			c.Failure = &ci.Problem{Message: fmt.Sprintf("%s (%d times); %s", rule.Summary, len(lines), rule.Fix), Text: text}
		} else {
			c.Output = text
		}
		for _, u := range r.Unjudged {
			if u.Rule == rule.ID {
				c.Error = &ci.Problem{Message: u.text()}
			}
		}
		suite.Cases = append(suite.Cases, c)
	}
	return suite.JUnit(w)
}
