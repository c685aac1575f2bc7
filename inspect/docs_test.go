package inspect_test

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/canonical"
)

const docs = "../docs/inspect.md"

// TestDocsAreFresh compares the tables of docs/inspect.md with the lists of
// sections and rules. UPDATE_DOCS=1 rewrites them.
func TestDocsAreFresh(t *testing.T) {
	data, err := os.ReadFile(docs)
	check(t, err)
	text := string(data)
	want := replaceTable(t, text, "sections", sectionTable())
	want = replaceTable(t, want, "rules", ruleTable())
	if want == text {
		return
	}
	if os.Getenv("UPDATE_DOCS") != "1" {
		t.Fatal("docs/inspect.md is stale: run UPDATE_DOCS=1 go test ./inspect")
	}
	check(t, os.WriteFile(docs, []byte(want), 0o644))
}

// replaceTable puts a table between its two comments.
func replaceTable(t *testing.T, text, name, table string) string {
	t.Helper()
	begin, end := "<!-- generated: "+name+" -->\n", "<!-- end -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("docs/inspect.md has no place for %s", name)
	}
	return before + begin + table + end + after
}

func sectionTable() string {
	var b strings.Builder
	b.WriteString("| section | read from | checked with |\n|---|---|---|\n")
	for _, i := range inspect.Sections() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", i.Name, i.Source, cmp.Or(i.Oracle, "tables only"))
	}
	return b.String()
}

func ruleTable() string {
	var b strings.Builder
	rules := append(canonical.All(), canonical.Rule{Rule: canonical.Identity()})
	b.WriteString("| rule | why the rest does not count | source |\n|---|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| `%s` %d | %s | %s |\n", r.Name, r.Version, r.Reason, r.Source)
	}
	return b.String()
}
