package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// linesHead is the first line of a report as lines. Section comes first, for a
// reader tells the two forms of a report apart by it.
type linesHead struct {
	Section       string             `json:"section"`
	SchemaVersion int                `json:"schema_version"`
	Subject       Subject            `json:"subject"`
	Sections      map[string]Section `json:"sections"`
	// Counts tells how many lines each list has that is there, so that a
	// reader sees where the end is missing.
	Counts map[string]int `json:"counts"`
}

// headSection is the section of the first line.
const headSection = "report"

// EncodeLines writes r as lines of JSON, each an object with a "section": a head
// ("report"), then the report's members in the order of the types' definitions,
// the elements of a list as a line each. A line has the members of what it
// stands for; what is no object, or has a section of its own, is its "value".
// No more than one line is in memory.
func (r *Report) EncodeLines(w io.Writer) error {
	l := lineWriter{w: w}
	l.json = json.NewEncoder(&l.value)
	l.json.SetEscapeHTML(false)
	members := membersOf(reflect.ValueOf(r).Elem())
	head := linesHead{headSection, r.SchemaVersion, r.Subject, r.Sections, map[string]int{}}
	for _, m := range members {
		if m.list() && !m.left() {
			head.Counts[m.name] = m.value.Len()
		}
	}
	if err := NewEncoder(w, "").Encode(head); err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	for _, m := range members {
		if err := l.member(m); err != nil {
			return fmt.Errorf("encode report: section %s: %w", m.name, err)
		}
	}
	return nil
}

// A member is one of a report by its name in JSON.
type member struct {
	name     string
	value    reflect.Value
	optional bool // omitempty
}

// left tells whether there is no line, and no count, of the member.
func (m member) left() bool {
	empty := m.value.Kind() == reflect.Map && m.value.Len() == 0 || m.list() && m.value.Len() == 0
	return m.value.IsZero() || m.optional && empty
}

func (m member) list() bool { return m.value.Kind() == reflect.Slice }

// element is what one line of the member holds.
func (m member) element() reflect.Type {
	t := m.value.Type()
	if m.list() || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// membersOf lists what is not in the head; the members of an embedded struct
// stand in its place, as in JSON.
func membersOf(v reflect.Value) []member {
	var out []member
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			out = append(out, membersOf(v.Field(i))...)
		case name != "" && name != "-" && name != "schema_version" && name != "subject" && name != "sections":
			out = append(out, member{name, v.Field(i), options == "omitempty"})
		}
	}
	return out
}

// inline tells whether a line holds the members of an element beside "section".
func inline(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || t.Implements(reflect.TypeFor[json.Marshaler]()) {
		return false
	}
	for _, m := range membersOf(reflect.Zero(t)) {
		if m.name == "section" || m.name == "value" {
			return false
		}
	}
	return true
}

// A lineWriter writes members. Its buffers are used again for each line.
type lineWriter struct {
	w           io.Writer
	line, value bytes.Buffer
	json        *json.Encoder
}

func (l *lineWriter) member(m member) error {
	open := inline(m.element())
	if !m.list() {
		if m.left() {
			return nil
		}
		return l.write(m.name, open, m.value.Interface())
	}
	for i := range m.value.Len() {
		if err := l.write(m.name, open, m.value.Index(i).Addr().Interface()); err != nil {
			return err
		}
	}
	return nil
}

func (l *lineWriter) write(name string, open bool, v any) error {
	l.value.Reset()
	if err := l.json.Encode(v); err != nil {
		return err
	}
	l.line.Reset()
	fmt.Fprintf(&l.line, `{"section":%q`, name)
	switch text := bytes.TrimRight(l.value.Bytes(), "\n"); {
	case !open:
		l.line.WriteString(`,"value":`)
		l.line.Write(text)
		l.line.WriteByte('}')
	case string(text) == "{}":
		l.line.WriteByte('}')
	default:
		l.line.WriteByte(',')
		l.line.Write(text[1:])
	}
	l.line.WriteByte('\n')
	_, err := l.w.Write(EscapeJSON(l.line.Bytes()))
	return err
}
