package keyfile_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
)

// short writes a file as lines "number section.key=value", "number [section]" and "number ! problem".
func short(f *keyfile.File) []string {
	var list []string
	for _, h := range f.Headers {
		list = append(list, fmt.Sprintf("%d [%s]", h.Line, h.Section))
	}
	for _, a := range f.Assignments {
		list = append(list, fmt.Sprintf("%d %s.%s=%s", a.Line, a.Section, a.Key, a.Value))
	}
	for _, p := range f.Problems {
		list = append(list, fmt.Sprintf("%d ! %s", p.Line, p.Text))
	}
	return list
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name    string
		dialect keyfile.Dialect
		text    string
		want    []string
	}{
		{"plain", keyfile.Systemd(), "[A]\nK=v\n\n[B]\n K2 = v w  \n", []string{"1 [A]", "4 [B]", "2 A.K=v", "5 B.K2=v w"}},
		{"comments", keyfile.Systemd(), "# a\n[A]\n; b\n  # c\nK=v # no comment\n", []string{"2 [A]", "5 A.K=v # no comment"}},
		{"continued", keyfile.Systemd(), "[A]\nK=a\\\n# between\n  b \\\n;\n\nL=c\\\\\nM=d\\", []string{"1 [A]", "2 A.K=a   b", "7 A.L=c\\\\", "8 A.M=d"}},
		{"repeated", keyfile.Systemd(), "[A]\nK=1\nK=\nK=2\n[A]\nK=3\n", []string{"1 [A]", "5 [A]", "2 A.K=1", "3 A.K=", "4 A.K=2", "6 A.K=3"}},
		{"outside", keyfile.Systemd(), "K=1\n[A]\nK\n=v\n", []string{"2 [A]", "1 ! it stands in no section", `3 ! "K" is no assignment`, `4 ! "=v" is no assignment`}},
		{"header", keyfile.Systemd(), "[A]\nK=1\n[B\nK=2\n", []string{"1 [A]", "2 A.K=1", "3 ! a section's header is not closed"}},
		{"not UTF-8", keyfile.Systemd(), "[A]\nK=\xff\nL=1\n", []string{"1 [A]", "3 A.L=1", "2 ! it is not UTF-8"}},
		{"CRLF and BOM", keyfile.Systemd(), "\xef\xbb\xbf[A]\r\nK=a\\\r\nb\r\n", []string{"1 [A]", "2 A.K=a b"}},
		{"value with =", keyfile.Systemd(), "[A]\nE=\"A=1\" B=2\n", []string{"1 [A]", "2 A.E=\"A=1\" B=2"}},
		{"GLib", keyfile.NetworkManager(), "[A]\n;K=1\n K[de] = v \nM=a\\\n#x\n", []string{"1 [A]", "2 A.;K=1", "3 A.K[de]=v ", "4 A.M=a\\"}},
		{"dnf", keyfile.DNF(), "[A] # x\nurl = a\n  b \n\n ; c\n#x\n\td\nK=\n [B]\nL=1\n M=2\n",
			[]string{"1 [A]", "9 [B]", "2 A.url=a\nb\n; c\nd", "8 A.K=", "10 B.L=1\nM=2"}},
		{"dnf, wrong", keyfile.DNF(), "[A] x\n K=1\n[B\n[]\n", []string{"1 [A]", "4 []", "1 ! something stands behind a section's header",
			"2 ! it goes on with no value", "3 ! a section's header is not closed"}},
		{"headless", keyfile.Dialect{Headless: true}, "K=1\n#=2\n", []string{"1 .K=1", "2 .#=2"}},
		{"empty", keyfile.Systemd(), "", nil},
	} {
		f, err := keyfile.Parse([]byte(c.text), c.dialect)
		if f.Broken != (c.name == "header") {
			t.Errorf("%s: broken is %t", c.name, f.Broken)
		}
		if got := short(f); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v\ngot  %q\nwant %q", c.name, err, got, c.want)
		}
	}
}

