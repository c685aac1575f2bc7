package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// Ids are SHA-256 over the canonical JSON of what they cover, one value after
// the other: osbuild's pipeline.py, inputs.py, mounts.py and devices.py. An id
// names a recipe. It does not cover what a device is, unless a mount uses it,
// nor where content comes from, nor who runs the step.

// digest is the id over values that are in canonical form.
func digest(parts ...[]byte) string {
	h := sha256.New()
	for _, part := range parts {
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// quote is the canonical form of a string.
func quote(s string) []byte { return pyjson.NewString(s).Append(nil) }

// idOrNull is the canonical form of an id, which is null for what has none.
func idOrNull(id string) []byte {
	if id == "" {
		return []byte("null")
	}
	return quote(id)
}

// ID is the id of the pipeline's last step, empty when it has none.
func (p *Pipeline) ID() string {
	if len(p.Steps) == 0 {
		return ""
	}
	return p.Steps[len(p.Steps)-1].ID
}

// stepID covers the step and, by base and build, everything before it. All
// three are in canonical form; epoch is nil where the pipeline has none.
func stepID(s *Step, build, base, epoch []byte) string {
	parts := [][]byte{quote(s.Type), build, base, s.Options, epoch}
	if len(s.Inputs) > 0 {
		ids := make([]pyjson.Member, len(s.Inputs))
		for i, in := range s.Inputs {
			ids[i] = pyjson.Member{Key: in.Name, Value: pyjson.NewString(in.ID)}
		}
		parts = append(parts, pyjson.NewObject(ids).Append(nil))
	}
	if len(s.Mounts) > 0 {
		parts = append(parts, mountIDs(s.Mounts))
	}
	return digest(parts...)
}

// mountIDs is the canonical form of the list of the mounts' ids.
func mountIDs(mounts []*Mount) []byte {
	b := []byte{'['}
	for i, m := range mounts {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, quote(m.ID)...)
	}
	return append(b, ']')
}

// inputID covers references in the form {reference: options}.
func inputID(in *Input, references []byte) string {
	return digest(quote(in.Type), quote(in.Origin), references, in.Options)
}

// deviceID covers the parent, by its id, but not the device's name.
func deviceID(d, parent *Device) string {
	if parent == nil {
		return digest(quote(d.Type), d.Options)
	}
	return digest(quote(d.Type), quote(parent.ID), d.Options)
}

// mountID covers the device, by its id, and the partition as it was written.
func mountID(m *Mount, device *Device, partition pyjson.Value) string {
	parts := [][]byte{quote(m.Type)}
	if device != nil {
		parts = append(parts, quote(device.ID))
	}
	if partition.True() {
		parts = append(parts, partition.Append(nil))
	}
	if m.Target != "" {
		parts = append(parts, quote(m.Target))
	}
	return digest(append(parts, m.Options)...)
}

// canonicalReferences is the form of references that an input's id covers.
// Of equal ids the last one counts.
func canonicalReferences(references []Reference) []byte {
	options := make(map[string]json.RawMessage, len(references))
	for _, ref := range references {
		options[ref.ID] = ref.Options
	}
	b := []byte{'{'}
	for i, id := range slices.Sorted(maps.Keys(options)) {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, quote(id)...)
		b = append(b, ": "...)
		b = append(b, options[id]...)
	}
	return append(b, '}')
}
