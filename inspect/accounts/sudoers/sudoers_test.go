package sudoers_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/accounts/sudoers"
	"github.com/assay-os/assay/report"
)

// hard has a line of each kind that the manual knows.
const hard = `# comment
Defaults env_reset, !lecture, passwd_tries=3
Defaults:bob !requiretty
Defaults@web log_output
Defaults>root umask=022
Defaults!/bin/ls,PASSWDCMD noexec
Defaults env_keep += "A B"   # one more
Defaults env_keep -= C
Defaults badpass_message = "no, \"you\" don't: \
    again"
User_Alias ADMINS = bob, %wheel, !eve, +netgroup, #1000, %#100, "dom user" : OPS = zoe
Runas_Alias OP = root, operator
Host_Alias NET = 10.0.0.0/8, host1, ! host2, fe80::1, !!host3 : SIX = 2001:db8::/32
Cmnd_Alias PASSWDCMD = /usr/bin/passwd [a-z]*, !/usr/bin/passwd root, sha256:abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd /bin/x
ADMINS NET = (OP : adm) NOPASSWD: SETENV: PASSWDCMD, /bin/ls "", PASSWD: /bin/cat, (root) sudoedit /etc/hosts : ALL = ALL
root ALL=(ALL:ALL) ALL
zoe ALL=(:dialout) CWD=/x TIMEOUT=1h ROLE=r_t TYPE=t_t NOEXEC: /usr/bin/minicom -d \
  /dev/ttyS0, NOTBEFORE=20200101000000Z /bin/q
bob host1 = () /bin/true, /usr/bin/a\,b c\:d\=e # the end
%sudo	ALL=(ALL)	NOPASSWD: ALL, !/bin/su
dom\ user ALL = /bin/sh
`

