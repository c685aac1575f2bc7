package lint_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/lint"
)

// TestDocsAreFresh compares the table of docs/lint.md with the rules.
// UPDATE_DOCS=1 rewrites it.
func TestDocsAreFresh(t *testing.T) {
	const name = "../../docs/lint.md"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(data), "<!-- generated: rules -->\n")
	_, after, ok := strings.Cut(rest, "<!-- end -->")
	if !ok {
		t.Fatalf("%s has no place for the rules", name)
	}
	var b strings.Builder
	b.WriteString("| rule | level | what is found | why it matters | how to mend it |\n|---|---|---|---|---|\n")
	for _, r := range lint.Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.ID, r.Level, r.Summary, r.Reason, r.Fix)
	}
	want := before + "<!-- generated: rules -->\n" + b.String() + "<!-- end -->" + after
	if want == string(data) {
		return
	}
	if os.Getenv("UPDATE_DOCS") != "1" {
		t.Fatalf("%s is stale: run UPDATE_DOCS=1 go test ./inspect/lint", name)
	}
	if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
