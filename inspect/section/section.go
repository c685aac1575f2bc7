// Package section is what the parts of a report that describe a system have in
// common: a [Section] reads one kind of thing (users, units, packages, ...) from
// the image's tree by look-ups, and its error tells whether there is none of it
// or whether that cannot be known.
//
// The sections themselves stand in the packages of their themes beside this one.
package section

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// A Section fills one section of the report from the tree. It reads by
// look-ups in a tree that is already walked; it never walks itself.
type Section struct {
	// Name is the section's: its field's in the report, with "-" for "_".
	Name string
	// Source says which files of an image it reads, for the documents.
	Source string
	// Oracle is the foreign program that a test compares its result with; empty
	// where there is none yet.
	Oracle string
	// Fill fills its part of the report. An error that is [fs.ErrNotExist]
	// or [Absent] means that the image has nothing of the kind; any other
	// error means unread. What was filled before an error stays.
	Fill func(ctx context.Context, t *tree.Tree, r *report.Report) error
}

// Absent is the error that says what an image does not have, and that this is certain.
type Absent string

func (a Absent) Error() string { return string(a) }

// Run fills the section and gives its state. A panic can only come
// from a library that trusts what it parses; it is the section's trouble, not
// the whole report's.
func (s *Section) Run(ctx context.Context, t *tree.Tree, r *report.Report) (state report.Section) {
	defer func() {
		if p := recover(); p != nil {
			state = report.Section{Status: report.Unread, Reason: Clip(fmt.Sprintf("the parser gave up: %v", p))}
		}
	}()
	err := s.Fill(ctx, t, r)
	var none Absent
	switch {
	case err == nil:
		return report.Section{Status: report.OK}
	case errors.Is(err, fs.ErrNotExist), errors.As(err, &none):
		return report.Section{Status: report.Absent, Reason: Clip(err.Error())}
	default:
		return report.Section{Status: report.Unread, Reason: Clip(err.Error())}
	}
}

// maxReason bounds a reason, whose words may come from the image.
const maxReason = 500

// Clip makes text one line of printable UTF-8, and shortens it to the bound. An
// error that joins others has a line for each.
func Clip(text string) string {
	text = report.Raw(strings.ReplaceAll(text, "\n", "; ")).String()
	if len(text) > maxReason {
		text = text[:maxReason] + "…"
	}
	return text
}
