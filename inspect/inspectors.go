package inspect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/assay-os/assay/report"
)

// An Inspector fills one section of the report from the tree. It reads by
// look-ups in a tree that is already walked; it never walks itself.
type Inspector struct {
	// Name is the section's.
	Name string
	// Source says which files of an image it reads, for the documents.
	Source string
	// Oracle is the foreign program that a test compares its result with; empty
	// where there is none yet.
	Oracle string
	// inspect fills its part of the report. An error that is [fs.ErrNotExist]
	// or absent means that the image has nothing of the kind; any other
	// error means unread. What was filled before an error stays.
	inspect func(ctx context.Context, t *Tree, r *report.Report) error
}

// An absent error says what an image does not have, and that this is certain.
type absent string

func (a absent) Error() string { return string(a) }

// Inspectors is the one list, in the order of the report's sections.
func Inspectors() []Inspector {
	return []Inspector{
		packages(), users(), groups(), osRelease(), fstab(), services(), boot(),
	}
}

// runInspectors fills the sections that were asked for.
func (in *inspection) runInspectors(ctx context.Context) error {
	for _, i := range Inspectors() {
		if err := ctx.Err(); err != nil {
			return err
		}
		var s report.Section
		if in.wants(i.Name) {
			s = i.run(ctx, in.tree, in.report)
		}
		in.set(i.Name, s)
	}
	return nil
}

// run makes a section of what the inspector returns. A panic can only come
// from a library that trusts what it parses; it is the section's trouble, not
// the whole report's.
func (i *Inspector) run(ctx context.Context, t *Tree, r *report.Report) (s report.Section) {
	defer func() {
		if p := recover(); p != nil {
			s = report.Section{Status: report.Unread, Reason: clip(fmt.Sprintf("the parser gave up: %v", p))}
		}
	}()
	err := i.inspect(ctx, t, r)
	var none absent
	switch {
	case err == nil:
		return report.Section{Status: report.OK}
	case errors.Is(err, fs.ErrNotExist), errors.As(err, &none):
		return report.Section{Status: report.Absent, Reason: clip(err.Error())}
	default:
		return report.Section{Status: report.Unread, Reason: clip(err.Error())}
	}
}
