// Package step defines what a stage and an assembler are: a [Definition] with
// a name, a schema and a function, and the [Context] that the function works
// in.
//
// A step's function runs inside the sandbox, in a process of its own. It sees
// one tree, its inputs and its options; nothing of the host and nothing of
// other steps. It must not read a clock: time is [Context.Epoch].
//
// The package does not run sandboxes and does not know the cache; see
// packages build and sandbox.
package step

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

// Kind says what a definition's name may be used for. A stage and a v1
// assembler may share one name, as org.osbuild.qemu does.
type Kind string

// The kinds of steps.
const (
	Stage     Kind = "stage"
	Assembler Kind = "assembler"
)

// A Definition is one native stage or assembler.
type Definition struct {
	Name string
	Kind Kind
	// Summary is one line, without a full stop; Description is Markdown.
	Summary     string
	Description string
	// Schema is the JSON Schema (draft 2020-12) of the options object. Its
	// "examples" are shown in the reference, its "$comment"s say patterns in
	// words, and "writeOnly" marks what no message may repeat.
	Schema json.RawMessage
	// Inputs names the inputs that the step takes.
	Inputs []InputDefinition
	// Chroot asks for /proc, /dev, /sys, /run and /tmp inside of the tree,
	// private to the step, so that programs of the tree can run in it
	// ([Context.Chroot]).
	Chroot bool
	// Tools are programs that must be in the build root's PATH.
	Tools []string
	// Capabilities are added to the sandbox's default set, as "CAP_MAC_ADMIN".
	Capabilities []string
	// Since is the version of assay that first had it.
	Since string
	// Check finds what a schema cannot say of options that are valid by it:
	// partitions that overlap, a combination that is not supported. It is nil
	// where there is nothing of the kind. It sees no tree and no input.
	Check func(options json.RawMessage) []Problem
	Run   func(context.Context, *Context) error
}

// An InputDefinition is one input by name.
type InputDefinition struct {
	// Name is [AnyInput] where the options say what the inputs are called.
	Name string
	// Type is "org.osbuild.files" or "org.osbuild.tree"; either when it is
	// empty.
	Type     string
	Required bool
	Summary  string
}

// AnyInput is the name of a definition that stands for inputs of every name.
const AnyInput = "*"

// A Context is everything that a running step has.
type Context struct {
	// Tree is the tree that the step modifies. All native writing goes
	// through it.
	Tree *tree.Root
	// TreePath is the tree's absolute path inside the sandbox, for tools.
	TreePath string
	// Options is the options object of the manifest, valid by the schema.
	Options json.RawMessage
	Inputs  map[string]Input
	// Epoch is the time that the step's output may carry: the pipeline's
	// source-epoch, in whole seconds, UTC.
	Epoch time.Time
	// Log takes what tools print and what the step wants to tell.
	Log io.Writer
	// Metadata is stored with the step's output when it is not nil.
	Metadata any
}

// An Input is content that the manifest gave to the step.
type Input struct {
	// Path is a directory inside the sandbox, read-only: for files it holds
	// one file for each reference, named by its checksum ("sha256:…"); for a
	// tree it is the root of that tree.
	Path string
	// References are the references in the manifest's order, with their
	// options (null where there are none).
	References []Reference
	// Entries is the recorded list of a tree input, sorted: the truth for
	// owner, mode, label, capability and device. It is nil for files.
	Entries []report.Entry
}

// A Reference is one item of an input.
type Reference struct {
	ID      string          `json:"id"`
	Options json.RawMessage `json:"options,omitempty"`
}
