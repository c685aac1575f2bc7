package tree_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// outsideOf is everything in dir but the tree itself, mtimes included.
func outsideOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries := fixtures.Snapshot(t, dir)
	maps.DeleteFunc(entries, func(name, _ string) bool { return name == "/tree" || strings.HasPrefix(name, "/tree/") })
	for name := range entries {
		info, err := os.Lstat(dir + name)
		if err != nil {
			t.Fatal(err)
		}
		entries[name] += info.ModTime().String()
	}
	return entries
}

// leaks says whether a result holds the secret's text, attribute, owner or name.
func leaks(result string) bool {
	for _, mark := range []string{"TOP SECRET", "user.secret", "7777", "hidden"} {
		if strings.Contains(result, mark) {
			return true
		}
	}
	return false
}

func text(v any) string { return fmt.Sprintf("%+v", v) }

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
