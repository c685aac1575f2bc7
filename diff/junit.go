package diff

import (
	"fmt"
	"io"
	"strings"

	"github.com/assay-os/assay/report/ci"
)

// JUnit writes a result as a suite of tests: the verdict is one, that fails unless it
// is at least required; each change that no rule explains is a failure, and what
// could not be read an error.
func (r *Result) JUnit(w io.Writer, required Verdict) error {
	verdict := ci.Case{Class: "assay.diff", Name: "verdict"}
	met := r.Verdict == Identical || r.Verdict == required
	if !met {
		verdict.Failure = &ci.Problem{Message: fmt.Sprintf("%s, and %s is required", r.Verdict, required)}
	}
	suite := ci.Suite{Name: "assay diff", Cases: []ci.Case{verdict}}
	for _, c := range r.Changes {
		if c.Rule == "" {
			suite.Cases = append(suite.Cases, ci.Case{Class: "assay.diff." + c.Section, Name: c.Path.String(), Failure: junitChange(c)})
		}
	}
	for _, u := range r.Unread {
		suite.Cases = append(suite.Cases, ci.Case{
			Class: "assay.read." + u.Section, Name: u.Side, Error: &ci.Problem{Message: "not read: " + u.Reason},
		})
	}
	return suite.JUnit(w)
}

func junitChange(c Change) *ci.Problem {
	if c.Kind != Modified {
		return &ci.Problem{Message: string(c.Kind) + ": " + sideSummary(c)}
	}
	var lines []string
	for _, f := range c.Fields {
		lines = append(lines, fmt.Sprintf("%s: %s → %s", f, c.A[f], c.B[f]))
	}
	return &ci.Problem{Message: "modified: " + strings.Join(c.Fields, ", "), Text: strings.Join(lines, "\n")}
}
