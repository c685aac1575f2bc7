package diff

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/assay-os/assay/report"
)

// The elements of JUnit's XML, as CI servers read it.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitProblem `xml:"failure"`
		Error   *junitProblem `xml:"error"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes a result as a suite of tests: the verdict is one, that fails unless it
// is at least required; each change that no rule explains is a failure, and what
// could not be read an error.
func (r *Result) JUnit(w io.Writer, required Verdict) error {
	verdict := junitCase{Class: "assay.diff", Name: "verdict"}
	met := r.Verdict == Identical || r.Verdict == required
	if !met {
		verdict.Failure = &junitProblem{Message: fmt.Sprintf("%s, and %s is required", r.Verdict, required)}
	}
	suite := junitSuite{Name: "assay diff", Cases: []junitCase{verdict}}
	for _, c := range r.Changes {
		if c.Rule == "" {
			suite.Cases = append(suite.Cases, junitCase{Class: "assay.diff." + c.Section, Name: report.Printable(c.Path.String()), Failure: junitChange(c)})
		}
	}
	for _, u := range r.Unread {
		suite.Cases = append(suite.Cases, junitCase{
			Class: "assay.read." + u.Section, Name: u.Side, Error: &junitProblem{Message: "not read: " + report.Printable(u.Reason)},
		})
	}
	for _, c := range suite.Cases {
		suite.Tests++
		if c.Failure != nil {
			suite.Failures++
		}
		if c.Error != nil {
			suite.Errors++
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitChange(c Change) *junitProblem {
	if c.Kind != Modified {
		return &junitProblem{Message: string(c.Kind) + ": " + sideSummary(c)}
	}
	var lines []string
	for _, f := range c.Fields {
		lines = append(lines, fmt.Sprintf("%s: %s → %s", f, report.Printable(c.A[f].String()), report.Printable(c.B[f].String())))
	}
	return &junitProblem{Message: "modified: " + strings.Join(c.Fields, ", "), Text: strings.Join(lines, "\n")}
}
