package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/report"
)

// A Disagreement is one fact of which two readers of one subject tell
// different things.
type Disagreement struct {
	Path report.Raw
	// Field is the fact's name in JSON; empty when one reader does not show
	// the path at all.
	Field string
	// Ours and Theirs are the JSON of what each tells; empty for nothing.
	Ours, Theirs string
}

// String is the disagreement in one line.
func (d Disagreement) String() string {
	shown := func(s string) string {
		if s == "" {
			return "nothing"
		}
		return s
	}
	what := d.Path.String()
	if d.Field != "" {
		what += ": " + d.Field
	}
	return fmt.Sprintf("%s: %s by this reader, %s by the other", what, shown(d.Ours), shown(d.Theirs))
}

// CrossRead compares the report of one reader with that of another, path by
// path and fact by fact. Where they disagree, or where the other has not read
// everything, the section "files" of ours becomes unread: what two readers see
// differently nobody knows.
func CrossRead(ours, theirs *report.Report) []Disagreement {
	list := disagreements(ours.Files, theirs.Files)
	s, t := ours.Sections[sectionFiles], theirs.Sections[sectionFiles]
	switch {
	case s.Status == report.Unread:
	case t.Status == report.Unread:
		ours.Sections[sectionFiles] = report.Section{Status: report.Unread, Reason: section.Clip("the second reader: " + t.Reason)}
	case len(list) > 0:
		var all trouble
		for _, d := range list {
			all.add("", "two readers disagree: "+d.String())
		}
		ours.Sections[sectionFiles] = all.section()
	}
	return list
}

func disagreements(ours, theirs []report.Entry) []Disagreement {
	var list []Disagreement
	for len(ours)+len(theirs) > 0 {
		switch {
		case len(theirs) == 0 || len(ours) > 0 && ours[0].Path < theirs[0].Path:
			list = append(list, Disagreement{Path: ours[0].Path, Ours: string(ours[0].Type)})
			ours = ours[1:]
		case len(ours) == 0 || theirs[0].Path < ours[0].Path:
			list = append(list, Disagreement{Path: theirs[0].Path, Theirs: string(theirs[0].Type)})
			theirs = theirs[1:]
		default:
			list = append(list, differences(&ours[0], &theirs[0])...)
			ours, theirs = ours[1:], theirs[1:]
		}
	}
	return list
}

// differences compares two records of one path by their JSON, so that no field
// can be forgotten.
func differences(x, y *report.Entry) []Disagreement {
	p, errX := json.Marshal(x)
	q, errY := json.Marshal(y)
	if errX == nil && errY == nil && bytes.Equal(p, q) {
		return nil
	}
	a, b := fieldsOf(p, errX), fieldsOf(q, errY)
	var list []Disagreement
	for name := range a {
		if string(a[name]) != string(b[name]) {
			list = append(list, Disagreement{x.Path, name, string(a[name]), string(b[name])})
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			list = append(list, Disagreement{x.Path, name, "", string(b[name])})
		}
	}
	slices.SortFunc(list, func(p, q Disagreement) int { return strings.Compare(p.Field, q.Field) })
	return list
}

func fieldsOf(data []byte, err error) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	if err != nil {
		return map[string]json.RawMessage{"unencodable": json.RawMessage(err.Error())}
	}
	return fields
}
