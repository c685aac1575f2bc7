package build

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

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
	Inputs  []KeyInput      `json:"inputs"`
	// BuildRoot is the digest of the tree that the step runs in, "host:MARK"
	// or "none".
	BuildRoot string `json:"build_root"`
	Runner    string `json:"runner"`
	// Epoch is the source epoch in seconds.
	Epoch          int64  `json:"epoch"`
	Architecture   string `json:"architecture"`
	Implementation string `json:"implementation"`
}

// keyVersion is the present meaning of a [Key].
const keyVersion = 1

// A KeyInput is one input by its content.
type KeyInput struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	References []KeyReference  `json:"references"`
	Options    json.RawMessage `json:"options"`
}

// A KeyReference is a checksum or the digest of a tree, with its options.
type KeyReference struct {
	ID      string          `json:"id"`
	Options json.RawMessage `json:"options"`
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
	k := Key{
		Version: keyVersion, Tree: base.Digest, Type: s.Type, Kind: string(kindOf(s.Step)),
		Options: s.Options, Inputs: []KeyInput{}, BuildRoot: r.buildRootMark(s),
		Runner: s.Pipeline.Runner, Epoch: s.Pipeline.Epoch(),
		Architecture: r.Architecture, Implementation: r.Implementation,
	}
	if k.Options == nil {
		k.Options = json.RawMessage("{}")
	}
	for _, in := range r.resolve(s) {
		ki := KeyInput{Name: in.Name, Type: in.Type, Options: in.Options, References: []KeyReference{}}
		for _, ref := range in.references {
			ki.References = append(ki.References, KeyReference{ID: r.contentID(in, ref.ID), Options: ref.Options})
		}
		if in.tree != nil {
			ki.References = []KeyReference{{ID: in.tree.Digest, Options: in.references[0].Options}}
		}
		k.Inputs = append(k.Inputs, ki)
	}
	return k
}

// contentID stands for the content of a reference. A container image's id pins
// its configuration and what its layers unpack to, not how they are packed,
// which a step sees: the digest of the manifest does.
func (r *run) contentID(in resolved, id string) string {
	if in.Type == containersInput {
		return id + "@" + r.catalog.ImageDigest(id)
	}
	return id
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
