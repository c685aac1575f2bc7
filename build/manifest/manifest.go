// Package manifest reads osbuild's manifests, version 1 and 2, into one model,
// reports every problem of a document at once, and computes osbuild's ids.
//
// It executes nothing and knows no stage: options are checked by whoever has
// the stages' schemas.
package manifest

import "encoding/json"

// A Manifest is a whole document. Pipelines are in document order (v1: the
// innermost build pipeline first, as upstream names and orders them).
type Manifest struct {
	Version   string // "1" or "2"
	Pipelines []*Pipeline
	Sources   []*Source
	Metadata  json.RawMessage
}

// A Pipeline is a named list of steps that starts from an empty tree.
type Pipeline struct {
	Name string
	// Build names the pipeline whose output is the root file system that the
	// steps run in; empty means the host's /usr.
	Build  string
	Runner string
	// SourceEpoch is seconds since 1970, nil when the document has none.
	SourceEpoch *int64
	Steps       []*Step
	// Path is where the pipeline stands in the document: pipelines[1], pipeline.build.pipeline.
	Path Path
}

// A Step is one stage, or a v1 document's assembler.
type Step struct {
	Type      string
	Assembler bool
	// Options, and every raw value of the model, is in the form of Python's
	// json.dumps(sort_keys=True): the bytes that ids are computed over.
	Options json.RawMessage
	Inputs  []*Input
	Devices []*Device
	Mounts  []*Mount
	// ID is osbuild's id, 64 hex digits.
	ID   string
	Path Path
}

// An Input is a step's named content; Origin is "org.osbuild.source" or
// "org.osbuild.pipeline" (then references are "name:PIPELINE").
type Input struct {
	Name       string
	Type       string
	Origin     string
	References []Reference
	Options    json.RawMessage
	ID         string
	Path       Path
}

// A Reference is one item of an input, in the document's order.
type Reference struct {
	ID      string
	Options json.RawMessage
}

// A Device is a step's device: loopback, luks2, lvm2.lv.
type Device struct {
	Name    string
	Type    string
	Parent  string
	Options json.RawMessage
	ID      string
	Path    Path
}

// A Mount is a step's mount, in the order in which they are to be mounted.
type Mount struct {
	Name      string
	Type      string
	Source    string // a device's name
	Target    string
	Partition *int64
	Options   json.RawMessage
	ID        string
	Path      Path
}

// A Source is one kind of source with its items in the document's order.
type Source struct {
	Type    string
	Items   []Item
	Options json.RawMessage
	Path    Path
}

// An Item is one piece of content: its key ("sha256:…") and where it comes from.
type Item struct {
	ID    string
	Value json.RawMessage
}
