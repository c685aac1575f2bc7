package diff

import (
	_ "embed"
	"encoding/json"
	"io"
	"strings"

	"github.com/assay-os/assay/report"
)

// page is the document without its data. It loads nothing, and its script
// shows the data as text, never as markup.
//
//go:embed page.html
var page string

// An htmlChange is a change with the lines that differ.
type htmlChange struct {
	Change
	Hunks string `json:"hunks,omitempty"`
}

// maxHunks bounds the changed lines that one page holds, in bytes.
const maxHunks = 8 << 20

// HTML writes a result as one page for a browser: verdict, search, the changes folded by
// package and by rule, changed lines side by side.
func (r *Result) HTML(w io.Writer, contents Contents) error {
	list, left := make([]htmlChange, len(r.Changes)), maxHunks
	for i, c := range r.Changes {
		list[i].Change = c
		if c.Rule == "" && left > 0 {
			list[i].Hunks = contents.hunks(c)
			left -= len(list[i].Hunks)
		}
	}
	before, after, _ := strings.Cut(page, "@DATA@")
	// The encoder escapes <, > and &, so that no text can end the element.
	data, err := json.Marshal(struct {
		*Result
		Changes []htmlChange `json:"changes"`
	}{r, list})
	if err != nil {
		return err
	}
	for _, part := range [][]byte{[]byte(before), report.EscapeJSON(data), []byte(after)} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
