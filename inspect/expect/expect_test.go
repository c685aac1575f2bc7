package expect_test

import (
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/expect"
	"github.com/assay-os/assay/report"
)

// sample is a report with something of each theme.
func sample() *report.Report {
	r := &report.Report{
		OSRelease: map[string]string{"ID": "debian"},
		Packages: []report.Package{
			{Name: "bash", Manager: "dpkg", State: "install ok installed"}, {Name: "gone", Manager: "dpkg", State: "deinstall ok config-files"}, {Name: "half", Manager: "dpkg", State: "install ok unpacked"}, {Name: "linux-image-6", Manager: "rpm"},
		},
		Services: report.Services{Enabled: []string{"ssh.service"}, Masked: []string{"x.service"}, DefaultTarget: "multi-user.target"},
		Boot:     []report.BootEntry{{Title: "a", Source: "/boot/a", Options: "root=x quiet"}, {Title: "b", Source: "/boot/b", Options: "root=x"}},
		Files: []report.Entry{
			{Path: "/", Type: report.Directory, Mode: 0o755}, {Path: "/etc/x", Type: report.File, Mode: 0o644, Size: 100, SHA256: "ab", User: "root", Group: "root", Package: "bash", SELinux: "l"},
			{Path: "/etc/y", Type: report.File, Size: 100, Hardlink: "/etc/x"}, {Path: "/l", Type: report.Symlink, Target: "etc/x"}, {Path: "/l2", Type: report.Symlink, Target: "./etc"}, {Path: "/lib", Type: report.Symlink, Target: "/etc/../l2"}, {Path: "/loop", Type: report.Symlink, Target: "loop"},
		},
		Disk:     &report.Disk{Size: 1 << 30},
		Sections: map[string]report.Section{},
	}
	r.KernelCmdline = []report.KernelCmdline{{Kind: "entry", Name: "a", Source: "/boot/a", Text: "root=x quiet"}, {Kind: "entry", Name: "b", Source: "/boot/b", Text: "root=x"}, {Kind: "setting", Text: "debug"}}
	r.Logins = []report.Login{{Name: "root", Ways: []string{"ssh key"}}, {Name: "bob", Barred: []string{"x"}}}
	r.Privileged = []report.PrivilegedFile{{Path: "/bin/su", Mode: 0o4755}, {Path: "/bin/wall", Mode: 0o2755}}
	r.Capabilities = []report.FileCapability{{Path: "/bin/ping"}}
	r.Startup = []report.StartupUnit{{Name: "ssh.service", State: "loaded"}, {Name: "gone.service", State: "missing"}}
	r.Listening = []report.Listener{{Address: "tcp 22", Enabled: true}, {Address: "tcp 80"}, {Address: "tcp 25", Unit: "sshd.service"}, {Address: "unix /run/x", Enabled: true}}
	r.Units = []report.Unit{{Name: "sshd.service", Of: "ssh.service"}}
	r.SELinux = &report.SELinux{ModeAtBoot: "permissive"}
	r.SELinuxMismatches = []report.LabelMismatch{{Path: "/x"}}
	r.Sysctl = []report.Setting{{Key: "kernel.x", Value: "1"}}
	for _, name := range []string{"files", "disk", "os-release", "packages", "logins", "privileged", "capabilities", "services", "startup", "units", "listening", "selinux", "selinux-mismatches", "boot", "kernel-cmdline", "sysctl"} {
		r.Sections[name] = report.Section{Status: report.OK}
	}
	return r
}

