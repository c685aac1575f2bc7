package packages

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/rpmdb"
	"github.com/assay-os/assay/inspect/rpmdb/rpmdbtest"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

func TestDpkgStanza(t *testing.T) {
	list, err := parseDpkgStatus([]byte("Package: a\nEssential: yes\nProtected: yes\nSource: b (1.0)\nVersion: 1.0+b1\nConfig-Version: 0.9\nDepends: c,\n d (>= 1)\n" +
		"Conffiles:\n /etc/b b1 obsolete\n newconf newconffile\n /etc/a x y a1 obsolete remove-on-upgrade\nDescription: short\n long\n .\n text\nX-Long: " + strings.Repeat("x", 300) + "\n"))
	check(t, err)
	want := report.DpkgPackage{
		Name: "a", Version: "1.0+b1", Source: "b", SourceVersion: "1.0", Essential: true, Protected: true, Summary: "short",
		Relations: map[string]string{"Depends": "c, d (>= 1)"},
		Conffiles: []report.Conffile{{Path: "/etc/a x y", MD5: "a1", Obsolete: true, Remove: true}, {Path: "/etc/b", MD5: "b1", Obsolete: true}, {Path: "newconf", MD5: "newconffile"}},
		Fields:    map[string]string{"Config-Version": "0.9", "X-Long": "sha256:" + sum([]byte(strings.Repeat("x", 300)))},
	}
	if len(list) != 1 || !reflect.DeepEqual(list[0], want) {
		t.Errorf("%+v", list)
	}
}

func TestAptConfig(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{
		"/etc/apt/apt.conf.d/10a": "// comment\n/* block\n comment */\nA \"1\";\nA::B { \"x\"; \"y\" ; C \"2\"; D { E \"3\"; }; };\n# note\nlist:: \"a\";List:: \"b\";\n" +
			"Acquire::http::Proxy \"http://u:p@proxy.example:3128/\";\nFoo::Password \"x\";\n",
		"/etc/apt/apt.conf.d/20b.conf":  "a \"4\"; #clear A::B::D;\n#include \"/etc/extra\";\n",
		"/etc/apt/apt.conf.d/skipped.d": "Z \"no\";\n",
		"/etc/apt/apt.conf":             "Last \"one\" \"two\";\n",
		"/etc/extra":                    "Extra yes;\n",
	})
	sectiontest.Status(t, r, "apt", report.OK)
	var got []string
	for _, s := range r.APT {
		got = append(got, s.Name+" "+s.Value)
	}
	want := []string{
		"A 4", "A::B:: x", "A::B:: y", "A::B::C 2", "Acquire::http::Proxy http://(present)@proxy.example:3128", "Extra yes", "Foo::Password (present)", "Last onetwo",
		"List:: b", "list:: a",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	for text, words := range map[string]string{
		"A \"1\"": "ends within", "A \"1;\n": "not closed", "/* x": "not closed", "}": "not open", "A { B ": "ends within", "x;": "no value", "A \"1\" B C;": "more than one",
		"#include \"/etc/apt/apt.conf\";": "include each other", "{ A \"1\"; }": "without a name", strings.Repeat("a {", 200): "in each other", "A \x00;": "NUL",
	} {
		r := sectiontest.Report(t, Sections(Options{}), map[string]string{"/etc/apt/apt.conf": text})
		sectiontest.Status(t, r, "apt", report.Unread, words, "/etc/apt/apt.conf: line 1")
	}
}

