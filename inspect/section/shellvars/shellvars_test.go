package shellvars_test

import (
	"os/exec"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section/shellvars"
)

const text = `NAME="Debian GNU/Linux"
# comment
ID=debian
VERSION_ID='12'
PRETTY_NAME="a \"b\" \$c \\ d"
EMPTY=
  INDENTED=x
MIX=a"b c"'d'
ESC=a\ b
TAIL="x" # comment
HASH=a#b
ID=debian2
export SENT="y"
SEMI=z;
`

// TestParse asks the shell for the same values.
func TestParse(t *testing.T) {
	fixtures.RequireTool(t, "sh")
	vars, err := shellvars.Parse([]byte(text))
	if err != nil || len(vars.Problems) != 0 || len(vars.Map) != 12 {
		t.Fatalf("%+v, %v", vars, err)
	}
	for name, value := range vars.Map {
		out, err := exec.Command("sh", "-c", text+"\nprintf %s \"$"+name+"\"").Output()
		if err != nil || string(out) != value {
			t.Errorf("%s: %q, but sh says %q (%v)", name, value, out, err)
		}
	}
}

func TestProblems(t *testing.T) {
	vars, err := shellvars.Parse([]byte("A=1\nif true; then\nB=\"x\nC=a b\n3=x\nD=2\n"))
	if err != nil || len(vars.Map) != 2 || len(vars.Problems) != 4 {
		t.Fatalf("%+v, %v", vars, err)
	}
	if got := vars.Err(); got == nil || got.Error() != `line 2: "if true; then" is not NAME=VALUE` {
		t.Errorf("%v", got)
	}
	if _, err := shellvars.Parse([]byte("A=\x00")); err == nil {
		t.Error("a NUL is taken")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("NAME=\"a b\" # c\nX='y'\n"))
	f.Add([]byte("export ''\""))
	f.Fuzz(func(t *testing.T, data []byte) {
		vars, _ := shellvars.Parse(data)
		for name, value := range vars.Map {
			if len(name)+len(value) > len(data) {
				t.Errorf("%s=%s is more than there was", name, value)
			}
		}
	})
}
