package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"
)

// The forms of a layer's directory.
const (
	// formOverlay: whiteouts and opaque marks are there; overlayfs can take it.
	formOverlay = "overlay"
	// formPlain: the filesystem took no whiteouts; only copies can be made.
	formPlain = "plain"
)

const recordVersion = 1

// A record is the content of layer.json.
type record struct {
	Version int `json:"version"`
	Layer
	Form string `json:"form"`
	// Dropped are the sockets that the step left; see docs/store.md.
	Dropped []string `json:"dropped,omitempty"`
	// Entries is the hex SHA-256 of entries.jsonl.
	Entries string `json:"entries_sha256"`
	// Self is the hex SHA-256 of the record's JSON with Self left empty.
	Self string `json:"sha256"`
}

// encode fills in Self and gives the content of layer.json.
func (r *record) encode() ([]byte, error) {
	r.Self = ""
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	r.Self = hexSHA256(data)
	data, err = json.Marshal(r)
	return append(data, '\n'), err
}

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// decodeRecord reads what encode wrote, and nothing else.
func decodeRecord(data []byte) (*record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, err
	}
	again := r
	if want, err := again.encode(); err != nil || !bytes.Equal(want, data) {
		return nil, fmt.Errorf("it does not match its own digest")
	}
	if r.Version != recordVersion {
		return nil, fmt.Errorf("version %d is not known here", r.Version)
	}
	return &r, nil
}

var idForm = regexp.MustCompile(`^[0-9a-f]{12}$`)

// layerID names a layer by what it is. The name is short because an overlay
// mount takes all names of a stack in one page; n is for a second layer of
// the same name.
func layerID(key, digest string, n int) string {
	return hexSHA256(fmt.Appendf(nil, "%s %s %d", key, digest, n))[:12]
}

// readRecord reads a layer's layer.json.
func (d *Dir) readRecord(id string) (*record, error) {
	if !idForm.MatchString(id) {
		return nil, fmt.Errorf("layer id %.40q is not 12 hex digits", id)
	}
	data, err := os.ReadFile(d.join("layers", id, "layer.json"))
	if err != nil {
		return nil, err
	}
	r, err := decodeRecord(data)
	if err != nil {
		return nil, fmt.Errorf("read layers/%s/layer.json: %w", id, err)
	}
	if r.ID != id {
		return nil, fmt.Errorf("read layers/%s/layer.json: it is of layer %q", id, r.ID)
	}
	return r, nil
}

// readEntries reads the bytes of a layer's entries.jsonl, checked.
func (d *Dir) readEntries(r *record) ([]byte, error) {
	data, err := os.ReadFile(d.join("layers", r.ID, "entries.jsonl"))
	if err != nil {
		return nil, err
	}
	if hexSHA256(data) != r.Entries {
		return nil, fmt.Errorf("layers/%s/entries.jsonl does not match the digest in layer.json", r.ID)
	}
	return data, nil
}

func (d *Dir) readDelta(l *Layer) (*delta, error) {
	r, err := d.readRecord(l.ID)
	if err != nil {
		return nil, err
	}
	data, err := d.readEntries(r)
	if err != nil {
		return nil, err
	}
	delta, err := decodeDelta(data, r.ID)
	if err != nil {
		return nil, fmt.Errorf("read layers/%s/entries.jsonl: %w", r.ID, err)
	}
	return delta, nil
}

// Lookup implements [Store].
func (d *Dir) Lookup(key string) (*Layer, bool, error) {
	if err := checkKey(key); err != nil {
		return nil, false, fmt.Errorf("look up layer: %w", err)
	}
	r, err := d.lookup(key)
	if err != nil || r == nil {
		return nil, false, err
	}
	// The time of the key's file is when the layer was used last; a store
	// that cannot be written to is still good for reading.
	now := time.Now()
	_ = os.Chtimes(d.join("keys", key), now, now)
	return &r.Layer, true, nil
}

// lookup returns nil for a miss, which everything is that does not match.
func (d *Dir) lookup(key string) (*record, error) {
	data, err := os.ReadFile(d.join("keys", key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up layer: %w", err)
	}
	mode, err := d.mode()
	if err != nil {
		return nil, err
	}
	return d.usable(strings.TrimSuffix(string(data), "\n"), key, mode), nil
}

// usable reads the layer id if it is whole, of key, and of a form for mode;
// else it returns nil.
func (d *Dir) usable(id, key string, mode Mode) *record {
	r, err := d.readRecord(id)
	if err != nil || r.Key != key || !d.whole(r) || mode == Overlay && r.Form != formOverlay {
		return nil
	}
	return r
}
