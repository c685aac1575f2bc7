package diff

import (
	"testing"

	"github.com/assay-os/assay/report"
)

func TestExplain(t *testing.T) {
	r := sample()
	r.Files[1].Canonical = &report.Canonical{Rule: "gzip", Version: 1, Digest: "g"}
	r.Rules = []report.Rule{{Name: "gzip", Reason: "the header holds a time"}}
	r.Files = append(r.Files, report.Entry{Path: "/lost+found", Type: report.Directory, Mode: 0o700})
	r.Files[1], r.Files[2] = r.Files[2], r.Files[1]

	e, err := Explain(r, "/usr/bin/su")
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Steps) != 2 || e.Steps[0].Rule != "gzip" || e.Steps[0].Reason != "the header holds a time" || e.Steps[0].Before["size"] != "3" || e.Steps[1].Rule != "mtime" {
		t.Errorf("steps %+v", e.Steps)
	}
	if e.Facts["mode"] != "4755" || e.Facts["sha256"] == "s" || e.Facts["sha256"] == "" {
		t.Errorf("facts %v", e.Facts)
	}
	if names := e.FactNames(); len(names) != len(e.Facts) || names[0] != "type" {
		t.Errorf("names %v", names)
	}

	e, err = Explain(r, "/lost+found")
	if err != nil || len(e.Facts) != 0 || e.Steps[len(e.Steps)-1].Rule != "lost-and-found" {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := Explain(r, "/nowhere"); err == nil {
		t.Error("a path that is not there is explained")
	}
}
