// Package canonical maps the content of a file to a form from which all is
// taken out that does not change what the content means: the time in a gzip
// header, the order of an initramfs' members, the layout of a cache.
//
// A [Rule] is unary: it looks at one content (and at the record of the file it
// belongs to), never at a pair. So "same canonical form" is an equivalence
// relation, and a digest of the form is all that a comparison needs.
//
// A form leaves out only what its rule's reason names. Content that is not of
// the form that a rule expects is [ErrMalformed], and then has no meaning but
// its bytes. Content that unfolds beyond the bounds is [ErrLimit]: nothing is
// known about it, and nobody may call it equal.
//
// The package does not read images and compares nothing.
package canonical

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/assay-os/assay/report"
)

// The ways in which a rule gives up. Any other error comes from reading.
var (
	ErrMalformed = errors.New("not of the form")
	ErrLimit     = errors.New("too large to unfold")
)

// The bounds of unfolding one file's content.
const (
	// MaxDepth is how many rules may apply inside of each other.
	MaxDepth = 4
	// MaxUnfolded is how many bytes may come out of all layers together.
	MaxUnfolded = 2 << 30
	// MaxMembers is how many members all archives may have together.
	MaxMembers = 500_000
	// MaxNested is the size to which a member is unfolded itself; the meaning
	// of a larger one is its bytes.
	MaxNested = 32 << 20
	// MaxParts is how many parts are named in the report.
	MaxParts = 10_000
	// HeadSize is how much of a content a rule's Match sees.
	HeadSize = 512
)

// Content is a file's bytes.
type Content interface {
	io.ReaderAt
	Size() int64
}

// A Rule is one named canonicalisation.
type Rule struct {
	report.Rule
	// Match tells whether the rule is for this content, by the file's record
	// (of a member of an archive: its path only) and the content's first bytes.
	Match func(e *report.Entry, head []byte) bool
	// canonicalise writes the canonical form.
	canonicalise func(ctx context.Context, in *Input, f *form) error
}

// An Input is one content with what a rule may know besides.
type Input struct {
	Entry   *report.Entry
	Content Content
	// Lookup gives the record of another file by its path relative to the
	// directory of this one, nil when there is none. Its content's digest may
	// not be there yet. Lookup is nil for a content that stands alone.
	Lookup func(relative string) *report.Entry
	// Open opens another regular file of this one's directory by its name; nil
	// and no error where there is none. Open is nil for a content that stands alone.
	Open func(name string) (File, error)
	// Place is the file's path in the whole tree; Entry has the one in its own
	// filesystem.
	Place string
	// Survey, when set, takes what there is in an initramfs.
	Survey *Survey
	// Work is memory to be used again; nil makes some.
	Work *Work
	// Identities are those of the disk that the file is on; nil for none.
	Identities *report.Identities
	unfold     *unfolding
}

// reader reads the content from its start.
func (in *Input) reader() *io.SectionReader {
	return io.NewSectionReader(in.Content, 0, in.Content.Size())
}

// An unfolding is what one file's content may still cost, and the rules that
// were used on the way.
type unfolding struct {
	work           *Work
	bytes, members int64
	depth          int
	used           []report.Rule
	// byRole is the form of the file with the disk's identifiers replaced, where
	// a rule made one.
	byRole *form
}

// Apply gives the form of the first of [All] that matches, with all rules that
// took part in it. Without a match it gives nil and no error.
func Apply(ctx context.Context, in Input) (*report.Canonical, []report.Rule, error) {
	return apply(ctx, &in)
}

func apply(ctx context.Context, in *Input) (*report.Canonical, []report.Rule, error) {
	in.unfold = &unfolding{work: in.Work, bytes: MaxUnfolded, members: MaxMembers}
	if in.Work == nil {
		in.unfold.work = new(Work)
	}
	head, err := headOf(in.Content)
	if err != nil {
		return nil, nil, err
	}
	rule := in.unfold.work.find(in.Entry, head)
	if rule == nil {
		return nil, nil, nil
	}
	f, err := rule.apply(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	return f.record(rule.Rule), in.unfold.used, nil
}

func headOf(c Content) ([]byte, error) {
	head := make([]byte, min(HeadSize, c.Size()))
	if n, err := c.ReadAt(head, 0); n < len(head) {
		return nil, fmt.Errorf("read head: %w", noEOF(err))
	}
	return head, nil
}

// noEOF makes an end where content was promised an error.
func noEOF(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// find is the first rule that matches, nil without one.
func (w *Work) find(e *report.Entry, head []byte) *Rule {
	if w.rules == nil {
		w.rules = All()
	}
	for i := range w.rules {
		if w.rules[i].Match(e, head) {
			return &w.rules[i]
		}
	}
	return nil
}

// apply runs the rule one level deeper.
func (r *Rule) apply(ctx context.Context, in *Input) (*form, error) {
	u := in.unfold
	if u.depth == MaxDepth {
		return nil, fmt.Errorf("%s: %w: more than %d forms inside of each other", r.Name, ErrLimit, MaxDepth)
	}
	u.depth++
	defer func() { u.depth-- }()
	f := newForm(r.Rule)
	if err := r.canonicalise(ctx, in, f); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name, err)
	}
	if !slices.Contains(u.used, r.Rule) {
		u.used = append(u.used, r.Rule)
	}
	return f, nil
}

// malformed makes an error that is [ErrMalformed].
func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
