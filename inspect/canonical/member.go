package canonical

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/report"
)

// A meaning is what a nested content stands for: the form of the rule that
// matched it, or without one only its bytes.
type meaning struct {
	digest string
	parts  []report.Part
}

// member gives the meaning of a content inside of another, by the same rules
// that a file of its name would get. It reads r to its end.
func (in *Input) member(ctx context.Context, name string, r io.Reader) (meaning, error) {
	u := in.unfold
	if u.members--; u.members < 0 {
		return meaning{}, fmt.Errorf("%w: more than %d members", ErrLimit, MaxMembers)
	}
	counted := &budgetReader{ctx: ctx, r: r, left: &u.bytes}
	br := u.work.buffered(counted)
	defer u.work.release(br)
	head, err := br.Peek(HeadSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return meaning{}, err
	}
	e := &report.Entry{Path: report.Raw(name), Type: report.File}
	rule := u.work.find(e, head)
	if rule == nil {
		return u.work.plain(br)
	}
	data, err := io.ReadAll(io.LimitReader(br, MaxNested+1))
	if err != nil {
		return meaning{}, err
	}
	if len(data) > MaxNested {
		return u.work.plain(io.MultiReader(bytes.NewReader(data), br))
	}
	f, err := rule.apply(ctx, &Input{Entry: e, Content: bytes.NewReader(data), unfold: u})
	if errors.Is(err, ErrMalformed) {
		return meaning{digest: hexSum(data)}, nil
	}
	if err != nil {
		return meaning{}, fmt.Errorf("%s: %w", report.Raw(name), err)
	}
	return meaning{digest: f.digest(), parts: f.named()}, nil
}

// plain is the meaning of bytes that no rule is for.
func (w *Work) plain(r io.Reader) (meaning, error) {
	h := sha256.New()
	if err := w.copy(h, r); err != nil {
		return meaning{}, err
	}
	return meaning{digest: hex.EncodeToString(h.Sum(nil))}, nil
}

// A budgetReader ends with [ErrLimit] when an unfolding's bytes are used up.
type budgetReader struct {
	ctx  context.Context
	r    io.Reader
	left *int64
}

func (b *budgetReader) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	if *b.left -= int64(n); *b.left < 0 {
		return 0, fmt.Errorf("%w: more than %d bytes", ErrLimit, int64(MaxUnfolded))
	}
	return n, err
}
