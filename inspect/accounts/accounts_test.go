package accounts

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// fill runs one section.
func fill(t testing.TB, s section.Section, files map[string]string) *report.Report {
	t.Helper()
	return sectiontest.Report(t, []section.Section{s}, files)
}

func day(n int64) *int64 { return &n }

func TestShadow(t *testing.T) {
	files := map[string]string{
		"/etc/shadow":  "root:!$6$salt$secret:19000:0:99999:7:::\n+::::::::\nbob:$y$j9T$s$secret:0:1:2:3:4:5:\nnone::19000::::::\noff:*:::::::\nsh:!\n",
		"/etc/gshadow": "adm:*::syslog,bob\nsecret:$6$s$secret:bob:\nopen:::\n",
	}
	r := sectiontest.Report(t, []section.Section{shadow(false), gshadow(false)}, files)
	want := []report.ShadowEntry{
		{Name: "bob", State: "password", Algorithm: "yescrypt", Changed: day(0), Min: day(1), Max: day(2), Warn: day(3), Inactive: day(4), Expire: day(5)},
		{Name: "none", State: "none", Changed: day(19000)},
		{Name: "off", State: "locked"},
		{Name: "root", State: "locked", Algorithm: "sha512", Changed: day(19000), Min: day(0), Max: day(99999), Warn: day(7)},
		{Name: "sh", State: "locked"},
	}
	if !reflect.DeepEqual(r.Shadow, want) {
		t.Errorf("got  %+v\nwant %+v", r.Shadow, want)
	}
	groups := []report.GshadowEntry{
		{Name: "adm", State: "locked", Members: []string{"bob", "syslog"}}, {Name: "open", State: "none"},
		{Name: "secret", State: "password", Algorithm: "sha512", Admins: []string{"bob"}},
	}
	if !reflect.DeepEqual(r.Gshadow, groups) {
		t.Errorf("got  %+v\nwant %+v", r.Gshadow, groups)
	}
	noSecret(t, r)
	r = sectiontest.Report(t, Sections(Options{Hashes: true}), files)
	if r.Shadow[0].Hash != "$y$j9T$s$secret" || r.Gshadow[2].Hash != "$6$s$secret" {
		t.Errorf("asked for, and not shown: %+v, %+v", r.Shadow[0], r.Gshadow[2])
	}
}

// noSecret requires that a report does not hold the word that tests plant as one.
func noSecret(t *testing.T, r *report.Report) {
	t.Helper()
	var b strings.Builder
	if err := r.Encode(&b); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(b.String(), `"name": "secret"`, "")
	if i := strings.Index(text, "secret"); i >= 0 {
		t.Errorf("a secret is in the report: %s", text[max(0, i-200):i+20])
	}
}

func TestBadLines(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{
		"/etc/shadow": "a:*:x::::::\nb\nok:*:1::::::\n", "/etc/gshadow": "a\n", "/etc/subuid": "bob:1:2\nbob:x:2\nbob\n",
		"/etc/login.defs": "A\x00", "/usr/lib/passwd": "x\n", "/usr/lib/group": "x\n",
	})
	sectiontest.Status(t, r, "shadow", report.Unread, "/etc/shadow: line 1", "1 more lines")
	sectiontest.Status(t, r, "gshadow", report.Unread, "/etc/gshadow: line 1")
	sectiontest.Status(t, r, "subids", report.Unread, "/etc/subuid: line 2")
	sectiontest.Status(t, r, "login-defs", report.Unread, "/etc/login.defs: line 1")
	sectiontest.Status(t, r, "passwd-system", report.Unread, "/usr/lib/passwd")
	sectiontest.Status(t, r, "groups-system", report.Unread, "/usr/lib/group")
	if len(r.Shadow) != 1 || len(r.Subids) != 1 {
		t.Errorf("what was read is not kept: %+v, %+v", r.Shadow, r.Subids)
	}
}

func TestAbsent(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{"/etc/x": ""})
	for name := range r.Sections {
		sectiontest.Status(t, r, name, report.Absent)
	}
}