// TestCheck has a line that is met and one that is not for each expectation.
func TestCheck(t *testing.T) {
	for _, c := range []struct{ text, off string }{
		{"[os]\nid = 'debian'", ""}, {"[os]\nid = 'fedora'", "debian, not fedora"}, {"[os]\nversion = '1'", "nothing, not 1"},
		{"[packages]\npresent = ['bash', 'linux-image-*']", ""}, {"[packages]\npresent = ['gone']", "not installed"},
		{"[packages]\nabsent = ['gone', 'telnet*']", ""}, {"[packages]\nabsent = ['b*']", "bash is installed"},
		{"[logins]\nallowed = ['root', 'eve']", ""}, {"[logins]\nallowed = []", "root is not allowed"},
		{"[privileged]\nsetuid = ['/bin/su']", ""}, {"[privileged]\nsetuid = []", "/bin/su is not allowed"},
		{"[privileged]\nsetgid = ['/bin/wall']", ""}, {"[privileged]\nsetgid = []", "/bin/wall"},
		{"[privileged]\ncapabilities = ['/bin/ping']", ""}, {"[privileged]\ncapabilities = []", "/bin/ping"},
		{"[units]\ndefault = 'multi-user.target'", ""}, {"[units]\ndefault = 'graphical.target'", "multi-user.target, not"},
		{"[units]\nenabled = ['ssh.service']", ""}, {"[units]\nenabled = ['x.service']", "not enabled"},
		{"[units]\nmasked = ['x.service']", ""}, {"[units]\ndisabled = ['x.service']", "not disabled"},
		{"[units]\nstarted = ['ssh.service']", ""}, {"[units]\nstarted = ['gone.service']", "does not start"},
		{"[units]\nnot_started = ['gone.service']", ""}, {"[units]\nnot_started = ['ssh.service']", "boot starts it"}, {"[units]\nnot_started = ['sshd.service']", "boot starts it"},
		{"[listening]\nallowed = ['tcp 22', 'tcp 25']", ""}, {"[listening]\nallowed = ['tcp 22']", "tcp 25 is not allowed"}, {"[listening]\nallowed = []", "tcp 22 is not allowed"},
		{"[selinux]\nmode = 'permissive'", ""}, {"[selinux]\nmode = 'enforcing'", "permissive, not enforcing"},
		{"[selinux]\nmismatches = 1", ""}, {"[selinux]\nmismatches = 0", "wrong labels: 1,"},
		{"[kernel]\nhas = ['root=x']", ""}, {"[kernel]\nhas = ['quiet']", `it is not in the command line of "b"`},
		{"[kernel]\nlacks = ['debug']", ""}, {"[kernel]\nlacks = ['quiet']", `it is in the command line of "a"`},
		{"[sysctl]\n'kernel.x' = '1'", ""}, {"[sysctl]\n'kernel.x' = '2'", "1, not 2"},
		{"[files.'/etc/x']\nexists = true\ntype = 'file'\nmode = '644'\nowner = 'root'\ngroup = '0'\nsha256 = 'AB'\npackage = 'bash'\nlabel = 'l'", ""},
		{"[files.'/etc/x']\nmode = '0600'", "mode: 0644, not 0600"}, {"[files.'/l']\ntarget = '/etc/x'", "target: etc/x"},
		{"[packages]\nabsent = ['half']", "half is installed"}, {"[packages]\npresent = ['half']", "not installed"},
		{"[files.'/lib/x']\nmode = '644'", ""}, {"[files.'/lib/x']\nexists = false", "it is there"}, {"[files.'/loop/x']\nexists = false", ""},
		{"[files.'/no']\nexists = false", ""}, {"[files.'/etc/x']\nexists = false", "it is there"}, {"[files.'/no']\nmode = '0644'", "not there"},
		{"[size]\ndisk = '1 GiB'\ntree = '100'\nfiles = 7", ""}, {"[size]\ndisk = '1GB'", "more than 1000000000"},
		{"[size]\ntree = '99 B'", "1 more than 99"}, {"[size]\nfiles = 6", "7 files, not 6"},
	} {
		e, err := expect.Parse([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		result := e.Check(sample())
		if len(result.Outcomes) == 0 || result.Count(expect.Unknown) != 0 {
			t.Errorf("%s: %+v", c.text, result)
		}
		found := ""
		for _, o := range result.Outcomes {
			found += o.Found
		}
		if c.off == "" && result.Count(expect.Unmet) != 0 || c.off != "" && (result.Count(expect.Unmet) == 0 || !strings.Contains(found, c.off)) {
			t.Errorf("%s: %+v, want %q", c.text, result, c.off)
		}
	}
}

// TestUnknown: what was not read is neither met nor unmet.
func TestUnknown(t *testing.T) {
	e, err := expect.Parse([]byte("[packages]\nabsent = ['x']\n[logins]\nallowed = []\n[files.'/no']\nexists = false\n[lint]\nworst = 'note'\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := sample()
	r.SELinuxMismatches = nil
	for _, name := range []string{"packages", "logins", "files"} {
		r.Sections[name] = report.Section{Status: report.Unread, Reason: "bad block"}
	}
	result := e.Check(r)
	if result.Count(expect.Unmet) != 0 || result.Count(expect.Met) != 0 || result.Count(expect.Unknown) < 4 {
		t.Errorf("%+v", result)
	}
}

func TestLint(t *testing.T) {
	r := sample()
	r.Files[1].Mode = 0o666
	for _, name := range []string{"machine-id", "users", "groups", "fstab", "verification", "repositories", "repository-keys", "ca-certificates"} {
		r.Sections[name] = report.Section{Status: report.OK}
	}
	r.Boot, r.SELinuxMismatches = nil, nil
	for text, unmet := range map[string]int{
		"worst = 'warning'": 2, "worst = 'error'": 0, "worst = 'warning'\nignore = ['world-writable', 'unowned-privilege', 'half-installed']": 0,
	} {
		e, err := expect.Parse([]byte("[lint]\n" + text))
		if err != nil {
			t.Fatal(err)
		}
		if result := e.Check(r); (result.Count(expect.Unmet) > 0) != (unmet > 0) || result.Count(expect.Unknown) > 0 {
			t.Errorf("%s: %+v", text, result)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, words := range map[string]string{
		"[packages]\npresnt = []":                           "line 2: packages.presnt is nothing that can be expected; what can be is present, absent",
		"[pakages]\nx = 1":                                  "line 1",
		"[packages]\npresent = ['[']":                       "syntax error in pattern",
		"[packages":                                         "line 1, column",
		"[size]\ndisk = '1 lightyear'":                      "not a size like",
		"[size]\ndisk = '-1'":                               "not a size like",
		"[size]\ndisk = '99999999999 TiB'":                  "not a size like",
		"[files.'/x']\nmode = 'rw'":                         "not octal",
		"[files.'/x']\ntype = 'fil'":                        "none of",
		"[files.'x']\nmode = '1'":                           "not an absolute path",
		"[files.'/x']\nexists = false\nmode = '1'":          "nothing else can be expected",
		"[files.'/x/']\nexists = false":                     "is written /x",
		"[units]\nnot_started = ['cups']":                   "not the name of a unit",
		"[selinux]\nmode = 'on'":                            "not enforcing",
		"[lint]\nworst = 'bad'":                             "not none, note",
		"[lint]\nworst = 'note'\nignore = ['x']":            `no rule "x"`,
		"[packages]\npresent = ['a']\n[packages]\nabsent=1": "line",
	} {
		if _, err := expect.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, want %q", text, err, words)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("[files.'/x']\nmode = '0644'\n[size]\ndisk = '1G'\n[lint]\nworst = 'note'\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if e, err := expect.Parse(data); err == nil {
			e.Check(sample())
		}
	})
}

// TestUnknownVariable: a line with a variable that nobody knows may have any word.
func TestUnknownVariable(t *testing.T) {
	r := sample()
	r.KernelCmdline[0].Unset = []string{"kernelopts"}
	for text, want := range map[string]expect.State{"lacks = ['debug']": expect.Unknown, "has = ['debug']": expect.Unmet, "lacks = ['quiet']": expect.Unmet, "has = ['root=x']": expect.Met} {
		e, err := expect.Parse([]byte("[kernel]\n" + text))
		if err != nil {
			t.Fatal(err)
		}
		if result := e.Check(r); len(result.Outcomes) != 1 || result.Outcomes[0].State != want {
			t.Errorf("%s: %+v, want %s", text, result, want)
		}
	}
}

// TestNoLabels: where nothing has a label, nothing was compared.
func TestNoLabels(t *testing.T) {
	r := sample()
	r.SELinux, r.SELinuxMismatches = &report.SELinux{FileContexts: &report.SELinuxContexts{}, Unlabelled: 9}, nil
	r.Sections["selinux-mismatches"] = report.Section{Status: report.Absent}
	e, err := expect.Parse([]byte("[selinux]\nmismatches = 0"))
	if err != nil {
		t.Fatal(err)
	}
	if result := e.Check(r); result.Count(expect.Unmet) != 1 {
		t.Errorf("%+v", result)
	}
}

// TestConditions: who may log in from some addresses alone is neither let in nor kept out.
func TestConditions(t *testing.T) {
	r := sample()
	r.Logins = []report.Login{{Name: "bob", Conditions: []string{"Match address 10.0.0.0/8"}}, {Name: "root", Ways: []string{"console"}}}
	for text, want := range map[string][2]int{"['root']": {0, 1}, "[]": {1, 1}, "['root', 'bob']": {0, 0}} {
		e, err := expect.Parse([]byte("[logins]\nallowed = " + text))
		if err != nil {
			t.Fatal(err)
		}
		if result := e.Check(r); result.Count(expect.Unmet) != want[0] || result.Count(expect.Unknown) != want[1] {
			t.Errorf("%s: %+v", text, result)
		}
	}
}
