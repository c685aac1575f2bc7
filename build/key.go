package build

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/assay-os/assay/build/store"
)

// A Key is everything that a step's output depends on. Equal keys give equal
// outputs; what is not in it does not reach a step. It is kept beside the
// output so that a later build can say what changed.
type Key struct {
	// Version grows when the meaning of a key changes.
	Version int `json:"version"`
	// Tree is the digest of the tree before the step.
	Tree    string          `json:"tree"`
	Type    string          `json:"type"`
	Kind    string          `json:"kind"`
	Options json.RawMessage `json:"options"`
	// Inputs and Devices are sorted by name: a step finds them by that. Mounts
	// are in the order in which they are mounted.
	Inputs  []KeyInput  `json:"inputs"`
	Devices []KeyDevice `json:"devices"`
	Mounts  []KeyMount  `json:"mounts"`
	// BuildRoot is the digest of the tree that the step runs in, "host:MARK"
	// or "none".
	BuildRoot string `json:"build_root"`
	// Runner starts programs in the build root, so it is the build pipeline's.
	Runner string `json:"runner"`
	// Epoch is the source epoch in seconds.
	Epoch          int64  `json:"epoch"`
	Architecture   string `json:"architecture"`
	Implementation string `json:"implementation"`
}

// keyVersion is the present meaning of a [Key].
const keyVersion = 2

// A KeyInput is one input by its content.
type KeyInput struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Origin string `json:"origin"`
	// References are in the manifest's order, which a step sees.
	References []KeyReference  `json:"references"`
	Options    json.RawMessage `json:"options"`
}

// A KeyReference is a checksum or the digest of a tree, with its options.
type KeyReference struct {
	ID      string          `json:"id"`
	Options json.RawMessage `json:"options"`
}

// A KeyDevice is one device. Parent is the name of another.
type KeyDevice struct {
	Name    string          `json:"name"`
	Type    string          `json:"type"`
	Parent  string          `json:"parent"`
	Options json.RawMessage `json:"options"`
}

// A KeyMount is one mount. Source is a device's name.
type KeyMount struct {
	Name      string          `json:"name"`
	Type      string          `json:"type"`
	Source    string          `json:"source"`
	Target    string          `json:"target"`
	Partition *int64          `json:"partition"`
	Options   json.RawMessage `json:"options"`
}

// Digest is the key by which the store knows the output: 64 hex digits.
func (k Key) Digest() (string, error) {
	data, err := k.document()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// document is the key's canonical form.
func (k Key) document() ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(k); err != nil {
		return nil, fmt.Errorf("write cache key: %w", err)
	}
	return buf.Bytes(), nil
}

// key is the key of s on the tree base.
func (r *run) key(s *Step, base store.Tree) Key {
	return Key{
		Version: keyVersion, Tree: base.Digest, Type: exact(s.Type), Kind: string(kindOf(s.Step)), Options: orEmpty(s.Options),
		Inputs: r.keyInputs(s), Devices: keyDevices(s), Mounts: keyMounts(s),
		BuildRoot: r.buildRootMark(s), Runner: exact(runnerOf(s.Pipeline)), Epoch: s.Pipeline.Epoch(),
		Architecture: r.Architecture, Implementation: r.Implementation,
	}
}

func (r *run) keyInputs(s *Step) []KeyInput {
	inputs := []KeyInput{}
	for _, in := range s.Inputs {
		k := KeyInput{Name: exact(in.Name), Type: exact(in.Type), Origin: exact(in.Origin), Options: orEmpty(in.Options), References: []KeyReference{}}
		for _, ref := range in.References {
			k.References = append(k.References, KeyReference{ID: exact(r.contentID(in, ref.ID)), Options: orEmpty(ref.Options)})
		}
		inputs = append(inputs, k)
	}
	slices.SortFunc(inputs, func(a, b KeyInput) int { return strings.Compare(a.Name, b.Name) })
	return inputs
}

func keyDevices(s *Step) []KeyDevice {
	devices := []KeyDevice{}
	for _, d := range s.Devices {
		devices = append(devices, KeyDevice{exact(d.Name), exact(d.Type), exact(d.Parent), orEmpty(d.Options)})
	}
	slices.SortFunc(devices, func(a, b KeyDevice) int { return strings.Compare(a.Name, b.Name) })
	return devices
}

func keyMounts(s *Step) []KeyMount {
	mounts := []KeyMount{}
	for _, m := range s.Mounts {
		mounts = append(mounts, KeyMount{exact(m.Name), exact(m.Type), exact(m.Source), exact(m.Target), m.Partition, orEmpty(m.Options)})
	}
	return mounts
}

// orEmpty makes options that are left out the same as those that are empty.
func orEmpty(options json.RawMessage) json.RawMessage {
	if options == nil {
		return json.RawMessage("{}")
	}
	return options
}

// exact keeps names apart that JSON would make the same: a document may hold
// half a surrogate pair, for which an encoder writes U+FFFD whatever it is.
func exact(name string) string {
	if utf8.ValidString(name) && !strings.HasPrefix(name, "\x00") {
		return name
	}
	return "\x00" + strconv.QuoteToASCII(name)
}

// contentID stands for the content of a reference: a checksum, or the digest
// of a pipeline's tree, whose name no step learns. A container image's id pins
// its configuration and what its layers unpack to, not how they are packed,
// which a step sees: the digest of the manifest does.
func (r *run) contentID(in *manifestInput, id string) string {
	if name, ok := pipelineName(id); ok && in.Origin == fromPipeline {
		return r.trees[name].Digest
	}
	if in.Type == containersInput {
		return id + "@" + r.catalog.ImageDigest(id)
	}
	return id
}

// runnerOf is the runner of the steps of p: osbuild takes the one that the
// build pipeline names, for it must fit the programs there.
func runnerOf(p *Pipeline) string {
	if p.Build != nil {
		return p.Build.Runner
	}
	return p.Runner
}

func (r *run) buildRootMark(s *Step) string {
	switch s.Root {
	case HostRoot:
		return "host:" + r.HostMark
	case NoRoot:
		return "none"
	}
	return r.trees[s.Pipeline.Build.Name].Digest
}

// usesHost says that the steps of p run in the host's /usr. A build pipeline
// without steps has no root file system: it means the host, as for osbuild.
func usesHost(p *Pipeline) bool { return p.Build == nil || len(p.Build.Steps) == 0 }
