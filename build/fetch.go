package build

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/source"
)

// manifestInput is a name for embedding.
type manifestInput = manifest.Input

const fromPipeline = manifest.FromPipeline

// A SourceError is content that could not be had.
type SourceError struct {
	// Step is the first step that needs it.
	Step *Step
	Err  error
}

func (e *SourceError) Error() string { return fmt.Sprintf("%s: %v", e.Step.Place(), e.Err) }

// Unwrap is why.
func (e *SourceError) Unwrap() error { return e.Err }

// fetch gets what s reads, and with it, in one go, what those later steps
// read that will run too as far as can be told: a later step whose own part
// of the key is as in its last run may yet come from the store.
func (r *run) fetch(ctx context.Context, s *Step, k Key) error {
	wanted, err := r.wanted(s)
	if err != nil {
		return &SourceError{s, err}
	}
	if !r.ahead || len(wanted) > 0 {
		r.ahead = true
		later := false
		for _, other := range r.plan.Steps() {
			if later && !r.unchanged(other) {
				more, err := r.wanted(other)
				if err != nil {
					return &SourceError{other, err}
				}
				wanted = append(wanted, more...)
			}
			later = later || other == s
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	o := r.Fetch
	progress := newProgress(len(wanted))
	o.Progress = func(p source.Progress) {
		if e, ok := progress.event(p); ok {
			r.emit(e)
		}
	}
	o.Waiting = r.waiting("a download")
	r.emit(Event{Kind: FetchStarted, Step: s, Items: len(wanted)})
	if err = source.Fetch(ctx, r.plan.Manifest.Sources, wanted, r.Store, o); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return &SourceError{r.reader(err, s), err}
	}
	r.emit(progress.finished())
	return nil
}

// reader is the first step that reads the item which err is about.
func (r *run) reader(err error, otherwise *Step) *Step {
	var item *source.ItemError
	if !errors.As(err, &item) {
		return otherwise
	}
	for _, s := range r.plan.Steps() {
		for _, in := range s.Inputs {
			reads := func(ref manifest.Reference) bool { return ref.ID == item.Checksum }
			if in.Origin != fromPipeline && slices.ContainsFunc(in.References, reads) {
				return s
			}
		}
	}
	return otherwise
}

// wanted are the checksums of s that the store does not have, each once. What
// it has is read whole and checked, once a build, before a step may read it.
func (r *run) wanted(s *Step) ([]string, error) {
	var sums []string
	for _, in := range s.Inputs {
		for _, ref := range in.References {
			if in.Origin == fromPipeline || r.checked[ref.ID] {
				continue
			}
			r.checked[ref.ID] = true
			sound, err := r.sound(ref.ID)
			if err != nil {
				return nil, err
			}
			if !sound {
				sums = append(sums, ref.ID)
			}
		}
	}
	return sums, nil
}

// sound says that everything that the item sum brings is in the store and has
// its checksum.
func (r *run) sound(sum string) (bool, error) {
	contents, all := r.catalog.Contents(r.Store, sum)
	for _, part := range contents {
		sound, err := r.Store.CheckSource(part)
		if err != nil {
			return false, err
		}
		all = all && sound
	}
	return all, nil
}

// unchanged says that the last run of the step was with the same options,
// inputs and code, whatever tree it worked on.
func (r *run) unchanged(s *Step) bool {
	last := r.history.last(s)
	if last == nil {
		return false
	}
	for _, change := range changes(last.Key, r.key(s, emptyBase())) {
		if !change.derived {
			return false
		}
	}
	return true
}

// A progress sums up the items of a download.
type progress struct {
	items       int
	done        int
	bytes, size map[string]int64
}

func newProgress(items int) *progress {
	return &progress{items: items, bytes: map[string]int64{}, size: map[string]int64{}}
}

// event is the state after p.
func (g *progress) event(p source.Progress) (Event, bool) {
	if p.Err != nil {
		return Event{Kind: FetchRetried, Text: p.URL, Err: p.Err}, true
	}
	g.bytes[p.Checksum] = p.Bytes
	if p.Size >= 0 {
		g.size[p.Checksum] = p.Size
	}
	if p.Done {
		g.done++
	}
	return g.state(FetchProgress), true
}

func (g *progress) finished() Event { return g.state(FetchFinished) }

func (g *progress) state(kind Kind) Event {
	e := Event{Kind: kind, Items: g.items, DoneItems: g.done}
	for _, n := range g.bytes {
		e.Bytes += n
	}
	for _, n := range g.size {
		e.TotalBytes += n
	}
	return e
}
