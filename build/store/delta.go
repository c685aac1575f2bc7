package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/assay-os/assay/report"
)

// An item is one entry of a tree, with the line that report.TreeDigest hashes
// for it, and the layer whose directory holds it.
type item struct {
	entry report.Entry
	line  []byte
	layer string
}

func compareItems(a, b *item) int { return cmp.Compare(a.entry.Path, b.entry.Path) }

// A delta is what one layer says of a tree. Each list is sorted by path.
type delta struct {
	// changed are entries that are new or differ from the base.
	changed []*item
	// carried are entries that are as in the base but lie in the layer's
	// directory too: parents of what changed, other names of a changed file.
	carried []*item
	// removed are the paths of the base that are no more, each of them.
	removed []report.Raw
}

// deltaHeader is the first line of a layer's entries.jsonl.
type deltaHeader struct {
	Version int `json:"version"`
	Changed int `json:"changed"`
	Carried int `json:"carried"`
	Removed int `json:"removed"`
}

const deltaVersion = 1

// encode gives the content of entries.jsonl: the header, a line for each
// changed and each carried entry, a JSON string for each removed path.
func (d *delta) encode() ([]byte, error) {
	header := deltaHeader{deltaVersion, len(d.changed), len(d.carried), len(d.removed)}
	data, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	data = append(data, '\n')
	for _, list := range [][]*item{d.changed, d.carried} {
		for _, i := range list {
			data = append(data, i.line...)
		}
	}
	for _, p := range d.removed {
		line, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		data = append(append(data, line...), '\n')
	}
	return data, nil
}

// decodeDelta reads what encode wrote. The items keep parts of data.
func decodeDelta(data []byte, layer string) (*delta, error) {
	lines := lineReader{data: data}
	var h deltaHeader
	if err := json.Unmarshal(lines.next(), &h); err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	if h.Version != deltaVersion {
		return nil, fmt.Errorf("line 1: version %d is not known here", h.Version)
	}
	d := new(delta)
	for n := range h.Changed + h.Carried {
		i := &item{line: lines.next(), layer: layer}
		if err := json.Unmarshal(i.line, &i.entry); err != nil {
			return nil, fmt.Errorf("line %d: %w", lines.number, err)
		}
		if n < h.Changed {
			d.changed = append(d.changed, i)
		} else {
			d.carried = append(d.carried, i)
		}
	}
	for range h.Removed {
		var p report.Raw
		if err := json.Unmarshal(lines.next(), &p); err != nil {
			return nil, fmt.Errorf("line %d: %w", lines.number, err)
		}
		d.removed = append(d.removed, p)
	}
	if len(lines.data) > 0 {
		return nil, fmt.Errorf("line %d: data after the last entry", lines.number+1)
	}
	return d, nil
}

// A lineReader cuts lines, with their newline, from data; nil at its end.
type lineReader struct {
	data   []byte
	number int
}

func (r *lineReader) next() []byte {
	r.number++
	end := bytes.IndexByte(r.data, '\n') + 1
	if end == 0 {
		end = len(r.data)
	}
	line := r.data[:end:end]
	r.data = r.data[end:]
	return line
}

// A liner makes the lines of items.
type liner struct {
	buf bytes.Buffer
	enc *json.Encoder
}

func newLiner() *liner {
	l := new(liner)
	l.enc = json.NewEncoder(&l.buf)
	l.enc.SetEscapeHTML(false)
	return l
}

// line is exactly what report.TreeDigest hashes for e; a test holds the two
// together.
func (l *liner) line(e report.Entry) ([]byte, error) {
	e.Canonical, e.Roles = nil, nil
	l.buf.Reset()
	if err := l.enc.Encode(&e); err != nil {
		return nil, fmt.Errorf("encode entry %s: %w", e.Path, err)
	}
	return slices.Clone(l.buf.Bytes()), nil
}

// carry adds an entry that is as in the base.
func (d *delta) carry(i *item) {
	n, _ := slices.BinarySearchFunc(d.carried, i, compareItems)
	d.carried = slices.Insert(d.carried, n, i)
}

// setLayer says which layer the items lie in.
func (d *delta) setLayer(id string) {
	for _, list := range [][]*item{d.changed, d.carried} {
		for _, i := range list {
			i.layer = id
		}
	}
}