func TestTables(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{
		"/etc/subuid": "bob:100000:65536\nbob:200000:1\n", "/etc/subgid": "1000:5:6\n",
		"/etc/login.defs":    "# x\nUID_MIN\t\t 1000\nENCRYPT_METHOD \"YESCRYPT\"\nUID_MIN 2000\nEMPTY\n",
		"/etc/nsswitch.conf": "passwd:         files systemd  # x\nhosts: files [!UNAVAIL=return] dns\n",
		"/usr/lib/passwd":    "zoe:x:5:5::/:/bin/sh\nbin:x:1:1:bin:/bin:/sbin/nologin\n", "/usr/lib/group": "bin:x:1:\n",
		"/etc/skel/.bashrc": "x", "/etc/skel/.config/": "", "/etc/skel/l": "-> x", "/etc/skelx": "",
	})
	for _, x := range []struct{ got, want any }{
		{r.Subids, []report.SubIDs{{Owner: "1000", GIDs: []report.IDRange{{Start: 5, Count: 6}}}, {Owner: "bob", UIDs: []report.IDRange{{Start: 100000, Count: 65536}, {Start: 200000, Count: 1}}}}},
		{r.LoginDefs, map[string]string{"UID_MIN": "2000", "ENCRYPT_METHOD": "YESCRYPT", "EMPTY": ""}},
		{r.Nsswitch, map[string]string{"passwd": "files systemd", "hosts": "files [!UNAVAIL=return] dns"}},
		{r.PasswdSystem[0].Name, "bin"}, {r.GroupsSystem, []report.Group{{Name: "bin", GID: 1}}},
		{r.Skel, []string{".bashrc", ".config/", "l"}},
	} {
		if !reflect.DeepEqual(x.got, x.want) {
			t.Errorf("got  %+v\nwant %+v", x.got, x.want)
		}
	}
}

func TestSudoersFiles(t *testing.T) {
	files := map[string]string{
		"/etc/sudoers":   "Defaults env_reset\nroot ALL=(ALL) ALL\n@include local\n@includedir /etc/sudoers.d\n@include /etc/none\n#includedir /etc/no.d\nlast ALL=ALL\nwrong\n",
		"/etc/local":     "local ALL=/bin/l\n@include /etc/sudoers\n",
		"/etc/sudoers.d": "-> ../usr/s", "/usr/s/b": "b ALL=/bin/b\n", "/usr/s/a": "a ALL=/bin/a\n", "/usr/s/c.rpmsave": "c ALL=ALL\n", "/usr/s/d~": "d ALL=ALL\n",
		"/usr/s/mine": "mine ALL=ALL\n", "/usr/s/open": "open ALL=ALL\n", "/usr/s/out": "-> ../../../etc/outside", "/usr/s/loop": "-> loop2", "/usr/s/dir/x": "",
	}
	on := treetest.Of(t, treetest.Map{Files: files, Change: func(n *image.Node) {
		switch string(n.Path) {
		case "/usr/s/mine":
			n.UID = 1000
		case "/usr/s/open":
			n.Mode = 0o666
		}
	}})
	r := sectiontest.Fill(t, []section.Section{sudoers()}, on)
	sectiontest.Status(t, r, "sudoers", report.OK)
	got := ""
	for _, rule := range r.Sudoers.Rules {
		got += rule.Users[0] + " "
	}
	if got != "root local a b last " {
		t.Errorf("got %s", got)
	}
	problems := strings.Join(r.Sudoers.Problems, "\n")
	for _, want := range []string{
		"/etc/local:2: /etc/sudoers includes itself", "/etc/sudoers:5: look up /etc/none", "/etc/sudoers:8: the line ends too early",
		"/usr/s/mine is left out: its owner is 1000", "/usr/s/open is left out: all may write",
	} {
		if !strings.Contains(problems, want) {
			t.Errorf("no problem %q in\n%s", want, problems)
		}
	}
	if n := len(r.Sudoers.Files); n != 4 || r.Sudoers.Files[0].Lines[1] != "root ALL=(ALL) ALL" {
		t.Errorf("%d files: %+v", n, r.Sudoers.Files)
	}
}