func parse(t *testing.T, text string) *sudoers.File {
	t.Helper()
	f, err := sudoers.Parse([]byte(text), "/etc/sudoers")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestParse(t *testing.T) {
	f := parse(t, hard)
	if len(f.Problems) > 0 {
		t.Errorf("problems: %q", f.Problems)
	}
	got := collect(f)
	for _, x := range []struct {
		name      string
		got, want any
	}{
		{"rules", len(got.Rules), 10},
		{"a list", got.Aliases[0], report.SudoAlias{Name: "ADMINS", Kind: "user", Members: []string{"bob", "%wheel", "!eve", "+netgroup", "#1000", "%#100", "dom user"}, Source: "/etc/sudoers:11"}},
		{"addresses", got.Aliases[3].Members, []string{"10.0.0.0/8", "host1", "!host2", "fe80::1", "host3"}},
		{"addresses with masks", got.Aliases[4], report.SudoAlias{Name: "SIX", Kind: "host", Members: []string{"2001:db8::/32"}, Source: "/etc/sudoers:13"}},
		{"commands", got.Aliases[5].Members[2], "sha256:abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd /bin/x"},
		{"quotes", got.Defaults[9].Setting, `badpass_message=no, "you" don't: again`},
		{"bindings", []string{got.Defaults[3].Binding, got.Defaults[4].Binding, got.Defaults[5].Binding, got.Defaults[6].Binding},
			[]string{"user bob", "host web", "runas root", "command /bin/ls,PASSWDCMD"}},
		{"tags stay until they are taken back", got.Rules[0], report.SudoRule{Users: []string{"ADMINS"}, Hosts: []string{"NET"}, RunAsUsers: []string{"OP"}, RunAsGroups: []string{"adm"},
			Options: []string{"NOPASSWD", "SETENV"}, Commands: []string{"PASSWDCMD", `/bin/ls ""`}, Source: "/etc/sudoers:15"}},
		{"taken back", got.Rules[1].Options, []string{"PASSWD", "SETENV"}},
		{"another one to run as", got.Rules[2].RunAsUsers, []string{"root"}},
		{"other hosts", got.Rules[3], report.SudoRule{Users: []string{"ADMINS"}, Hosts: []string{"ALL"}, Commands: []string{"ALL"}, Source: "/etc/sudoers:15"}},
		{"settings", got.Rules[5].Options, []string{"CWD=/x", "NOEXEC", "ROLE=r_t", "TIMEOUT=1h", "TYPE=t_t"}},
		{"escapes", got.Rules[7].Commands, []string{"/bin/true", `/usr/bin/a\,b c\:d\=e`}},
	} {
		if !reflect.DeepEqual(x.got, x.want) {
			t.Errorf("%s: got  %+v\nwant %+v", x.name, x.got, x.want)
		}
	}
}

// collect puts the parts of a file together.
func collect(f *sudoers.File) sudoers.Item {
	var all sudoers.Item
	for _, i := range f.Items {
		all.Rules = append(all.Rules, i.Rules...)
		all.Defaults = append(all.Defaults, i.Defaults...)
		all.Aliases = append(all.Aliases, i.Aliases...)
	}
	return all
}

func TestIncludes(t *testing.T) {
	f := parse(t, "#include /etc/a\n@include \"/etc/b c\"\n#includedir /etc/d\n@includedir e\\ f # no\n#include\n#includes x\n")
	got := ""
	for _, i := range f.Items {
		if i.Include != "" {
			got += i.Include + "|"
			if i.Directory {
				got += "d|"
			}
		}
	}
	if want := "/etc/a|/etc/b c|/etc/d|d|e f|d|"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestProblems(t *testing.T) {
	for line, want := range map[string]string{
		"bob ALL":                   "the line ends too early",
		"bob ALL = ":                "the line ends too early",
		"bob = /bin/sh":             `"= /bin/sh" is not expected`,
		"User_Alias x = y":          "no name for an alias",
		"User_Alias ALL = y":        "no name for an alias",
		"User_Alias A y":            "alias A: no = follows",
		"Defaults":                  "the line ends too early",
		"Defaults = x":              `"= x" is not expected`,
		"Defaults a b":              `"b" is not expected`,
		"bob ALL=(root /bin/sh":     "is not expected",
		"bob ALL=ROLE= /bin/sh, x=": "",
		"bob ALL=/bin/a:":           "the line ends too early",
		"bob ALL=CWD= : x":          "CWD has no value",
		"bob ALL=(a,) x":            "is not expected",
	} {
		f := parse(t, "root ALL=ALL\n"+line+"\neve ALL=ALL\n")
		if want != "" && (len(f.Problems) != 1 || !strings.Contains(f.Problems[0], want) || !strings.HasPrefix(f.Problems[0], "/etc/sudoers:2: ")) {
			t.Errorf("%s: %q, want %s", line, f.Problems, want)
		}
		if n := len(collect(f).Rules); want != "" && n != 2 {
			t.Errorf("%s: %d rules, want those of the other lines", line, n)
		}
	}
}

// TestFormatOracle has sudo's own tool write the rules anew: they must mean the same.
func TestFormatOracle(t *testing.T) {
	tree := fixtures.DebianTree(t)
	text, err := fixtures.InTree(t, tree, nil, hard, "cvtsudoers", "-f", "sudoers")
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := collect(parse(t, hard)), collect(parse(t, text))
	for _, all := range []*sudoers.Item{&ours, &theirs} {
		for i := range all.Rules {
			all.Rules[i].Source = ""
			for j, o := range all.Rules[i].Options {
				if o == "TIMEOUT=1h" {
					all.Rules[i].Options[j] = "TIMEOUT=3600"
				}
			}
		}
	}
	if !reflect.DeepEqual(ours.Rules, theirs.Rules) {
		t.Errorf("got  %+v\nthey %+v", ours.Rules, theirs.Rules)
	}
	if len(ours.Defaults) != len(theirs.Defaults) || len(ours.Aliases) != len(theirs.Aliases) {
		t.Fatalf("%d settings and %d aliases, they have %d and %d:\n%s", len(ours.Defaults), len(ours.Aliases), len(theirs.Defaults), len(theirs.Aliases), text)
	}
	byName := map[string]report.SudoAlias{}
	for _, a := range theirs.Aliases {
		byName[a.Name] = a
	}
	for _, a := range ours.Aliases {
		if !reflect.DeepEqual(a.Members, byName[a.Name].Members) {
			t.Errorf("alias %s: %q, they have %q", a.Name, a.Members, byName[a.Name].Members)
		}
	}
	for i, d := range ours.Defaults {
		if d.Setting != theirs.Defaults[i].Setting || d.Binding != theirs.Defaults[i].Binding {
			t.Errorf("got  %+v\nthey %+v", d, theirs.Defaults[i])
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(hard))
	f.Add([]byte("a b=(c:d)^x$ ,!!\\\n#\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := sudoers.Parse(data, "x")
		if err != nil {
			return
		}
		for _, r := range collect(file).Rules {
			if len(r.Users) == 0 || len(r.Hosts) == 0 || len(r.Commands) == 0 {
				t.Errorf("an empty rule: %+v", r)
			}
		}
	})
}
