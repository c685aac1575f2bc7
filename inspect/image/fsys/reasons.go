package fsys

import "strings"

// reasons are several errors in one line; a report has one clause for each node.
type reasons []error

func (r reasons) Error() string {
	texts := make([]string, len(r))
	for i, err := range r {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (r reasons) Unwrap() []error { return r }

// Reasons joins the errors that are not nil, in one line; it is nil when all are.
func Reasons(errs ...error) error {
	var out reasons
	for _, err := range errs {
		if err != nil {
			out = append(out, err)
		}
	}
	switch len(out) {
	case 0:
		return nil
	case 1:
		return out[0]
	}
	return out
}

// Fail adds a reason why n could not be read whole.
func (n *Node) Fail(err error) { n.Err = Reasons(n.Err, err) }
