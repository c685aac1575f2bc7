package inspect

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestListsAreWhole finds every section and rule in the sources, and
// requires that the one list of its package names it, and that the list of all
// sections has the package's.
func TestListsAreWhole(t *testing.T) {
	all := read(t, "sections.go")
	lists, err := filepath.Glob("*/sections.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, list := range lists {
		pkg := filepath.Dir(list)
		found += listed(t, list, `section\.Section`)
		if !regexp.MustCompile(`\b` + pkg + `\.Sections\(`).Match(all) {
			t.Errorf("sections.go does not name %s", pkg)
		}
	}
	if rules := listed(t, "canonical/all.go", "Rule"); found < 7 || rules < 5 {
		t.Errorf("only %d sections and %d rules found", found, rules)
	}
}

// listed counts the functions that make one thing, and requires each in the list.
func listed(t *testing.T, list, kind string) int {
	t.Helper()
	text := read(t, list)
	files, err := filepath.Glob(filepath.Join(filepath.Dir(list), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		for _, m := range regexp.MustCompile(`(?m)^func (\w+)\([^)]*\) `+kind+` \{`).FindAllSubmatch(read(t, file), -1) {
			found++
			if !regexp.MustCompile(`\b` + string(m[1]) + `\(`).Match(text) {
				t.Errorf("%s: %s is not on the list in %s", file, m[1], list)
			}
		}
	}
	return found
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
