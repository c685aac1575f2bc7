// Package store keeps what a build made or fetched: sources by checksum, and
// the output of every step as a layer, which holds only what the step changed.
package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/assay-os/assay/report"
)

// A Layer is the committed output of one step: the difference to the tree that
// the step started from, in overlayfs' form (whiteouts, opaque directories).
type Layer struct {
	// ID names the layer's directory.
	ID string `json:"id"`
	// Key is the cache key that led to it.
	Key string `json:"key"`
	// Base and Digest are report.TreeDigest of the tree before and after.
	Base   string `json:"base"`
	Digest string `json:"digest"`
	// Type and StepID are for people: the step's name and its osbuild id.
	Type   string `json:"type"`
	StepID string `json:"step_id"`
	// Empty is true when the step changed nothing.
	Empty    bool            `json:"empty,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// A Tree is a stack of layers, lowest first. Digest is report.TreeDigest of
// the whole.
type Tree struct {
	Layers []*Layer
	Digest string
}

// A View tells how a tree is presented to a process: by an overlay mount, or
// as a plain directory. It is plain data, so that it can be handed to the
// process that mounts it in a mount namespace of its own.
type View struct {
	// Dir is set for a plain directory.
	Dir string `json:"dir,omitempty"`
	// Base is the directory that Lower is relative to (short paths: the
	// kernel takes one page of mount options). Lower is topmost first.
	Base     string   `json:"base,omitempty"`
	Lower    []string `json:"lower,omitempty"`
	Upper    string   `json:"upper,omitempty"`
	Work     string   `json:"work,omitempty"`
	ReadOnly bool     `json:"read_only,omitempty"`
}

// A Store is one directory. All of its methods may be called concurrently,
// and by several processes at once.
type Store interface {
	// Lookup returns the layer that key led to, and false when there is none
	// or when what is there does not match its own digest.
	Lookup(key string) (*Layer, bool, error)
	// Lock waits until this process is the only one that works on key. While
	// it waits it calls waiting once with a word on who holds it.
	Lock(ctx context.Context, key string, waiting func(holder string)) (unlock func(), err error)
	// Begin prepares a writable view on base.
	Begin(base Tree) (Work, error)
	// View is a read-only view on a tree.
	View(Tree) (View, error)
	// Entries is the recorded list of a tree, sorted.
	Entries(Tree) ([]report.Entry, error)
	// Export copies a tree to the directory dst, which must not exist,
	// holes kept, with the metadata of the recorded list.
	Export(ctx context.Context, t Tree, dst string) error
	// Source is the path of a source's content, and whether it is there.
	Source(checksum string) (path string, ok bool)
}

// A Work is a tree that a step is changing.
type Work interface {
	View() View
	// Commit makes a layer of what changed, durably and atomically.
	Commit(context.Context, Commit) (*Layer, error)
	// Discard throws the work away; Keep leaves it for looking into and
	// returns its directory.
	Discard() error
	Keep() (string, error)
}

// A Commit is what Work.Commit needs to know.
type Commit struct {
	Key    string
	Type   string
	StepID string
	// Epoch: every mtime newer than it becomes it; fractions of seconds are cut.
	Epoch    time.Time
	Metadata json.RawMessage
}