func TestAlternatives(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{
		"/var/lib/alternatives/java": "manual\n/usr/bin/java\njavac\n/usr/bin/javac\n\n/opt/a/java\n@fam.x@1800 svc\n/opt/a/javac\n/opt/b/java\n7\n\n",
		"/etc/alternatives/java":     "-> /opt/b/java", "/opt/a/java": "", "/opt/b/java": "", "/usr/bin/java": "-> /etc/alternatives/java",
		"/var/lib/dpkg/status": "",
	})
	sectiontest.Status(t, r, "alternatives", report.OK)
	want := []report.Alternative{{
		Name: "java", Link: "/usr/bin/java", Mode: "manual", Value: "/opt/b/java", Best: "/opt/a/java", Slaves: []report.AlternativeSlave{{Name: "javac", Link: "/usr/bin/javac"}},
		Choices: []report.AlternativeChoice{
			{Path: "/opt/a/java", Priority: 1800, Family: "fam.x", Slaves: map[string]report.Raw{"javac": "/opt/a/javac"}}, {Path: "/opt/b/java", Priority: 7},
		},
	}}
	if !reflect.DeepEqual(r.Alternatives, want) {
		t.Errorf("%+v", r.Alternatives)
	}
	var by []string
	for _, p := range r.Unowned.Paths {
		by = append(by, fmt.Sprintf("%s %s %d", p.Path, p.By, p.Files))
	}
	if got := strings.Join(by, ","); !strings.Contains(got, "/usr/bin/java alternatives") && !strings.Contains(got, "/usr  1") {
		t.Errorf("%q", by)
	}
	for text, words := range map[string]string{"auto\n": "too early", "x\n/y\n\n": "neither auto nor manual", "auto\n/x\n\n/a\nb\n": "priority", "auto\n/x\na\n": "too early"} {
		r := sectiontest.Report(t, Sections(Options{}), map[string]string{"/var/lib/dpkg/alternatives/x": text})
		sectiontest.Status(t, r, "alternatives", report.Unread, words, "/var/lib/dpkg/alternatives/x")
	}
}

func TestStatOverridesAndDiversions(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{
		"/var/lib/dpkg/statoverride": "root mail 2755 /usr/bin/a b\n#8 root 644 /etc/x\n", "/var/lib/dpkg/diversions": "/bin/a\n/bin/a.local\n:\n/b\n/c\n",
	})
	sectiontest.Status(t, r, "statoverrides", report.OK)
	sectiontest.Status(t, r, "diversions", report.Unread, "less than three lines")
	if want := []report.StatOverride{{Path: "/etc/x", User: "#8", Group: "root", Mode: "644"}, {Path: "/usr/bin/a b", User: "root", Group: "mail", Mode: "2755"}}; !reflect.DeepEqual(r.StatOverrides, want) {
		t.Errorf("%+v", r.StatOverrides)
	}
	if want := []report.Diversion{{From: "/bin/a", To: "/bin/a.local"}}; !reflect.DeepEqual(r.Diversions, want) {
		t.Errorf("%+v", r.Diversions)
	}
	r = sectiontest.Report(t, Sections(Options{}), map[string]string{"/var/lib/dpkg/statoverride": "root root 644\n"})
	sectiontest.Status(t, r, "statoverrides", report.Unread, "line 1")
}

func TestSameCapabilities(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"cap_net_raw=ep", "= cap_net_raw+ep", true}, {"", "=", true}, {"cap_net_raw=ep", "cap_net_raw=e", false}, {"cap_a,cap_b=p", "cap_b=p cap_a+p", true},
		{"=ep", "all=ep", true}, {"cap_a=eip cap_a-i", "cap_a=pe", true}, {"=p cap_a-p", "=p", false}, {"cap_chown=ep", "", false},
	} {
		if got := sameCapabilities(c.a, c.b); got != c.same {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}

// TestUnownedGroups names of a directory that holds nothing owned the directory alone, whatever
// names sort between it and its content.
func TestUnownedGroups(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{
		"/var/lib/dpkg/status": "Package: a\nVersion: 1\n", "/var/lib/dpkg/info/a.list": "/.\n/usr\n/usr/lib\n/usr/lib/a\n/opt/deep/er/owned\n",
		"/usr/lib/a": "x", "/usr/lib/app/one": "12", "/usr/lib/app/sub/two": "345", "/usr/lib/app-x": "6", "/usr/lib/app.d/y": "", "/opt/deep/er/owned": "", "/opt/deep/own": "1",
		"/tmp/x": "", "/var/cache/y": "", "/usr/lib/none/": "",
	})
	sectiontest.Status(t, r, "unowned", report.OK)
	var got []string
	for _, p := range r.Unowned.Paths {
		got = append(got, fmt.Sprintf("%s %s %d %d", p.Path, p.Type, p.Files, p.Bytes))
	}
	want := []string{"/opt/deep/own file 0 0", "/usr/lib/app directory 2 5", "/usr/lib/app-x file 0 0", "/usr/lib/app.d directory 1 0", "/usr/lib/none directory 0 0", "/var directory 0 0"}
	if !reflect.DeepEqual(got, want) || r.Unowned.Files != 5 || r.Unowned.Bytes != 7 {
		t.Errorf("%q, %d files, %d bytes", got, r.Unowned.Files, r.Unowned.Bytes)
	}
}

