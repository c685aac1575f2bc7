package show

import (
	"testing"

	"github.com/assay-os/assay/inspect/lint"
	"github.com/assay-os/assay/report"
)

func TestUnjudged(t *testing.T) {
	one := lint.Unjudged{Rule: "changed-file", Section: "verification", Reason: "make the report with --verify"}
	for want, list := range map[string][]lint.Unjudged{
		"": nil,
		"the rule changed-file could not judge: make the report with --verify": {one},
		"2 rules could not judge: what they need was not read":                 {one, one},
	} {
		if got := unjudged(list); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestOddAllButOne: what one rule could not judge is not called clean, and the others' silence is told.
func TestOddAllButOne(t *testing.T) {
	r := &report.Report{Sections: map[string]report.Section{}}
	r.Verification = &report.Verification{Files: 9, Unread: 3}
	for n := -1; n != len(r.Sections); { // all that rules need was read
		n = len(r.Sections)
		for _, u := range lint.Check(r, lint.Options{}).Unjudged {
			r.Sections[u.Section] = report.Section{Status: report.OK}
		}
	}
	var notes []string
	for _, b := range odd(r).Blocks {
		if b.Note != nil {
			notes = append(notes, b.Note.Text)
		}
	}
	if len(notes) != 2 || notes[0] != "nothing by all rules but one" {
		t.Errorf("%q", notes)
	}
}
