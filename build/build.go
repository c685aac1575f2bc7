// Package build executes a manifest: it plans which steps the exports need,
// takes every step's output from the store or runs the step in a sandbox, and
// keeps what it made.
//
//	plan, err := build.NewPlan(m, definitions, []string{"image"})
//	b := build.Builder{Store: s, Runner: runner, Program: self, ...}
//	result, err := b.Build(ctx, plan)
//
// What a step's output depends on is its [Key]; the store maps keys to
// layers. A key is on the tree before the step and not on the steps that made
// it, so a step that yields the same bytes as before ends a rebuild.
//
// The package knows no stage by name, reads no clock for an output and prints
// nothing: what happens goes to a [Monitor].
package build

import (
	"time"

	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/build/source"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/store"
)

// DefaultEpoch is the time that outputs carry where the pipeline has no
// source-epoch: 2020-01-25T00:00:00Z.
const DefaultEpoch int64 = 1579910400

// A Store keeps layers and sources; a [store.Dir] is one.
type Store interface {
	store.Store
	source.Dest
	// CheckSource reads the content that is there whole, and removes what
	// does not have its checksum; false says that it must be fetched.
	CheckSource(checksum string) (bool, error)
}

// A Builder executes plans. Store, Runner, Implementation and Architecture
// are needed, the zero value of the rest is sensible. One Builder may run
// several builds at once.
type Builder struct {
	Store  Store
	Runner sandbox.Runner
	// Implementation names the code that native steps are: two builders with
	// the same value give the same output for the same key.
	Implementation string
	// Architecture is of the programs that run: "amd64".
	Architecture string
	// HostMark stands for the host's /usr in the keys of steps that use it.
	HostMark string
	// History is a directory where the keys and durations of earlier runs
	// are remembered; none are when it is empty.
	History string
	// Fetch bounds downloads. Its Progress and Waiting are the builder's.
	Fetch source.Options
	// Monitor is told what happens; nil is nobody.
	Monitor Monitor
	// Clock lies to the programs that steps run. It is not in any key: a
	// build with it needs a store of its own.
	Clock *sandbox.Clock
	// StepTimeout ends a step; 0 is no limit.
	StepTimeout time.Duration
}

// find returns the definition of that name and kind, nil when there is none.
func find(definitions []step.Definition, name string, kind step.Kind) *step.Definition {
	for i := range definitions {
		if definitions[i].Name == name && definitions[i].Kind == kind {
			return &definitions[i]
		}
	}
	return nil
}
