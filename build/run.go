package build

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/assay-os/assay/build/source"
	"github.com/assay-os/assay/build/store"
)

// Build executes a plan. The result tells how far it came also when there is
// an error: a [*StepError] when a step failed, a [*SourceError] when content
// could not be had, ctx's error when it was interrupted. What was done is in
// the store either way.
func (b *Builder) Build(ctx context.Context, plan *Plan) (*Result, error) {
	start := time.Now()
	r := &run{Builder: b, plan: plan, trees: map[string]store.Tree{}, checked: map[string]bool{}}
	r.catalog = source.NewCatalog(plan.Manifest.Sources)
	r.history = openHistory(b.History)
	r.result = &Result{Plan: plan, HostDependent: plan.HostDependent, Trees: r.trees}
	release, err := b.Store.Hold(ctx, r.waiting("the store"))
	if err != nil {
		return r.result, err
	}
	defer release()
	r.emit(Event{Kind: Planned, Plan: plan, Estimate: r.estimate(plan.Steps())})
	for _, pl := range plan.Pipelines {
		if err = r.pipeline(ctx, pl); err != nil {
			break
		}
	}
	r.result.Success = err == nil
	r.emit(Event{Kind: Finished, Duration: time.Since(start), Err: err})
	return r.result, err
}

// Export copies the output of the exported pipeline name to dst, which must
// not exist.
func (b *Builder) Export(ctx context.Context, result *Result, name, dst string) error {
	release, err := b.Store.Hold(ctx, nil)
	if err != nil {
		return err
	}
	defer release()
	tree, ok := result.Trees[name]
	if !ok {
		return fmt.Errorf("export %s: it was not built", name)
	}
	if err := b.Store.Export(ctx, tree, dst); err != nil {
		return fmt.Errorf("export %s to %s: %w", name, dst, err)
	}
	return nil
}

// A run is one execution of a plan.
type run struct {
	*Builder
	plan    *Plan
	result  *Result
	history history
	catalog *source.Catalog
	// trees are the outputs of the pipelines that are done.
	trees map[string]store.Tree
	// ahead is set once the content of later steps was looked for.
	ahead bool
	// checked are the checksums whose content was looked at.
	checked map[string]bool
}

func (r *run) emit(e Event) {
	if r.Monitor != nil {
		e.Time = time.Now()
		r.Monitor.Event(e)
	}
}

func (r *run) waiting(what string) func(string) {
	return func(holder string) { r.emit(Event{Kind: Waiting, Text: what, Holder: holder}) }
}

func (r *run) pipeline(ctx context.Context, pl *Pipeline) error {
	tree := store.EmptyTree()
	r.emit(Event{Kind: PipelineStarted, Pipeline: pl, Estimate: r.estimate(pl.Steps)})
	for _, s := range pl.Steps {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		layer, err := r.step(ctx, s, tree)
		if err != nil {
			return err
		}
		tree = tree.With(layer)
	}
	r.trees[pl.Name] = tree
	r.emit(Event{Kind: PipelineFinished, Pipeline: pl, Digest: tree.Digest})
	return nil
}

// step returns the output of s on tree, from the store or by running it.
func (r *run) step(ctx context.Context, s *Step, tree store.Tree) (*store.Layer, error) {
	k := r.key(s, tree)
	digest, err := k.Digest()
	if err != nil {
		return nil, err
	}
	before := r.history.last(s)
	o := &Outcome{Step: s, Key: digest}
	layer, hit, err := r.Store.Lookup(digest)
	if err != nil {
		return nil, fmt.Errorf("%s: look up in store: %w", s.Place(), err)
	}
	if !hit {
		if layer, err = r.miss(ctx, o, k, tree); err != nil {
			return nil, err
		}
	}
	o.Cached = !o.ran
	o.Digest, o.Metadata = layer.Digest, layer.Metadata
	o.Explain = explain(o.Cached, before, k)
	r.result.Outcomes = append(r.result.Outcomes, o)
	r.emit(Event{Kind: StepFinished, Step: s, Outcome: o, Digest: layer.Digest, Duration: o.Duration})
	return layer, r.history.keep(s, record{Key: k, Duration: o.Duration}, o.ran)
}

// miss makes the output, unless another build makes it first.
func (r *run) miss(ctx context.Context, o *Outcome, k Key, tree store.Tree) (*store.Layer, error) {
	s := o.Step
	unlock, err := r.Store.Lock(ctx, o.Key, r.waiting(s.Place()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Place(), err)
	}
	defer unlock()
	layer, hit, err := r.Store.Lookup(o.Key)
	if err != nil || hit {
		return layer, err
	}
	if err := r.fetch(ctx, s, k); err != nil {
		return nil, err
	}
	r.emit(Event{Kind: StepStarted, Step: s, Estimate: r.history.duration(s)})
	start := time.Now()
	layer, err = r.execute(ctx, o, tree)
	o.ran, o.Duration = true, time.Since(start)
	if err != nil {
		o.Err = err
		r.result.Outcomes = append(r.result.Outcomes, o)
		r.emit(Event{Kind: StepFailed, Step: s, Outcome: o, Err: err, Duration: o.Duration})
	}
	return layer, err
}

func (r *run) estimate(steps []*Step) time.Duration {
	var sum time.Duration
	for _, s := range steps {
		sum += r.history.duration(s)
	}
	return sum
}

// A Result is what a build came to.
type Result struct {
	Plan    *Plan
	Success bool
	// HostDependent is true when programs of the host's /usr may have made
	// part of the output.
	HostDependent bool
	// Outcomes are the steps that were done, in order; the last one may have failed.
	Outcomes []*Outcome
	// Trees are the outputs by pipeline.
	Trees map[string]store.Tree
}

// An Outcome is what a step came to.
type Outcome struct {
	Step *Step
	// Key is the cache key.
	Key string
	// Cached is true when the output came from the store.
	Cached bool
	// Explain says why, nil for a step that failed.
	Explain *Explanation
	// Digest is of the tree after the step.
	Digest string
	// Output is the end of what the step printed; a cached step has none.
	Output   string
	Metadata json.RawMessage
	Duration time.Duration
	Err      error
	ran      bool
}