// rpmWith is the report of a tree with a database of these headers.
func rpmWith(t *testing.T, files map[string]string, change func(*image.Node), headers ...[]rpmdbtest.Tag) *report.Report {
	t.Helper()
	var blobs [][]byte
	for _, tags := range headers {
		blobs = append(blobs, rpmdbtest.Header(nil, tags))
	}
	files["/var/lib/rpm/Packages.db"] = string(rpmdbtest.NDB(blobs...))
	return sectiontest.Fill(t, Sections(Options{}), treetest.Of(t, treetest.Map{Files: files, Change: change}))
}

func named1(name string, more ...rpmdbtest.Tag) []rpmdbtest.Tag {
	return append([]rpmdbtest.Tag{rpmdbtest.T(1000, name), rpmdbtest.T(1001, "1"), rpmdbtest.T(1002, "2")}, more...)
}

// TestRPMStates: what rpm did not install is not missed, of what another package replaced only the
// existence counts, and times of shared files do not.
func TestRPMStates(t *testing.T) {
	one := make([]string, 6)
	for i := range one {
		one[i] = "root"
	}
	files := func(states rpmdbtest.Chars) []rpmdbtest.Tag {
		return []rpmdbtest.Tag{
			rpmdbtest.T(1117, []string{"normal", "replaced", "left-out", "net", "colour", "shared"}), rpmdbtest.T(1118, []string{"/u/"}), rpmdbtest.T(1116, make([]uint32, 6)),
			rpmdbtest.T(1028, []uint32{9, 9, 9, 9, 9, 1}), rpmdbtest.T(1030, []uint16{0o100644, 0o100644, 0o100644, 0o100644, 0o100644, 0o100644}),
			rpmdbtest.T(1034, []uint32{7, 7, 7, 7, 7, 7}), rpmdbtest.T(1037, make([]uint32, 6)), rpmdbtest.T(1039, one), rpmdbtest.T(1040, one), rpmdbtest.T(1029, states),
			rpmdbtest.T(1035, []string{"a", "a", "a", "a", "a", strings.Repeat("0", 64)}), rpmdbtest.T(5011, []uint32{8}),
		}
	}
	r := rpmWith(t, map[string]string{"/u/normal": "x", "/u/replaced": "x", "/u/colour": "x", "/u/shared": "x"}, nil,
		named1("a", files(rpmdbtest.Chars{0, 1, 2, 3, 4, 0})...),
		named1("b", rpmdbtest.T(1117, []string{"shared"}), rpmdbtest.T(1118, []string{"/u/"}), rpmdbtest.T(1116, []uint32{0}), rpmdbtest.T(1045, []uint32{0})))
	sectiontest.Status(t, r, "verification", report.OK)
	want := []string{"S.5....T.  /u/normal a ", ".........  /u/replaced a replaced"}
	var got []string
	for _, d := range r.Verification.Different {
		got = append(got, fmt.Sprintf("%s %s %s %s %s", d.Result, d.Attribute, d.Path, d.Package, d.State))
	}
	if !reflect.DeepEqual(got, want) || r.Verification.Unread != 1 {
		t.Errorf("%q, %d unread", got, r.Verification.Unread)
	}
	if f := r.RPM[0].Files; f.Replaced != 1 || f.NotInstalled != 1 || f.NetShared != 1 || f.WrongColor != 1 || f.Listed != 6 {
		t.Errorf("%+v", f)
	}
}

