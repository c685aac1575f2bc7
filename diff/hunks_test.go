package diff

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

// TestHunksApply has patch(1) make the second text from the first.
func TestHunksApply(t *testing.T) {
	fixtures.RequireTool(t, "patch")
	numbered := func(n int, change map[int]string) string {
		var b strings.Builder
		for i := range n {
			if s, ok := change[i]; ok {
				b.WriteString(s)
			} else {
				fmt.Fprintf(&b, "line %d\n", i)
			}
		}
		return b.String()
	}
	tests := map[string][2]string{
		"first line":       {numbered(20, nil), numbered(20, map[int]string{0: "new\n"})},
		"last line":        {numbered(20, nil), numbered(20, map[int]string{19: "new\n"})},
		"two hunks":        {numbered(40, nil), numbered(40, map[int]string{5: "", 30: "x\ny\n"})},
		"joined hunks":     {numbered(40, nil), numbered(40, map[int]string{5: "", 11: "x\n"})},
		"from empty":       {"", "a\nb\n"},
		"to empty":         {"a\nb\n", ""},
		"no newline, a":    {"a\nb", "a\nb\n"},
		"no newline, b":    {"a\nb\n", "a\nb"},
		"no newline, both": {"a\nb", "c\nb"},
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 20 {
		change := map[int]string{}
		for range rng.IntN(9) {
			change[rng.IntN(60)] = strings.Repeat("line 7\n", rng.IntN(3))
		}
		tests[fmt.Sprintf("random %d", i)] = [2]string{numbered(60, nil), numbered(60, change)}
	}
	for name, pair := range tests {
		t.Run(name, func(t *testing.T) { applies(t, pair[0], pair[1]) })
	}
}

func applies(t *testing.T, a, b string) {
	hunks := Unified("/f", []byte(a), []byte(b))
	if a == b {
		if hunks != "" {
			t.Fatalf("hunks for equal texts: %s", hunks)
		}
		return
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte(a), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("patch", "--fuzz=0", "-p1", "-d", dir)
	cmd.Stdin = strings.NewReader(hunks)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("patch: %v\n%s\n%s", err, out, hunks)
	}
	got, err := os.ReadFile(filepath.Join(dir, "f"))
	if err != nil && b != "" {
		t.Fatal(err)
	}
	if !bytes.Equal(got, []byte(b)) {
		t.Fatalf("patch made %q, want %q\n%s", got, b, hunks)
	}
}

func TestHunksAreForSmallTextOnly(t *testing.T) {
	c := Change{Path: "/f", Section: "files", Kind: Modified, Fields: []string{"sha256"}}
	for name, data := range map[string]string{
		"binary": "a\x00b", "not UTF-8": "\xff", "escape": "\x1b[31m", "large": strings.Repeat("x\n", hunkInput),
	} {
		get := Contents(func(side string, _ report.Raw) []byte {
			if side == "a" {
				return []byte("plain\n")
			}
			return []byte(data)
		})
		if got := get.hunks(c); got != "" {
			t.Errorf("%s: hunks %q", name, got)
		}
	}
}
