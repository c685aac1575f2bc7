// Package ci writes findings in the forms that CI servers and code scanners read:
// JUnit's XML and SARIF 2.1.0.
//
// It knows nothing of what is found. Texts are made safe for whoever shows them.
package ci

import (
	"encoding/xml"
	"io"

	"github.com/assay-os/assay/report"
)

// A Suite is a list of tests of one name, as JUnit's XML has it.
type Suite struct {
	XMLName  xml.Name `xml:"testsuite"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Cases    []Case   `xml:"testcase"`
}

// A Case is one test: it has failed, or could not be made, or is fine.
type Case struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Failure *Problem `xml:"failure"`
	Error   *Problem `xml:"error"`
	// Output is shown, and decides nothing.
	Output string `xml:"system-out,omitempty"`
}

// A Problem is why. Text may have several lines.
type Problem struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the suite; it counts the tests, failures and errors.
func (s *Suite) JUnit(w io.Writer) error {
	out := Suite{Name: s.Name, Tests: len(s.Cases), Cases: make([]Case, len(s.Cases))}
	for i, c := range s.Cases {
		c.Name, c.Output = report.Printable(c.Name), lines(c.Output)
		c.Failure, c.Error = c.Failure.printable(), c.Error.printable()
		if c.Failure != nil {
			out.Failures++
		}
		if c.Error != nil {
			out.Errors++
		}
		out.Cases[i] = c
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (p *Problem) printable() *Problem {
	if p == nil {
		return nil
	}
	return &Problem{report.Printable(p.Message), lines(p.Text)}
}