func TestValues(t *testing.T) {
	f, err := keyfile.Parse([]byte("[A]\nK=1\nK=\nK=2\n[B]\nK=9\n[A]\nK=3 4\n"), keyfile.Systemd())
	if err != nil {
		t.Fatal(err)
	}
	other, err := keyfile.Parse([]byte("[A]\nK=5\nL=\n"), keyfile.Systemd())
	if err != nil {
		t.Fatal(err)
	}
	f.Append(other)
	last, ok := f.Last("A", "K")
	none, nothing := f.Last("A", "M")
	empty, there := f.Last("A", "L")
	for got, want := range map[string]string{
		strings.Join(f.Values("A", "K"), ","): "1,,2,3 4,5",
		strings.Join(f.List("A", "K"), ","):   "2,3 4,5",
		strings.Join(f.Sections(), ","):       "A,B",
		fmt.Sprint(last, ok):                  "5true",
		fmt.Sprint(none, nothing):             "false",
		fmt.Sprint(empty, there):              "true",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestBounds(t *testing.T) {
	long := strings.Repeat("x", section.MaxLine)
	for text, want := range map[string]string{
		"[A]\nK=1\nL=\x00\n":  "line 3: it holds a NUL byte",
		"[A]\nK=1\nL=" + long: "line 3: 65538 bytes",
	} {
		f, err := keyfile.Parse([]byte(text), keyfile.Systemd())
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
		if v, _ := f.Last("A", "K"); v != "1" {
			t.Errorf("what stands before is lost: %q", v)
		}
	}
	for name, f := range map[string]func() (*keyfile.File, error){
		"backslash": func() (*keyfile.File, error) {
			return keyfile.Parse([]byte("[A]\nK=\\\n"+strings.Repeat(long[:60000]+"\\\n", 20)), keyfile.Systemd())
		},
		"indent": func() (*keyfile.File, error) {
			return keyfile.Parse([]byte("[A]\nK=\n"+strings.Repeat(" "+long[:60000]+"\n", 20)), keyfile.DNF())
		},
	} {
		got, err := f()
		if err != nil || len(got.Problems) == 0 || !strings.Contains(got.Problems[0].Text, "too long") {
			t.Errorf("%s: a value of 1.2 MB is taken: %v", name, err)
		}
	}
}

// oracleText is read by every dialect without a problem.
const oracleText = `# comment
[main]
a=1
b = two words  # kept
 [second]
list=x;y\;z
quoted="a b"
a.b-c=
a.b-c=again
[main]
c=3\\
path=/a=b
`

// TestOracle compares with GLib and with libdnf.
func TestOracle(t *testing.T) {
	// Debian's own, for which the two libraries are packaged.
	const python = "/usr/bin/python3"
	fixtures.RequireTool(t, python)
	for _, c := range []struct{ name, program string }{
		{"GLib", `
import gi, sys, json
from gi.repository import GLib
k = GLib.KeyFile()
k.load_from_data(sys.argv[1], len(sys.argv[1]), GLib.KeyFileFlags.NONE)
print(json.dumps({s: {n: k.get_value(s, n) for n in k.get_keys(s)[0]} for s in k.get_groups()[0]}))`},
		{"libdnf", `
import libdnf, sys, json, tempfile
f = tempfile.NamedTemporaryFile("w"); f.write(sys.argv[1]); f.flush()
p = libdnf.conf.ConfigParser(); p.read(f.name)
print(json.dumps({s: {n: p.getData()[s][n] for n in p.getData()[s]} for s in p.getData()}))`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dialect, text := keyfile.NetworkManager(), oracleText
			if c.name == "libdnf" {
				dialect, text = keyfile.DNF(), text+"url=a\n  b\n ; no comment\n\tc=d \n"
			}
			out, err := exec.Command(python, "-c", c.program, text).CombinedOutput()
			if err != nil {
				fixtures.Missing(t, fmt.Sprintf("python3 without %s: %s", c.name, out))
			}
			var want map[string]map[string]string
			if err := json.Unmarshal(out, &want); err != nil {
				t.Fatal(err)
			}
			f, err := keyfile.Parse([]byte(text), dialect)
			if err != nil || len(f.Problems) > 0 {
				t.Fatal(err, f.Problems)
			}
			got := map[string]map[string]string{}
			for _, a := range f.Assignments {
				if got[a.Section] == nil {
					got[a.Section] = map[string]string{}
				}
				got[a.Section][a.Key] = a.Value
				if c.name == "libdnf" { // it takes the quotes off itself
					got[a.Section][a.Key] = strings.Trim(a.Value, `"`)
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %q\n%s says %q", got, c.name, want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{oracleText, "[A]\nK=a\\\n#\nb\\\\\n", "[", "[]", "[A]\n =\n x\n", "\xef\xbb\xbf;"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, d := range []keyfile.Dialect{keyfile.Systemd(), keyfile.NetworkManager(), keyfile.DNF(), {Headless: true}} {
			file, _ := keyfile.Parse(data, d)
			size := 0
			for _, a := range file.Assignments {
				size += len(a.Key) + len(a.Value)
				if a.Key == "" || strings.ContainsAny(a.Key, "=\n") {
					t.Errorf("key %q", a.Key)
				}
			}
			if size > 2*len(data) {
				t.Errorf("%d bytes of %d", size, len(data))
			}
		}
	})
}
