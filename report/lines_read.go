package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// isLines tells whether what rd gives next is the head of [Report.EncodeLines];
// it takes nothing away.
func isLines(rd *bufio.Reader) bool {
	head, _ := rd.Peek(64) // an end that is near is no error here
	head = bytes.TrimLeft(head, " \t\r\n")
	head, ok := bytes.CutPrefix(head, []byte("{"))
	return ok && bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte(`"section"`))
}

// decodeLines reads what [Report.EncodeLines] writes. It refuses what Decode
// refuses, and lists that are not as long as the head says.
func decodeLines(rd io.Reader) (*Report, error) {
	d := json.NewDecoder(rd)
	var head linesHead
	if err := d.Decode(&head); err != nil {
		return nil, fmt.Errorf("read report: line 1: %w", err)
	}
	if err := checkVersion(head.SchemaVersion); err != nil {
		return nil, err
	}
	if head.Section != headSection {
		return nil, fmt.Errorf("read report: line 1: section is %q, not %q: the head is missing", head.Section, headSection)
	}
	r := &Report{SchemaVersion: head.SchemaVersion, Subject: head.Subject, Sections: head.Sections}
	members := map[string]member{}
	for _, m := range membersOf(reflect.ValueOf(r).Elem()) {
		members[m.name] = m
		if _, there := head.Counts[m.name]; there && m.list() {
			m.value.Set(reflect.MakeSlice(m.value.Type(), 0, 0))
		}
	}
	for line := 2; ; line++ {
		var raw json.RawMessage
		if err := d.Decode(&raw); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read report: line %d: %w", line, err)
		}
		if err := decodeLine(members, raw); err != nil {
			return nil, fmt.Errorf("read report: line %d: %w", line, err)
		}
	}
	if err := checkCounts(members, head.Counts); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	return r, nil
}

func checkVersion(v int) error {
	if v < 1 || v > SchemaVersion {
		return fmt.Errorf("read report: schema version %d is not known here (1 to %d are); use a newer assay", v, SchemaVersion)
	}
	return nil
}

// checkCounts holds that each list is as long as the head says.
func checkCounts(members map[string]member, counts map[string]int) error {
	for name, m := range members {
		if m.list() && m.value.Len() != counts[name] {
			return fmt.Errorf("section %s has %d lines, and %d by the first line: the report is cut off or changed; make it again",
				name, m.value.Len(), counts[name])
		}
	}
	for name := range counts {
		if m, known := members[name]; !known || !m.list() {
			return fmt.Errorf("the first line counts a section %q, which is no list", name)
		}
	}
	return nil
}

// decodeLine adds what one line holds to its member.
func decodeLine(members map[string]member, line []byte) error {
	name, rest, err := cutSection(line)
	if err != nil {
		return err
	}
	m, known := members[name]
	if !known {
		return fmt.Errorf("section %q is not known here; use a newer assay", name)
	}
	to := m.value
	if m.list() {
		to = reflect.New(m.element()).Elem()
	} else if !to.IsZero() {
		return fmt.Errorf("section %s is there twice", name)
	}
	if err := decodeElement(rest, to, inline(m.element())); err != nil {
		return fmt.Errorf("section %s: %w", name, err)
	}
	if m.list() {
		m.value.Set(reflect.Append(m.value, to))
	}
	return nil
}

func decodeElement(text []byte, to reflect.Value, open bool) error {
	if !open {
		var envelope struct {
			Value json.RawMessage `json:"value"`
		}
		if err := strictly(text, &envelope); err != nil {
			return err
		}
		text = envelope.Value
	}
	return strictly(text, to.Addr().Interface())
}

func strictly(text []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

// cutSection takes "section" out of an object. Where it comes first, as it is
// written, the object need not be taken apart.
func cutSection(line []byte) (name string, rest []byte, err error) {
	if text, ok := bytes.CutPrefix(line, []byte(`{"section":"`)); ok {
		before, after, found := bytes.Cut(text, []byte(`"`))
		switch {
		case !found || bytes.IndexByte(before, '\\') >= 0:
		case after[0] == ',':
			return string(before), append([]byte{'{'}, after[1:]...), nil
		case after[0] == '}':
			return string(before), []byte("{}"), nil
		}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		return "", nil, err
	}
	section, ok := members["section"]
	if !ok {
		return "", nil, errors.New("it has no section")
	}
	if err := json.Unmarshal(section, &name); err != nil {
		return "", nil, fmt.Errorf("section: %w", err)
	}
	delete(members, "section")
	rest, err = json.Marshal(members)
	return name, rest, err
}
