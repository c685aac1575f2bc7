// Package store keeps what a build made or fetched: sources by checksum, and
// the output of every step as a layer, which holds only what the step changed.
//
// A tree is a stack of layers. Each layer carries the list of the entries that
// it changes; the fold of these lists is the truth for owner, mode, label,
// capability and device, the files on disk are its carrier. Layers are used by
// overlay mounts where the kernel and the filesystem allow it, else by copies.
//
//	s, err := store.Open("/var/cache/assay", store.Options{})
//	release, err := s.Hold(ctx, waiting)
//	defer release()
//	work, err := s.Begin(ctx, base)
//	// hand work.View() to a process, which calls View.Mount and changes the tree
//	layer, err := work.Commit(ctx, store.Commit{Key: key, Epoch: epoch})
//	base = base.With(layer)
//
// The package runs nothing, fetches nothing and knows no stage. The form on
// disk is described in docs/store.md.
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
	Empty bool `json:"empty,omitempty"`
	// Changed and Removed count entries, Bytes the content of changed files.
	Changed  int             `json:"changed"`
	Removed  int             `json:"removed"`
	Bytes    int64           `json:"bytes"`
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
// process that mounts it in a mount namespace of its own; see [View.Mount].
type View struct {
	// Dir is set for a plain directory: an absolute path.
	Dir string `json:"dir,omitempty"`
	// Base is the directory that Lower, Upper and Work are relative to (short
	// paths: the kernel takes one page of mount options). Lower is topmost first.
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
	// Hold keeps everything that this process looks up from being collected,
	// until release is called. Call it once, before the first Lookup of a
	// build. While a collection runs it waits, and says so as Lock does.
	Hold(ctx context.Context, waiting func(holder string)) (release func(), err error)
	// Lock waits until this process is the only one that works on key. While
	// it waits it calls waiting once with a word on who holds it.
	Lock(ctx context.Context, key string, waiting func(holder string)) (unlock func(), err error)
	// Begin prepares a writable view on base. Where trees are copied it takes
	// as long as the tree is large, and ends with ctx.
	Begin(ctx context.Context, base Tree) (Work, error)
	// View is a read-only view on a tree, good as long as the store is held.
	View(context.Context, Tree) (View, error)
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
	// Dir is a directory for the caller's own files about this work
	// (arguments, log); they never get into the layer, and Keep keeps them.
	Dir() string
	// Commit makes a layer of what changed, durably and atomically. The view
	// must not be mounted anywhere any more. After an error the work is still
	// there for Discard or Keep.
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
