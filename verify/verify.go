// Package verify proves that a manifest gives the same operating system each
// time: it builds it several times in varied surroundings with nothing reused
// between the runs, inspects what came out, compares, and keeps the evidence.
//
// What is shared between the runs is the content that the manifest pins by
// checksum; each run reads it whole and checks it before a step may read it. Each run is a process
// of its own, started from the same program, with a store of its own.
//
// The package does not judge: the verdict is package diff's.
package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/diff"
	"github.com/assay-os/assay/report"
)

// Options say what is verified and how.
type Options struct {
	// Manifest is the document, Plan what it needs for its one export.
	Manifest []byte
	Plan     *build.Plan
	Runs     int
	// Dir is the output directory: run-N/ for what each run exported,
	// evidence/ for the evidence.
	Dir string
	// Program is the path of this program, which each run starts again.
	Program string
	// Sources is a directory of contents by checksum that all runs share.
	Sources string
	// Faketime is the path of libfaketime.so.1; empty leaves the clock alone.
	Faketime string
	// Builder gives a builder over the store in a directory; it is used to
	// look into what a run left, never to run a step.
	Builder func(store string) (*build.Builder, error)
	// Log takes the runs' lines.
	Log io.Writer
	// Binary is the SHA-256 of Program.
	Binary string
	// KeepStores leaves the stores of the runs in Dir/work-N/store; otherwise
	// they are removed.
	KeepStores bool
}

// An Outcome is the evidence with what it was made from.
type Outcome struct {
	Evidence
	// Stored is true when nothing was built: the evidence is an earlier one.
	Stored bool `json:"stored"`
	// Results are the comparisons of the first run with each other one; none
	// where the evidence is a stored one.
	Results []*diff.Result `json:"results"`
}

// Identity is what evidence holds for: the hashes of the manifest and of the
// checksums of all content that the plan reads.
func Identity(document []byte, plan *build.Plan) (manifestSum, sourcesSum string) {
	m := sha256.Sum256(document)
	var ids []string
	for _, s := range plan.Manifest.Sources {
		for _, item := range s.Items {
			ids = append(ids, item.ID)
		}
	}
	slices.Sort(ids)
	s := sha256.Sum256([]byte(strings.Join(slices.Compact(ids), "\n")))
	return hex.EncodeToString(m[:]), hex.EncodeToString(s[:])
}

// Reuse returns the stored evidence of o.Dir when it holds for just this
// manifest, these sources and this program, and its artifacts are still
// there; else nil and the reason.
func Reuse(ctx context.Context, o Options) (*Outcome, string, error) {
	e, err := Load(filepath.Join(o.Dir, "evidence"))
	if err != nil {
		return nil, "", err
	}
	if e == nil {
		return nil, "nothing was proved yet", nil
	}
	m, s := Identity(o.Manifest, o.Plan)
	if why := e.Holds(m, s, o.Binary, o.Plan.Exports[0]); why != "" {
		return nil, why, nil
	}
	if err := e.ArtifactsMatch(ctx, o.Dir); err != nil {
		return nil, err.Error(), nil //nolint:nilerr // the reason why the evidence is void
	}
	return &Outcome{Evidence: *e, Stored: true}, "", nil
}

// Verify builds, inspects and compares. The error is about the work; a
// verdict that is not identical is no error.
func Verify(ctx context.Context, o Options) (*Outcome, error) {
	if len(o.Plan.Exports) != 1 {
		return nil, fmt.Errorf("verify: one export is needed, not %d: name it with --export", len(o.Plan.Exports))
	}
	v := &verification{Options: o, runs: make([]runState, o.Runs)}
	var err error
	if v.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if err := v.prepare(); err != nil {
		return nil, err
	}
	for _, phase := range []func(context.Context) error{v.build, v.probe, v.inspect} {
		if err := phase(ctx); err != nil {
			return nil, err
		}
	}
	return v.conclude(ctx)
}

type verification struct {
	Options
	runs []runState
}

// runState is one run while it is verified.
type runState struct {
	Run
	// dir is what the run exports to, work what it works in: its store, its
	// working directory.
	dir, work, store string
	report           *report.Report
}

// ErrForeign says that the output directory holds names that a verification
// would replace, and that none made.
var ErrForeign = errors.New("it was not made by assay verify: name another --output-directory")

// claim marks the output directory as one whose evidence and runs may be
// replaced. It refuses one in which somebody else's would be lost.
func (v *verification) claim() error {
	mark := filepath.Join(v.Dir, markFile)
	if _, err := os.Lstat(mark); err == nil {
		return nil
	}
	for _, pattern := range []string{"evidence", "run-*", "work-*"} {
		found, err := filepath.Glob(filepath.Join(v.Dir, pattern))
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return fmt.Errorf("replace %s: %w", found[0], ErrForeign)
		}
	}
	if err := os.MkdirAll(v.Dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(mark, []byte("assay verify replaces evidence, run-N and work-N in this directory.\n"), 0o644)
}

