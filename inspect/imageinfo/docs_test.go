package imageinfo_test

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/imageinfo"
)

// TestDocsAreFresh compares the table of docs/image-info.md with the list of keys.
// UPDATE_DOCS=1 rewrites it.
func TestDocsAreFresh(t *testing.T) {
	const name, begin, end = "../../docs/image-info.md", "<!-- generated: keys -->\n", "<!-- end -->"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", name)
	}
	want := before + begin + table() + end + after
	if want == string(data) {
		return
	}
	if os.Getenv("UPDATE_DOCS") != "1" {
		t.Fatal("docs/image-info.md is stale: run UPDATE_DOCS=1 go test ./inspect/imageinfo")
	}
	if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| key | made from the section | where it is not upstream's |\n|---|---|---|\n")
	for _, k := range imageinfo.Keys() {
		difference := cmp.Or(k.Difference, "never")
		if k.Missing {
			difference = "not written: " + difference
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", k.Name, k.Section, difference)
	}
	return b.String()
}

// TestSections: each key names a section that there is.
func TestSections(t *testing.T) {
	names := inspect.SectionNames()
	for _, k := range imageinfo.Keys() {
		found := false
		for _, n := range names {
			found = found || n == k.Section
		}
		if !found {
			t.Errorf("%s: there is no section %s", k.Name, k.Section)
		}
	}
}