// TestRPMFactsMalformed: arrays that do not fit are the trouble of the section, and of it alone.
func TestRPMFactsMalformed(t *testing.T) {
	for _, c := range []struct {
		tags    []rpmdbtest.Tag
		section string
		words   string
	}{
		{[]rpmdbtest.Tag{rpmdbtest.T(1049, []string{"a", "b"}), rpmdbtest.T(1048, []uint32{1})}, "rpm", "REQUIRENAME"},
		{[]rpmdbtest.Tag{rpmdbtest.T(1066, []string{"a"}), rpmdbtest.T(1067, []string{"1"}), rpmdbtest.T(1068, []uint32{1}), rpmdbtest.T(1069, []uint32{3})}, "rpm", "script 3 of 0"},
		{[]rpmdbtest.Tag{rpmdbtest.T(1066, []string{"a"}), rpmdbtest.T(1069, []uint32{0})}, "rpm", "TRIGGERNAME"},
		{[]rpmdbtest.Tag{rpmdbtest.T(1117, []string{"a"}), rpmdbtest.T(1118, []string{"/"}), rpmdbtest.T(1116, []uint32{0}), rpmdbtest.T(1028, []uint32{1, 2})}, "packages", "FILESIZES"},
		{[]rpmdbtest.Tag{rpmdbtest.T(1117, []string{"a"}), rpmdbtest.T(1118, []string{"x/"}), rpmdbtest.T(1116, []uint32{0})}, "packages", "not an absolute path"},
	} {
		r := rpmWith(t, map[string]string{}, nil, named1("p", c.tags...))
		sectiontest.Status(t, r, c.section, report.Unread, c.words)
		if c.section == "rpm" {
			sectiontest.Status(t, r, "packages", report.OK)
		}
	}
}

// TestRPMOddTags keeps what rpm does not know, and tells long lists by their digest.
func TestRPMOddTags(t *testing.T) {
	many := make([]string, maxDependencies+1)
	for i := range many {
		many[i] = fmt.Sprint("cap-", i)
	}
	h, err := rpmdb.Parse(rpmdbtest.Header(nil, named1("p", rpmdbtest.T(1047, many), rpmdbtest.T(60000, "odd"), rpmdbtest.T(60001, []byte{1, 2}), rpmdbtest.T(268, []byte{0x88, 1}),
		rpmdbtest.T(1024, "short"), rpmdbtest.T(1086, []string{"/bin/sh", "-e"}), rpmdbtest.T(1003, []uint32{0}))))
	check(t, err)
	p, err := newRPMTeller().facts(h)
	check(t, err)
	wantTags := []report.RPMTag{
		{Number: 60000, Type: "string", Count: 1, Value: "odd"}, {Number: 60001, Type: "binary", Count: 2, SHA256: sum([]byte{1, 2})},
	}
	if !reflect.DeepEqual(p.Tags, wantTags) || p.Epoch != "0" {
		t.Errorf("%+v, epoch %q", p.Tags, p.Epoch)
	}
	if d := p.Dependencies[0]; d.Count != len(many) || d.List != nil || d.SHA256 != sum([]byte(strings.Join(many, "\n")+"\n")) {
		t.Errorf("%+v", d)
	}
	if s := p.Scripts[0]; s.Kind != "post" || s.Interpreter != "/bin/sh -e" || s.Body != "short" {
		t.Errorf("%+v", s)
	}
	if s := p.Signatures[0]; s.Tag != "rsaheader" || s.Error == "" {
		t.Errorf("%+v", s)
	}
}

func FuzzAptConf(f *testing.F) {
	f.Add("A { B \"c\"; };\n#clear A;\n")
	f.Fuzz(func(_ *testing.T, text string) {
		_ = (&aptConf{t: nil}).parse(strings.ReplaceAll(text, "#include", ""), 0)
	})
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ\n-----END PGP PUBLIC KEY BLOCK-----\n"))
	f.Add([]byte("\x98\x33\x04\x66\x00\x00\x00\x16\x09+\x06\x01\x04\x01\xdaG\x0f\x01"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = readKeys(data) })
}

