package stages_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// TestTruncateLikeTruncate: each size gives what truncate(1) of the host gives.
func TestTruncateLikeTruncate(t *testing.T) {
	fixtures.RequireTool(t, "truncate")
	sizes := []string{
		"0", "5", "2000", "1K", "1k", "1KB", "1KiB", "1M", "1m", "1MB", "3G", "+5", "-5", "-5000", "<5", ">5", "<5000", ">5000", "/7", "%7", "/1000", "%1000", "%1K", "/5000",
		"", "x", "5x", "K", "1KX", "1B", "++1", "/0", "%0", "99999999999999999999", "9E", "1g", "07", "1 ",
	}
	before := map[string]string{"/f": fmt.Sprintf(`file 0600 1:1 "%01000d"`, 7)}
	for _, size := range sizes {
		ours, theirs := fixtures.Tree(t, before), fixtures.Tree(t, before)
		_, ourErr := run(t, definition(t, "org.osbuild.truncate"), ours, fmt.Sprintf(`{"filename": "f", "size": %q}`, size), nil)
		out, theirErr := exec.Command("truncate", "--size", size, filepath.Join(theirs, "f")).CombinedOutput()
		if (ourErr != nil) != (theirErr != nil) {
			t.Errorf("%q: %v, and truncate: %v: %s", size, ourErr, theirErr, out)
		}
		a, err := os.Stat(ours + "/f")
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.Stat(theirs + "/f")
		if err != nil {
			t.Fatal(err)
		}
		if a.Size() != b.Size() {
			t.Errorf("%q: %d bytes, want %d", size, a.Size(), b.Size())
		}
	}
}

func TestTruncate(t *testing.T) {
	testChanges(t, "org.osbuild.truncate", map[string]change{
		"new": {nil, `{"filename": "/disk.img", "size": "3"}`, map[string]string{"/disk.img": `file 0644 0:0 "\x00\x00\x00"`}, ""},
	})
	testRefusals(t, "org.osbuild.truncate", []refusal{
		{nil, `{"filename": "f", "size": 5}`, "options.size: is a number, not a string"},
		{nil, `{"filename": "f", "size": "5Q!"}`, `options.size: "5Q!" is no size`},
		{nil, `{"filename": "d/f", "size": "5"}`, "no such file or directory"},
	})
}
