package diff

import (
	"bufio"
	"io"

	"github.com/assay-os/assay/report"
)

// JSONL writes a result as lines of JSON: the result without its changes, then one
// line for each change.
func (r *Result) JSONL(w io.Writer) error {
	b := bufio.NewWriter(w)
	e := report.NewEncoder(b, "")
	head := *r
	head.Changes = []Change{}
	if err := e.Encode(head); err != nil {
		return err
	}
	for _, c := range r.Changes {
		if err := e.Encode(c); err != nil {
			return err
		}
	}
	return b.Flush()
}
