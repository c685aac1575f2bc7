package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
)

// Encode writes r in its canonical form: the fields in the order of the
// types' definitions, map keys sorted, two spaces of indentation, one newline
// at the end, no HTML escapes.
func (r *Report) Encode(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Decode reads one report and refuses unknown keys, trailing data, and a
// schema version that this package does not know.
func Decode(rd io.Reader) (*Report, error) {
	d := json.NewDecoder(rd)
	d.DisallowUnknownFields()
	var r Report
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	if r.SchemaVersion < 1 || r.SchemaVersion > SchemaVersion {
		return nil, fmt.Errorf("read report: schema version %d is not known here (1 to %d are); use a newer assay", r.SchemaVersion, SchemaVersion)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("read report: data after the end of the document")
	}
	return &r, nil
}

// TreeDigest is the exact digest of a list of entries in sorted order:
// SHA-256 over one canonical JSON line for each, rule results and owning
// packages left out. It changes with every recorded fact; it is not the
// functional digest, which package diff defines.
func TreeDigest(entries []Entry) (string, error) {
	h := sha256.New()
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	for _, x := range entries {
		x.Canonical, x.Package = nil, ""
		buf.Reset()
		if err := e.Encode(&x); err != nil {
			return "", fmt.Errorf("digest %s: %w", x.Path, err)
		}
		h.Write(buf.Bytes())
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
