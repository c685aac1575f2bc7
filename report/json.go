package report

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Encode writes r in its canonical form: the fields in the order of the
// types' definitions, map keys sorted, two spaces of indentation, one newline
// at the end, no HTML escapes, hidden characters (see [Hidden]) as \u escapes. The entries are written one by one, so that
// the document is never in memory as a whole.
func (r *Report) Encode(w io.Writer) error {
	rest := *r
	rest.Files = []Entry{}
	var buf bytes.Buffer
	if err := NewEncoder(&buf, "  ").Encode(&rest); err != nil {
		return err
	}
	// No text in the document can hold this: there a line's end is an escape.
	const mark = "\n  \"files\": []"
	before, after, ok := bytes.Cut(buf.Bytes(), []byte(mark))
	if !ok {
		return errors.New("encode report: it has no files")
	}
	if _, err := w.Write(before); err != nil {
		return err
	}
	if err := encodeFiles(w, r.Files); err != nil {
		return err
	}
	_, err := w.Write(after)
	return err
}

// encodeFiles writes the one field whose list may be long, as package json would.
func encodeFiles(w io.Writer, files []Entry) error {
	if len(files) == 0 {
		_, err := io.WriteString(w, "\n  \"files\": []")
		return err
	}
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.SetIndent("    ", "  ")
	before := "\n  \"files\": [\n    "
	for i := range files {
		buf.Reset()
		buf.WriteString(before)
		if err := e.Encode(&files[i]); err != nil {
			return fmt.Errorf("encode %s: %w", files[i].Path, err)
		}
		buf.Truncate(buf.Len() - 1)
		if _, err := w.Write(EscapeJSON(buf.Bytes())); err != nil {
			return err
		}
		before = ",\n    "
	}
	_, err := io.WriteString(w, "\n  ]")
	return err
}

// Decode reads one report, as [Report.Encode] or [Report.EncodeLines] writes it,
// and refuses unknown keys, trailing data, a schema version that this package
// does not know, and files that are not sorted by their paths or not unique.
func Decode(rd io.Reader) (*Report, error) {
	buf := bufio.NewReaderSize(rd, 64<<10)
	decode := decodeDocument
	if isLines(buf) {
		decode = decodeLines
	}
	r, err := decode(buf)
	if err != nil {
		return nil, err
	}
	if err := checkOrder(r.Files); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	return r, nil
}

func decodeDocument(rd io.Reader) (*Report, error) {
	d := json.NewDecoder(rd)
	d.DisallowUnknownFields()
	var r Report
	err := d.Decode(&r)
	// A later version may have keys that are unknown here: the version says more.
	if err != nil && r.SchemaVersion <= SchemaVersion {
		return nil, fmt.Errorf("read report: at byte %d: %w", d.InputOffset(), err)
	}
	if err := checkVersion(r.SchemaVersion); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("read report: data after the end of the document")
	}
	return &r, nil
}

// checkOrder holds that paths ascend, each once: who compares reports looks
// entries up by it.
func checkOrder(files []Entry) error {
	for i := 1; i < len(files); i++ {
		switch before, p := files[i-1].Path, files[i].Path; {
		case p == before:
			return fmt.Errorf("files[%d]: %s is there twice; make the report again", i, p)
		case p < before:
			return fmt.Errorf("files[%d]: %s stands behind %s: the files are not sorted by their paths; make the report again", i, p, before)
		}
	}
	return nil
}

// TreeDigest is the exact digest of a list of entries in sorted order:
// SHA-256 over one canonical JSON line for each, without what only explains:
// rule results, owning packages, names of owners, holes. It changes with every
// recorded fact; it is not the functional digest, which package diff defines.
func TreeDigest(entries []Entry) (string, error) {
	h := sha256.New()
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	for _, x := range entries {
		x.Canonical, x.Roles, x.Package, x.User, x.Group, x.Holes = nil, nil, "", "", "", 0
		buf.Reset()
		if err := e.Encode(&x); err != nil {
			return "", fmt.Errorf("digest %s: %w", x.Path, err)
		}
		h.Write(buf.Bytes())
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
