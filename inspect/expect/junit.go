package expect

import (
	"io"

	"github.com/assay-os/assay/report/ci"
)

// JUnit writes one test an outcome: what is unmet is a failure, what cannot be known an
// error.
func (r *Result) JUnit(w io.Writer) error {
	suite := ci.Suite{Name: "assay check"}
	for _, o := range r.Outcomes {
		c := ci.Case{Class: "assay.check", Name: o.Expected}
		switch o.State {
		case Unmet:
			c.Failure = &ci.Problem{Message: o.Found}
		case Unknown:
			c.Error = &ci.Problem{Message: o.Found}
		}
		suite.Cases = append(suite.Cases, c)
	}
	return suite.JUnit(w)
}