func TestPAM(t *testing.T) {
	r := fill(t, pam(), map[string]string{
		"/etc/pam.d/login":     "auth requisite pam_nologin.so\n@include common\n-session optional pam_gone.so # x\naccount required \\\n pam_unix.so\nbad line\nxauth required pam_unix.so\n",
		"/etc/pam.d/common":    "auth [success=1 default=ignore]\tpam_unix.so nullok\nauth substack sub\nauth required pam_mysql.so user=x passwd=secret [password=secret]\nsession include common\n",
		"/usr/lib/pam.d/sub":   "auth required /usr/lib/security/pam_unix.so\nsession required pam_limits.so\n",
		"/usr/lib/pam.d/login": "auth required pam_hidden.so\n",
		"/usr/lib/pam.d/lost":  "auth include nothing\n",
		"/lib":                 "-> usr/lib",
		"/usr/lib/x86_64-linux-gnu/security/pam_unix.so": "", "/usr/lib/security/pam_nologin.so": "", "/usr/lib/security/pam_unix.so": "",
		"/usr/lib/security/pam_mysql.so": "", "/usr/lib/security/pam_limits.so": "-> nowhere",
	})
	noSecret(t, r)
	want := []report.PAMService{
		{Name: "common", Includes: []string{"common", "sub"}, Problems: []string{"common includes itself"}, Stack: []string{
			"auth [success=1 default=ignore] pam_unix.so nullok", "auth substack sub", "  auth required /usr/lib/security/pam_unix.so",
			"auth required pam_mysql.so user=x passwd=(present) [password=(present)",
		}},
		{Name: "login", Includes: []string{"common", "sub"}, Missing: []string{"pam_gone.so"}, Stack: []string{
			"auth requisite pam_nologin.so", "auth [success=1 default=ignore] pam_unix.so nullok", "auth substack sub", "  auth required /usr/lib/security/pam_unix.so",
			"auth required pam_mysql.so user=x passwd=(present) [password=(present)", "-session optional pam_gone.so", "account required pam_unix.so",
		}, Problems: []string{`/etc/pam.d/login:6: "bad line" has no type, control and module`, `/etc/pam.d/login:7: "xauth" is no type`, "common includes itself"}},
		{Name: "lost", Includes: []string{"nothing"}, Problems: []string{"service nothing: file does not exist"}, Stack: []string{}},
		{Name: "sub", Missing: []string{"pam_limits.so"}, Stack: []string{"auth required /usr/lib/security/pam_unix.so", "session required pam_limits.so"}},
	}
	for i := range want {
		if i >= len(r.PAM) || !reflect.DeepEqual(r.PAM[i], want[i]) {
			t.Errorf("got  %+v\nwant %+v", r.PAM[i], want[i])
		}
	}
}

// TestPAMBomb doubles at each level: 2^40 lines, were there no bound.
func TestPAMBomb(t *testing.T) {
	files := map[string]string{}
	for i := range 40 {
		next := "s" + string(rune('A'+i+1))
		files["/etc/pam.d/s"+string(rune('A'+i))] = "auth include " + next + "\nauth include " + next + "\nauth required pam_x.so\n"
	}
	r := fill(t, pam(), files)
	sectiontest.Status(t, r, "pam", report.OK)
	if n := len(r.PAM[0].Stack); n > maxStack {
		t.Errorf("%d lines", n)
	}
}

func TestPolkit(t *testing.T) {
	r := fill(t, polkit(), map[string]string{
		"/etc/polkit-1/rules.d/10-a.rules": "x", "/usr/share/polkit-1/rules.d/10-a.rules": "y", "/usr/share/polkit-1/rules.d/05-b.rules": "z",
		"/usr/share/polkit-1/rules.d/README": "", "/etc/polkit-1/rules.d/gone.rules": "-> nowhere",
		"/usr/share/polkit-1/actions/x.policy":             "<policyconfig><!-- <action id=\"no\"> --><action id=\"a\"><message/></action>\n<action\nid=\"b\"/></policyconfig>",
		"/etc/polkit-1/localauthority/50-local.d/n.pkla":   "[Let bob]\nIdentity=unix-user:bob\nAction=org.x.*\nResultAny=yes\n",
		"/var/lib/polkit-1/localauthority/10-v.d/bad.pkla": "[x\x00]",
	})
	p := r.Polkit
	var rules []string
	for _, x := range p.Rules {
		rules = append(rules, x.Path)
	}
	if want := []string{"/usr/share/polkit-1/rules.d/05-b.rules", "/etc/polkit-1/rules.d/10-a.rules", "/usr/share/polkit-1/rules.d/10-a.rules"}; !reflect.DeepEqual(rules, want) {
		t.Errorf("got %q", rules)
	}
	if p.Rules[1].SHA256 != "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" || p.Actions != 2 || len(p.Problems) != 2 {
		t.Errorf("%+v", p)
	}
	want := []report.PolkitAuthority{{Name: "Let bob", Source: "/etc/polkit-1/localauthority/50-local.d/n.pkla", Values: map[string]string{"Identity": "unix-user:bob", "Action": "org.x.*", "ResultAny": "yes"}}}
	if !reflect.DeepEqual(p.Authorities, want) {
		t.Errorf("got %+v", p.Authorities)
	}
}
