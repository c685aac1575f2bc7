package inspect

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestListsAreWhole finds every inspector and rule in the sources, and
// requires that the one list of its kind names it.
func TestListsAreWhole(t *testing.T) {
	for _, c := range []struct{ dir, list, kind string }{
		{".", "inspectors.go", "Inspector"},
		{"canonical", "canonical/all.go", "Rule"},
	} {
		list, err := os.ReadFile(c.list)
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(c.dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^func (\w+)\(\) `+c.kind+` \{`).FindAllStringSubmatch(string(text), -1) {
				found++
				if !regexp.MustCompile(`\b` + m[1] + `\(\)`).Match(list) {
					t.Errorf("%s: %s is not on the list in %s", file, m[1], c.list)
				}
			}
		}
		if found < 5 {
			t.Errorf("%s: only %d found", c.dir, found)
		}
	}
}
