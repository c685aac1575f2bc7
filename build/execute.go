package build

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/report"
)

// A StepError is a step that failed.
type StepError struct {
	Step *Step
	Err  error
	// Tail is the last lines that it printed.
	Tail string
	// Kept is the directory with its tree, arguments and log; "" when the
	// disk is full and they were thrown away.
	Kept string
}

func (e *StepError) Error() string {
	msg := fmt.Sprintf("%s: %v", e.Step.Place(), e.Err)
	if e.Kept == "" {
		return msg + "; the store's disk is full, so nothing of it was kept: make room and build again"
	}
	return msg + "; its tree, arguments and log are in " + e.Kept
}

// Unwrap is why it failed.
func (e *StepError) Unwrap() error { return e.Err }

// execute runs the step on a new work and commits it.
func (r *run) execute(ctx context.Context, o *Outcome, base store.Tree) (*store.Layer, error) {
	work, err := r.Store.Begin(ctx, base)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Step.Place(), err)
	}
	meta, err := r.runStep(ctx, o, work)
	if err != nil {
		return nil, r.abandon(ctx, o, work, err)
	}
	o.Metadata = meta
	layer, err := work.Commit(ctx, store.Commit{
		Key: o.Key, Type: o.Step.Type, StepID: o.Step.ID,
		Epoch: time.Unix(o.Step.Pipeline.Epoch(), 0).UTC(), Metadata: meta,
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", o.Step.Place(), err)
		return nil, errors.Join(err, work.Discard())
	}
	return layer, nil
}

// abandon keeps the work of a step that failed by itself, and throws away
// that of one that was interrupted.
func (r *run) abandon(ctx context.Context, o *Outcome, work store.Work, err error) error {
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), work.Discard())
	}
	failed := &StepError{Step: o.Step, Err: err, Tail: o.Output}
	if full(work.Dir()) {
		return errors.Join(failed, work.Discard())
	}
	kept, kerr := work.Keep()
	if kerr != nil {
		return errors.Join(failed, kerr)
	}
	failed.Kept = kept
	return failed
}

// full says that less than a hundredth of dir's filesystem is free: keeping a
// tree that filled it would keep the next build from running.
func full(dir string) bool {
	var s unix.Statfs_t
	return unix.Statfs(dir, &s) == nil && s.Bavail < s.Blocks/100
}

// runStep runs the step in the sandbox and returns its metadata.
func (r *run) runStep(ctx context.Context, o *Outcome, work store.Work) (json.RawMessage, error) {
	spec, err := r.spec(ctx, o.Step, work)
	if err != nil {
		return nil, err
	}
	result, err := r.Runner.Run(ctx, spec)
	o.Output = result.Tail
	var answer answer
	if result.Document != nil {
		if jerr := json.Unmarshal(result.Document, &answer); jerr != nil {
			return nil, errors.Join(err, fmt.Errorf("read the step's answer: %w", jerr))
		}
	}
	var exit *sandbox.ExitError
	switch {
	case answer.Error != "" && (err == nil || errors.As(err, &exit)):
		return nil, errors.New(answer.Error)
	case err != nil:
		return nil, err
	case !answer.Done:
		return nil, errors.New("the step ended without an answer")
	}
	return answer.Metadata, nil
}

// spec describes the run to the sandbox.
func (r *run) spec(ctx context.Context, s *Step, work store.Work) (sandbox.Spec, error) {
	tree := work.View()
	spec := sandbox.Spec{
		Work: work.Dir(), Args: []string{sandbox.Program, "__step"}, Tree: &tree,
		Epoch: time.Unix(s.Pipeline.Epoch(), 0).UTC(), Capabilities: s.Definition.Capabilities,
		Chroot: s.Definition.Chroot, Clock: r.Clock, Timeout: r.StepTimeout,
		Output: func(p []byte) { r.emit(Event{Kind: StepOutput, Step: s, Text: string(p)}) },
	}
	var err error
	if spec.Root, err = r.root(ctx, s); err != nil {
		return spec, err
	}
	inputs := r.resolve(s)
	for _, in := range inputs {
		shown, err := r.show(ctx, in, work.Dir())
		if err != nil {
			return spec, fmt.Errorf("input %s: %w", in.Name, err)
		}
		spec.Inputs = append(spec.Inputs, shown)
	}
	spec.Arguments, err = json.Marshal(newArguments(s, inputs))
	return spec, err
}

func (r *run) root(ctx context.Context, s *Step) (store.View, error) {
	switch s.Root {
	case HostRoot:
		return store.View{Dir: "/", ReadOnly: true}, nil
	case NoRoot:
		return store.View{}, nil
	}
	view, err := r.Store.View(ctx, r.trees[s.Pipeline.Build.Name])
	if err != nil {
		return view, fmt.Errorf("build root: %w", err)
	}
	return view, nil
}

// show prepares an input for the sandbox.
func (r *run) show(ctx context.Context, in resolved, dir string) (sandbox.Input, error) {
	shown := sandbox.Input{Name: in.Name, Files: in.files}
	if in.missing != nil {
		return shown, in.missing
	}
	if in.tree == nil {
		return shown, nil
	}
	view, err := r.Store.View(ctx, *in.tree)
	if err != nil {
		return shown, err
	}
	shown.View = &view
	entries, err := r.Store.Entries(*in.tree)
	if err != nil {
		return shown, err
	}
	shown.Entries = filepath.Join(dir, "entries-"+in.Name+".json")
	return shown, writeEntries(shown.Entries, entries)
}

// writeEntries writes one JSON object a line, so that neither side holds the
// document and the list at once.
func writeEntries(path string, entries []report.Entry) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for i := range entries {
		if err := e.Encode(&entries[i]); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

// A resolved is an input with its content known.
type resolved struct {
	*manifestInput
	references []step.Reference
	// files maps names in the input's directory to files of the store.
	files map[string]string
	// tree is set for what comes from a pipeline.
	tree *store.Tree
	// missing is why files has not all that it should, when the step runs.
	missing error
}

// resolve finds the content of a step's inputs. References to pipelines are
// replaced by what the step may know of them: a pipeline's name never reaches
// a step.
func (r *run) resolve(s *Step) []resolved {
	var inputs []resolved
	for _, in := range s.Inputs {
		out := resolved{manifestInput: in, files: map[string]string{}}
		for _, ref := range in.References {
			id := ref.ID
			if name, ok := pipelineName(id); ok && in.Origin == fromPipeline {
				tree := r.trees[name]
				out.tree = &tree
				if id = fileOption(ref.Options); in.Type == treeInput {
					id = "tree"
				}
			} else if in.Type == containersInput {
				out.missing = errors.Join(out.missing, r.image(id, out.files))
			} else if path, there := r.Store.Source(id); there {
				out.files[id] = path
			}
			out.references = append(out.references, step.Reference{ID: id, Options: ref.Options})
		}
		inputs = append(inputs, out)
	}
	return inputs
}

// image adds the directory that shows the container image id to files.
func (r *run) image(id string, files map[string]string) error {
	names, err := r.catalog.Directory(r.Store, id)
	if err != nil {
		return fmt.Errorf("show image %s: %w", id, err)
	}
	for name, sum := range names {
		path, there := r.Store.Source(sum)
		if !there {
			return fmt.Errorf("show image %s: the store has lost %s; build again", id, sum)
		}
		files[id+"/"+name] = path
	}
	return nil
}
