// Package sandbox runs one step of a build so that it sees its tree, its
// inputs and its options, and nothing of the host: no network, no clock but
// the kernel's, no files but the build root's, no environment.
//
// A [Runner] runs a [Spec]; [Bubblewrap] is the runner that uses bwrap(1). It
// starts this very program again as `assay __sandbox` in a private mount
// namespace, which mounts the step's views ([Main]) and becomes bwrap, which
// executes `assay __step` inside. All mounts live in that namespace: whatever
// is killed at whatever time leaves none behind.
//
// What stays visible of the host is listed in docs/sandbox.md. The package
// knows nothing of caches, manifests and stages.
package sandbox

import (
	"context"
	"encoding/json"
	"time"

	"github.com/assay-os/assay/build/store"
)

// The paths of a step's own things inside of the sandbox.
const (
	TreeDir      = "/run/osbuild/tree"
	InputsDir    = "/run/osbuild/inputs"
	MetaDir      = "/run/osbuild/meta"
	ArgumentFile = "/run/osbuild/api/arguments"
	EntriesDir   = "/run/assay/entries"
	Program      = "/run/assay/assay"
	// CleanTreeDir shows the tree of a chroot step without the private
	// mounts that TreeDir has then.
	CleanTreeDir   = "/run/assay/tree"
	ClockLibrary   = "/run/assay/faketime.so"
	resultFile     = "result.json"
	maxResultBytes = 16 << 20
)

// A Runner runs steps. Run returns an error when the step could not be run
// to its end (a [*ExitError] when it ran and failed); it never leaves a
// process behind, whatever happens to ctx.
type Runner interface {
	Run(ctx context.Context, spec Spec) (Result, error)
}

// A Spec is everything that one run needs. It is plain data.
type Spec struct {
	// Work is an empty directory of the host that only this run uses; what
	// the run leaves there (log, arguments) is the caller's to remove.
	Work string
	// Args is the command line inside of the sandbox; its first item is a
	// path there.
	Args []string
	// Root is the build root. A plain directory "/" is the host's /usr; the
	// zero View is none at all, for a static program that needs none.
	Root store.View
	// Tree is what the step may change; nil gives an empty directory.
	Tree   *store.View
	Inputs []Input
	// Arguments is the document at [ArgumentFile].
	Arguments json.RawMessage
	// Epoch is SOURCE_DATE_EPOCH.
	Epoch time.Time
	// Capabilities are added to [DefaultCapabilities].
	Capabilities []string
	// Chroot mounts /proc, /dev, /sys, /run and /tmp inside of the tree.
	Chroot bool
	// Clock, when set, lies to programs about the time.
	Clock *Clock
	// Output is called with every piece of output as it comes; it may be nil.
	Output func([]byte) `json:"-"`
	// Timeout ends the run after that time; 0 is no limit.
	Timeout time.Duration
}

// An Input is shown read-only at [InputsDir]/Name.
type Input struct {
	Name string
	// View is a tree; otherwise Files maps a path in the directory to a file
	// of the host.
	View  *store.View
	Files map[string]string
	// Entries is a file of the host shown at [EntriesDir]/Name; "" is none.
	Entries string
}

// A Clock is another time for programs: they are started with libfaketime
// preloaded, and each finds the clock at Time when it starts. Static programs
// are not reached by it.
type Clock struct {
	Time time.Time
	// Library is libfaketime.so on the host.
	Library string
}

// A Result is what a run left.
type Result struct {
	// Document is what the step wrote with [WriteResult], nil when it wrote none.
	Document json.RawMessage
	// Log is the path of everything that was printed, up to [MaxLog] bytes.
	Log string
	// Tail is the end of it, at most [maxTail] bytes.
	Tail string
	// Duration is the time from start to end.
	Duration time.Duration
}
