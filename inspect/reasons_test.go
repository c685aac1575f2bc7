package inspect

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/report"
)

// TestCauses tells a long cause once, wherever it stands and wherever it is cut.
func TestCauses(t *testing.T) {
	long := "member 7 at byte 1536: " + strings.Repeat("a long story of what is wrong, ", 4) + "end"
	longer := strings.Repeat("x", 480)
	for name, c := range map[string]struct{ first, second, want string }{
		"same":            {"/: " + long, "look up /etc/passwd: / could not be read: " + long, "look up /etc/passwd: / could not be read: see files"},
		"counted":         {"/: " + long + " (and 7 more)", "look up /a: " + long, "look up /a: see files"},
		"whole":           {long, long, "see files"},
		"other":           {"/: " + long, "look up /a: " + long + "!", "look up /a: " + long + "!"},
		"part of another": {"/: " + long, "look up /a: " + long[:100], "look up /a: " + long[:100]},
		"short":           {"/: broken", "look up /a: broken", "look up /a: broken"},
		"cut":             {section.Clip("/: " + longer + longer), section.Clip("look up /a: " + longer + longer), "look up /a: see files"},
		"cut, the first":  {section.Clip("look up /a: " + longer), "/: " + longer, "/: see files"},
		"twice":           {"/: " + long, "look up /a: " + long + "; look up /b: " + long, "look up /a: see files; look up /b: see files"},
		"twice, cut":      {"/: " + long, "look up /a: " + long + "; look up /b: " + long[:80] + "…", "look up /a: see files; look up /b: see files"},
		"none":            {"", "look up /a: " + long, "look up /a: " + long},
		"nothing":         {"/: " + long, "", ""},
	} {
		var told causes
		told.tell("files", c.first)
		if got := told.shorten("users", c.second); got != c.want {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
	var told causes
	told.shorten("users", "look up /etc/passwd: "+long)
	if got := told.shorten("groups", "look up /etc/group: "+long); got != "look up /etc/group: see users" {
		t.Errorf("got %q", got)
	}
}

// TestReasonOnce inspects a tar that is cut off: files tells why, and the other
// sections that it is told there.
func TestReasonOnce(t *testing.T) {
	tar := filepath.Join(t.TempDir(), "tar")
	header := make([]byte, 512)
	copy(header, strings.Repeat("n", 90))
	copy(header[100:], "0000644\x000000000\x000000000\x0000000001000\x0000000000000\x00        0")
	copy(header[257:], "ustar\x0000")
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[148:], fmt.Sprintf("%06o\x00 ", sum))
	if err := os.WriteFile(tar, append(header, "not all"...), 0o600); err != nil {
		t.Fatal(err)
	}
	img, err := image.Open(context.Background(), tar, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	r, err := Inspect(t.Context(), img, Options{})
	if err != nil {
		t.Fatal(err)
	}
	reason := r.Sections["files"].Reason
	if len(reason) < minShared {
		t.Fatalf("the reason is short: %q", reason)
	}
	_, what, _ := strings.Cut(reason, ": ")
	if r.Sections["users"].Status != report.Unread {
		t.Errorf("users: %+v", r.Sections["users"])
	}
	for name, s := range r.Sections {
		if s.Status == report.Unread && name != "files" && (strings.Contains(s.Reason, what) || !strings.Contains(s.Reason, "see files")) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