func FuzzTables(f *testing.F) {
	for _, s := range []string{fedoraRepo, "auto\n/x\n\n/y\n5\n\n", "Types: deb\nURIs: a\nSuites: b\n", "deb [a=b] c d\n", "P:a\nF:x\nR:y\n\n", "/a b c obsolete"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, kind := range repositoryKinds() {
			_, _ = kind.parse(data)
		}
		_, _ = parseAlternative(data)
		_, _ = parseAPK(data, newClaims(treetest.Of(t, treetest.Map{})))
		parseConffiles(string(data))
		sameCapabilities(string(data), "=")
	})
}

// FuzzRPMFacts tells any header that can be parsed, and verifies its files.
func FuzzRPMFacts(f *testing.F) {
	f.Add(rpmdbtest.Header(nil, named1("p", rpmdbtest.T(1117, []string{"a"}), rpmdbtest.T(1118, []string{"/"}), rpmdbtest.T(1116, []uint32{0}), rpmdbtest.T(1024, "x"))))
	f.Fuzz(func(t *testing.T, blob []byte) {
		h, err := rpmdb.Parse(blob)
		if err != nil {
			return
		}
		_, _ = newRPMTeller().facts(h)
		on := treetest.Of(t, treetest.Map{Files: map[string]string{"/a": "x"}})
		table, owned := &rpmFileTable{}, newClaims(on)
		table.owned = owned
		if badDigest(h); table.add(h) == nil {
			_ = table.verify(context.Background(), &verifier{t: on, owned: owned, contents: true, result: &report.Verification{}})
		}
	})
}

// FuzzSections gives every file that a section reads the same hostile text, and every link the same
// target.
func FuzzSections(f *testing.F) {
	for _, text := range []string{"Package: a\nConffiles:\n /x y\n\n", "auto\n/x\n\n", "deb http://a b c\n", "[a]\nb=c\n", "/.\n", "P:a\nF:b\n"} {
		f.Add(text, "/etc/passwd")
	}
	f.Fuzz(func(t *testing.T, text, target string) {
		files := map[string]string{"/etc/alternatives/x": "-> " + target, "/var/lib/flatpak/app/a/b/c/active": "-> " + target, "/etc/apt/sources.list.d/x.list": "-> " + target}
		for _, name := range []string{
			"/etc/passwd", "/etc/group", "/var/lib/dpkg/status", "/var/lib/dpkg/status.d/a", "/var/lib/dpkg/info/a.list", "/var/lib/dpkg/info/a.md5sums", "/var/lib/dpkg/info/a.postinst",
			"/var/lib/dpkg/info/a.triggers", "/var/lib/dpkg/diversions", "/var/lib/dpkg/statoverride", "/var/lib/dpkg/alternatives/x", "/var/lib/alternatives/y", "/lib/apk/db/installed",
			"/var/lib/pacman/local/a/desc", "/var/lib/pacman/local/a/files", "/etc/apt/sources.list", "/etc/apt/sources.list.d/y.sources", "/etc/apt/apt.conf", "/etc/apt/apt.conf.d/a",
			"/etc/yum.repos.d/a.repo", "/etc/pacman.conf", "/etc/apk/repositories", "/etc/dnf/dnf.conf", "/etc/dnf/modules.d/a.module", "/etc/dnf/vars/a", "/etc/dnf/plugins/a.conf",
			"/etc/pki/rpm-gpg/a", "/etc/dpkg/dpkg.cfg.d/a",
		} {
			files[name] = text
		}
		on := treetest.Of(t, treetest.Map{Files: files})
		r := sectiontest.Fill(t, Sections(Options{Contents: true}), on)
		for name, s := range r.Sections {
			if s.Status == report.Unread && (s.Reason == "" || strings.Contains(s.Reason, "gave up")) {
				t.Errorf("section %s: %q", name, s.Reason)
			}
		}
	})
}
