package ci

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
)

func TestJUnit(t *testing.T) {
	s := &Suite{Name: "s", Cases: []Case{
		{Class: "c", Name: "fine\x1b", Output: "a\nb\u202e"}, {Class: "c", Name: "bad", Failure: &Problem{"why", "x\n\x01y"}}, {Class: "c", Name: "unknown", Error: &Problem{Message: "unread"}},
	}}
	var b bytes.Buffer
	if err := s.JUnit(&b); err != nil {
		t.Fatal(err)
	}
	var got Suite
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if got.Tests != 3 || got.Failures != 1 || got.Errors != 1 || got.Cases[0].Name != `fine\u{1b}` || got.Cases[0].Output != "a\nb\\u{202e}" || got.Cases[1].Failure.Text != "x\n\\u{1}y" {
		t.Errorf("%+v\n%s", got, b.String())
	}
	if s.Cases[0].Name != "fine\x1b" {
		t.Error("writing changes what is written")
	}
}

func TestSARIF(t *testing.T) {
	s := &Scan{Tool: "assay x", Rules: []Rule{{ID: "r", Summary: "s", Reason: "why", Fix: "how", Level: "note"}, {ID: "plain", Summary: "p"}},
		Results:       []Result{{"r", "error", "bad", "/etc/a b"}, {"r", "note", "there", "partition 1"}, {"plain", "note", "nowhere", ""}},
		Notifications: []Notification{{"plain", "unread"}}}
	var b bytes.Buffer
	if err := s.SARIF(&b); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b.Bytes()) {
		t.Fatal(b.String())
	}
	for _, want := range []string{`"uri": "etc/a%20b"`, `"name": "partition 1"`, `"executionSuccessful": false`, `"fullDescription"`, `"level": "note"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
	s.Notifications = nil
	b.Reset()
	if err := s.SARIF(&b); err != nil || strings.Contains(b.String(), "invocations") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
