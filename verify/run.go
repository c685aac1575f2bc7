package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/diff"
	"github.com/assay-os/assay/report"
)

// start runs the build of run i in its environment and waits for it.
func (v *verification) start(ctx context.Context, i int) error {
	r := &v.runs[i]
	args := []string{
		"build", filepath.Join(v.evidence(), manifestFile), "--store", r.store, "--sources", v.Sources,
		"--output-directory", r.dir, "--export", v.Plan.Exports[0],
	}
	if c := r.Environment.Clock; !c.IsZero() {
		args = append(args, "--vary-clock", c.Format(time.RFC3339), "--faketime-library", v.Faketime)
	}
	log := newPrefixed(v.Log, fmt.Sprintf("run %d: ", i+1))
	err := v.enter(ctx, r.Environment, args, log, log)
	if err != nil {
		err = fmt.Errorf("build of run %d: %w%s", i+1, err, log.cause())
	}
	return errors.Join(err, log.flush())
}

// enter starts this program again inside of an environment.
func (v *verification) enter(ctx context.Context, e Environment, args []string, stdout, stderr io.Writer) error {
	spec, err := json.Marshal(e)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, v.Program, append([]string{"__vary", string(spec), "--"}, args...)...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Env = e.Variables
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if e.Hostname != "" {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUTS
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 3 * time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// probe asks what each run's surroundings looked like from within.
func (v *verification) probe(ctx context.Context) error {
	for i := range v.runs {
		r := &v.runs[i]
		var out strings.Builder
		if err := v.enter(ctx, r.Environment, []string{"__probe"}, &out, v.Log); err != nil {
			return fmt.Errorf("probe run %d: %w", i+1, err)
		}
		if err := json.Unmarshal([]byte(out.String()), &r.Probe); err != nil {
			return fmt.Errorf("probe run %d: %w", i+1, err)
		}
		var err error
		if r.Probe.Clock, err = v.clock(ctx, r); err != nil {
			fmt.Fprintf(v.Log, "run %d: the clock in the sandbox cannot be told: %v\n", i+1, err)
		}
	}
	return nil
}

// clock asks date(1) of the build root for the time, in a sandbox like those
// of the run's steps.
func (v *verification) clock(ctx context.Context, r *runState) (seconds int64, err error) {
	root, release, err := v.buildRoot(ctx, r)
	if err != nil {
		return 0, err
	}
	defer release()
	work := filepath.Join(r.work, "probe")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	b, err := v.Builder(r.store)
	if err != nil {
		return 0, err
	}
	spec := sandbox.Spec{Work: work, Args: []string{"/usr/bin/date", "+%s"}, Root: root, Epoch: time.Unix(build.DefaultEpoch, 0)}
	if c := r.Environment.Clock; !c.IsZero() {
		spec.Clock = &sandbox.Clock{Time: c, Library: v.Faketime}
	}
	result, err := b.Runner.Run(ctx, spec)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(result.Tail), 10, 64)
}

// buildRoot is the root file system that the run's exported pipeline ran in. It
// may be used until release is called, which lets go of the run's store.
func (v *verification) buildRoot(ctx context.Context, r *runState) (_ store.View, release func(), _ error) {
	name := ""
	for _, p := range v.Plan.Pipelines {
		if p.Name == v.Plan.Exports[0] {
			name = p.Pipeline.Build
		}
	}
	if name == "" {
		return store.View{Dir: "/"}, func() {}, nil
	}
	b, trees, err := v.trees(ctx, r)
	if err != nil {
		return store.View{}, nil, err
	}
	tree, ok := trees[name]
	if !ok {
		return store.View{}, nil, fmt.Errorf("the store of the run has no tree of pipeline %s", name)
	}
	release, err = b.Store.Hold(ctx, nil)
	if err != nil {
		return store.View{}, nil, err
	}
	view, err := b.Store.View(ctx, tree)
	if err != nil {
		release()
		return store.View{}, nil, err
	}
	return view, release, nil
}

// inspect reads every artifact back.
func (v *verification) inspect(ctx context.Context) error {
	for i := range v.runs {
		r := &v.runs[i]
		start := time.Now()
		if err := v.inspectRun(ctx, r); err != nil {
			return fmt.Errorf("inspect run %d: %w", i+1, err)
		}
		r.InspectSeconds = time.Since(start).Seconds()
		r.Digest = diff.Digest(r.report).Functional()
	}
	return nil
}

func (v *verification) inspectRun(ctx context.Context, r *runState) error {
	found, err := openArtifact(ctx, filepath.Join(r.dir, v.Plan.Exports[0]))
	if err != nil {
		return err
	}
	r.report, r.SHA256, r.Size = found.report, found.sum, found.size
	r.Artifact, err = filepath.Rel(v.Dir, found.path)
	return err
}

// treeProof compares the tree that the first run packed with its artifact.
// It is nil when the export packs no tree.
func (v *verification) treeProof(ctx context.Context) (*TreeProof, error) {
	name := packed(v.Plan.Manifest, v.Plan.Exports[0])
	if name == "" {
		return nil, nil
	}
	r := &v.runs[0]
	b, trees, err := v.trees(ctx, r)
	if err != nil {
		return nil, err
	}
	tree, ok := trees[name]
	if !ok {
		return nil, fmt.Errorf("the store of run 1 has no tree of pipeline %s", name)
	}
	entries, err := b.Store.Entries(tree)
	if err != nil {
		return nil, err
	}
	packedTree := &report.Report{
		SchemaVersion: report.SchemaVersion, Subject: report.Subject{Kind: "tree"}, Files: entries,
		Sections: map[string]report.Section{"files": {Status: report.OK}},
	}
	result := diff.Compare(packedTree, r.report)
	proof := &TreeProof{Pipeline: name, Entries: len(entries), Verdict: result.Verdict, Explained: map[string]int{}}
	for _, c := range result.Changes {
		if c.Rule != "" {
			proof.Explained[c.Rule]++
		}
	}
	return proof, nil
}

// trees are the outputs of the run's pipelines by name, from its store; a step
// that is not there is an error, nothing is run.
func (v *verification) trees(ctx context.Context, r *runState) (*build.Builder, map[string]store.Tree, error) {
	b, err := v.Builder(r.store)
	if err != nil {
		return nil, nil, err
	}
	cached := *b
	cached.Runner = refuse{}
	result, err := cached.Build(ctx, v.Plan)
	if err != nil {
		return nil, nil, fmt.Errorf("look into the store of the run: %w", err)
	}
	return b, result.Trees, nil
}

// refuse is a runner for looking into a store that is full.
type refuse struct{}

func (refuse) Run(context.Context, sandbox.Spec) (sandbox.Result, error) {
	return sandbox.Result{}, errors.New("the step is not in the store")
}
