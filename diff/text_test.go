package diff

import (
	"strings"
	"testing"

	"github.com/assay-os/assay/report"
)

func TestText(t *testing.T) {
	a := tree(file("/etc/motd", "one", 0), file("/usr/bin/mount", "m", 0), file("/var/x", "x", 0))
	b := tree(file("/etc/motd", "two", 0), file("/usr/bin/mount", "m", 0), file("/var/x", "x", 9))
	b.Files[2].Mode = 0o4755
	b.Files[2].Package = "mount"
	a.Sections["boot"] = report.Section{Status: report.Unread, Reason: "grub.cfg: \x1b[2J"}
	var out strings.Builder
	contents := func(side string, p report.Raw) []byte { return []byte("say " + side + "\n") }
	if err := Compare(a, b).Text(&out, contents); err != nil {
		t.Fatal(err)
	}
	want := `different  (scope: tree)
  a no digest: not everything was read
  b fd2:…
  not read in a: boot: grub.cfg: \u{1b}[2J
  not compared, recorded on one side only: boot

2 changes that no rule explains:

files of no package
  ~ /etc/motd  sha256 one → two
    --- a/etc/motd
    +++ b/etc/motd
    @@ -1,1 +1,1 @@
    -say a
    +say b

package mount
  ~ /usr/bin/mount  mode 0644 → 4755

explained by rules:

mtime: 1 change. programs do not behave by a file's time of modification, but for the few that the rule excepts
  ~ /var/x  mtime 2020-01-25T00:00:00Z → 2020-01-25T00:00:09Z
`
	got := out.String()
	if i := strings.Index(got, "fd2:"); i >= 0 {
		got = got[:i] + "fd2:…" + got[i+len("fd2:")+64:]
	}
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestTextDerived: a change of a derived section names the section, since one name stands in several.
func TestTextDerived(t *testing.T) {
	r := Result{Verdict: Different, Changes: []Change{{
		Section: "privileged", Path: "/bin/x", Kind: Added, Fields: []string{"mode"}, B: map[string]report.Raw{"mode": "4755"}, Rule: "derived", Reason: "r",
	}}}
	var out strings.Builder
	if err := r.Text(&out, nil); err != nil {
		t.Fatal(err)
	}
	if want := "  + section privileged, /bin/x  mode 4755\n"; !strings.Contains(out.String(), want) {
		t.Errorf("got:\n%s\nwant a line\n%s", out.String(), want)
	}
}
