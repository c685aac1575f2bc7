package formats_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/formats"
	"github.com/assay-os/assay/report"
)

// Each form is found by its name, writes an empty report, and the same twice.
func TestAll(t *testing.T) {
	var names []string
	for _, f := range formats.All() {
		if slices.Contains(names, f.Name) {
			t.Errorf("%s is there twice", f.Name)
		}
		names = append(names, f.Name)
		if g, ok := formats.Named(f.Name); !ok || g.Summary != f.Summary || f.Summary == "" {
			t.Errorf("%s is not found", f.Name)
		}
		var first, second bytes.Buffer
		for _, b := range []*bytes.Buffer{&first, &second} {
			r := &report.Report{SchemaVersion: 1, Files: []report.Entry{{Path: "/", Type: report.Directory}}}
			if err := f.Write(b, r, formats.Options{}); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
		if first.Len() == 0 || first.String() != second.String() {
			t.Errorf("%s: %d bytes, and %d", f.Name, first.Len(), second.Len())
		}
	}
	if !slices.Equal(names, formats.Names()) {
		t.Errorf("names %v", formats.Names())
	}
	if _, ok := formats.Named("yaml"); ok {
		t.Error("a form that nobody wrote is found")
	}
}

// Who asks for a form finds it in the documents.
func TestAllAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/inspect.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range formats.Names() {
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/inspect.md does not have %s", name)
		}
	}
}