func (v *verification) evidence() string { return filepath.Join(v.Dir, "evidence") }

// prepare lays the directories anew: a run never finds what another left.
func (v *verification) prepare() error {
	if err := v.claim(); err != nil {
		return err
	}
	if err := os.RemoveAll(v.evidence()); err != nil {
		return err
	}
	if err := os.MkdirAll(v.evidence(), 0o755); err != nil {
		return err
	}
	err := save(v.evidence(), manifestFile, func(w io.Writer) error {
		_, err := w.Write(v.Manifest)
		return err
	})
	if err != nil {
		return err
	}
	for i := range v.runs {
		r := &v.runs[i]
		r.dir = filepath.Join(v.Dir, fmt.Sprintf("run-%d", i+1))
		r.work = filepath.Join(v.Dir, fmt.Sprintf("work-%d", i+1))
		r.store = filepath.Join(r.work, "store")
		cwd := filepath.Join(r.work, "cwd")
		err := errors.Join(os.RemoveAll(r.dir), os.RemoveAll(r.work), os.MkdirAll(r.dir, 0o755), os.MkdirAll(cwd, 0o755))
		if err != nil {
			return err
		}
		r.Environment = Varied(i+1, cwd)
		if v.Faketime == "" {
			r.Environment.Clock = time.Time{}
		}
	}
	return nil
}

// build starts the runs: side by side where each has a processor.
func (v *verification) build(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(min(len(v.runs), max(1, runtime.NumCPU())))
	for i := range v.runs {
		group.Go(func() error {
			start := time.Now()
			err := v.start(ctx, i)
			v.runs[i].BuildSeconds = time.Since(start).Seconds()
			return err
		})
	}
	return group.Wait()
}

// conclude compares the runs with the first one and writes the evidence.
func (v *verification) conclude(ctx context.Context) (*Outcome, error) {
	m, s := Identity(v.Manifest, v.Plan)
	out := &Outcome{Evidence: Evidence{
		Version: EvidenceVersion, ProvedAt: time.Now().UTC().Truncate(time.Second),
		Manifest: m, Binary: v.Binary, Sources: s, Export: v.Plan.Exports[0],
		Verdict: diff.Identical, Tools: tools(ctx), HostDependent: v.Plan.HostDependent,
	}}
	first := &v.runs[0]
	for i := range v.runs {
		r := &v.runs[i]
		out.Runs = append(out.Runs, r.Run)
		if i == 0 {
			continue
		}
		result := diff.Compare(first.report, r.report)
		out.Results = append(out.Results, result)
		out.Variations = append(out.Variations, first.Probe.Compare(r.Probe))
		out.Verdict = worse(out.Verdict, result.Verdict)
		if first.SHA256 != r.SHA256 {
			out.Verdict = worse(out.Verdict, diff.Equivalent)
		}
	}
	var err error
	if out.Tree, err = v.treeProof(ctx); err != nil {
		return nil, err
	}
	if err := v.save(out); err != nil {
		return nil, err
	}
	return out, v.clean()
}

// worse is the worse of two verdicts; inconclusive is better than different.
func worse(a, b diff.Verdict) diff.Verdict {
	order := []diff.Verdict{diff.Identical, diff.Equivalent, diff.Inconclusive, diff.Different}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// save writes the documents; evidence.json comes last, so that it never
// stands for documents that are not there.
func (v *verification) save(out *Outcome) error {
	for i := range v.runs {
		if err := save(v.evidence(), reportFile(i+1), v.runs[i].report.Encode); err != nil {
			return err
		}
	}
	if err := saveJSON(v.evidence(), diffFile, out.Results); err != nil {
		return err
	}
	return saveJSON(v.evidence(), evidenceFile, out.Evidence)
}

// clean removes what the runs worked in.
func (v *verification) clean() error {
	var errs []error
	for i := range v.runs {
		if !v.KeepStores {
			errs = append(errs, os.RemoveAll(v.runs[i].work))
		}
	}
	return errors.Join(errs...)
}

// packed finds the pipeline whose tree the export packs: the one that the
// export, or what it is made from, takes as a tree.
func packed(m *manifest.Manifest, export string) string {
	byName := map[string]*manifest.Pipeline{}
	for _, p := range m.Pipelines {
		byName[p.Name] = p
	}
	seen := map[string]bool{}
	for name := export; !seen[name] && byName[name] != nil; {
		seen[name] = true
		next := ""
		for _, s := range byName[name].Steps {
			for _, in := range s.Inputs {
				if in.Origin != "org.osbuild.pipeline" || len(in.References) != 1 {
					continue
				}
				next = strings.TrimPrefix(in.References[0].ID, "name:")
				if in.Type == "org.osbuild.tree" {
					return next
				}
			}
		}
		name = next
	}
	return ""
}
