package settings

import (
	"os/exec"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section/sectiontest"
)

// TestOSRelease asks the shell for the same values.
func TestOSRelease(t *testing.T) {
	fixtures.RequireTool(t, "sh")
	text := `NAME="Debian GNU/Linux"
# comment
ID=debian
VERSION_ID='12'
PRETTY_NAME="a \"b\" \$c \\ d"
EMPTY=
  INDENTED=x
MIX=a"b c"'d'
ESC=a\ b
TAIL="x" # comment
`
	got := map[string]string{}
	if err := parseAssignments([]byte(text), got); err != nil {
		t.Fatal(err)
	}
	for name, value := range got {
		out, err := exec.Command("sh", "-c", text+"\nprintf %s \"$"+name+"\"").Output()
		if err != nil || string(out) != value {
			t.Errorf("%s: %q, but sh says %q (%v)", name, value, out, err)
		}
	}
	if len(got) != 9 {
		t.Errorf("%d values: %v", len(got), got)
	}
}

func TestOSReleaseFallback(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"link":     {"/etc/os-release": "-> ../usr/lib/os-release", "/usr/lib/os-release": "ID=a\n"},
		"usr only": {"/usr/lib/os-release": "ID=a\n"},
		"etc wins": {"/etc/os-release": "ID=a\n", "/usr/lib/os-release": "ID=b\n"},
	} {
		if r := sectiontest.Report(t, Sections(), files); r.OSRelease["ID"] != "a" {
			t.Errorf("%s: %v %v", name, r.OSRelease, r.Sections["os-release"])
		}
	}
}

func FuzzAssignments(f *testing.F) {
	f.Add([]byte("NAME=\"a b\" # c\nX='y'\n"))
	f.Add([]byte("''\""))
	f.Fuzz(func(_ *testing.T, data []byte) { parseAssignments(data, map[string]string{}) })
}
