package packages

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

const (
	fedoraRepo = `# comment
[fedora]
name=Fedora $releasever - $basearch
#baseurl=http://download.example/pub
metalink=https://mirrors.example/metalink?repo=fedora-$releasever&arch=$basearch
enabled=1
countme=1
metadata_expire=7d
repo_gpgcheck=0
type=rpm
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/KEY-a
       file:///etc/pki/rpm-gpg/KEY-b
skip_if_unavailable=False

[fedora-debuginfo]
name=Debug
baseurl=https://a.example/x, https://b.example/y
 https://c.example/z
enabled=0
gpgcheck=0

[quoted]
name="Quoted name"
mirrorlist=https://m.example/list
; other
enabled = True
username=bob
password=hunter2
`
	dnfConf = "[main]\ngpgcheck=True\ninstallonly_limit=3\nclean_requirements_on_remove=True\nbest=False\nskip_if_unavailable=True\n# x\nexclude=kernel* foo\n  bar\nproxy_password=secret\n"
)

// TestYumRepositories compares with what dnf itself reads of the same files.
func TestYumRepositories(t *testing.T) {
	root := t.TempDir()
	for name, content := range map[string]string{
		"etc/yum.repos.d/fedora.repo": fedoraRepo, "etc/dnf/dnf.conf": dnfConf, "etc/dnf/vars/stream": "9-stream\n",
		"etc/dnf/modules.d/nodejs.module": "[nodejs]\nname=nodejs\nstream=18\nprofiles=common,minimal\nstate=enabled\n",
		"etc/dnf/plugins/copr.conf":       "[main]\nenabled=1\n",
		"etc/dnf/protected.d/dnf.conf":    "dnf\n",
	} {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		check(t, os.WriteFile(filepath.Join(root, name), []byte(content), 0o644))
	}
	r := inspected(t, root)
	for _, s := range []string{"repositories", "dnf"} {
		sectiontest.Status(t, r, s, report.OK)
	}
	wantDNF := &report.DNF{
		Source: "/etc/dnf/dnf.conf", Vars: map[string]string{"stream": "9-stream"},
		Main: map[string]string{
			"gpgcheck": "True", "installonly_limit": "3", "clean_requirements_on_remove": "True", "best": "False", "skip_if_unavailable": "True",
			"exclude": "kernel* foo\nbar", "proxy_password": "(present)",
		},
		Modules: []report.DNFModule{{Name: "nodejs", State: "enabled", Stream: "18", Profiles: []string{"common", "minimal"}}},
		Plugins: map[string]string{"copr.main.enabled": "1"}, Protected: []string{"dnf"},
	}
	if !reflect.DeepEqual(r.DNF, wantDNF) {
		t.Errorf("%+v", r.DNF)
	}
	fixtures.RequireTool(t, "/usr/bin/python3", "dnf")
	script := `
import dnf, json, sys
base = dnf.Base()
c = base.conf
c.substitutions = dnf.conf.substitutions.Substitutions() # variables stand for themselves
for v in list(c.substitutions): del c.substitutions[v]
c.reposdir = [sys.argv[1] + "/etc/yum.repos.d"]
base.read_all_repos()
print(json.dumps([[r.id, r.name, r.enabled, list(r.baseurl), r.mirrorlist or "", r.metalink or "", r.gpgcheck, list(r.gpgkey)] for r in base.repos.values()]))`
	c := exec.Command("/usr/bin/python3", "-c", script, root) // the one that dnf is installed for
	var theirs [][]any
	check(t, json.Unmarshal([]byte(fixtures.RunCmd(t, c)), &theirs))
	var got, want []string
	for _, f := range theirs {
		want = append(want, fmt.Sprint(f...))
	}
	for _, p := range r.Repositories {
		got = append(got, fmt.Sprint(p.ID, p.Name, p.Enabled, p.URLs, p.Mirrorlist, p.Metalink, p.Check == "yes", p.Keys))
		if p.ID == "quoted" && (p.Options["password"] != "(present)" || p.Options["username"] != "bob") {
			t.Errorf("options %v", p.Options)
		}
	}
	sameLines(t, "dnf", got, want)
}

// TestAptSources compares with apt-get over the same files.
func TestAptSources(t *testing.T) {
	root := t.TempDir()
	for name, content := range map[string]string{
		"etc/apt/sources.list": "# x\ndeb http://deb.example/debian bookworm main contrib # end\ndeb-src [arch=amd64] http://deb.example/debian bookworm main\n" +
			"deb [ arch=amd64 trusted=yes signed-by=/usr/share/keyrings/a.gpg ] https://u:p@priv.example/debian/ ./\n",
		"etc/apt/sources.list.d/x.sources": "Types: deb deb-src\nURIs: https://a.example/d\n https://b.example/d\nSuites: trixie trixie-updates\nComponents: main\n non-free\n" +
			"Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n\n# off\nTypes: deb\nURIs: https://off.example/\nSuites: x\nComponents: y\nEnabled: no\n",
		"var/lib/dpkg/status": "", "etc/apt/apt.conf.d/x": "", "etc/apt/preferences.d/x": "",
	} {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		check(t, os.WriteFile(filepath.Join(root, name), []byte(content), 0o644))
	}
	r := inspected(t, root)
	sectiontest.Status(t, r, "repositories", report.OK)
	byID := map[string]report.Repository{}
	var got []string
	for _, p := range r.Repositories {
		byID[p.ID] = p
		for _, kind := range p.Types {
			for _, c := range append(p.Components, map[bool][]string{true: {""}}[len(p.Components) == 0]...) {
				if p.Enabled && kind == "deb" {
					got = append(got, strings.TrimSpace(strings.Replace(p.ID, "(present)", "u:p", 1)+" "+c))
				}
			}
		}
	}
	if p := byID["https://(present)@priv.example/debian ./"]; p.Check != "no" || !reflect.DeepEqual(p.Keys, []string{"/usr/share/keyrings/a.gpg"}) {
		t.Errorf("%+v", byID)
	}
	if p := byID["https://off.example/ x"]; p.Enabled || p.ID == "" {
		t.Errorf("%+v", p)
	}
	if p := byID["https://b.example/d trixie-updates"]; !reflect.DeepEqual(p.Keys, []string{"embedded"}) {
		t.Errorf("%+v", p)
	}
	fixtures.RequireTool(t, "apt-get")
	conf := filepath.Join(t.TempDir(), "conf")
	check(t, os.WriteFile(conf, fmt.Appendf(nil, "Dir %q;\n", root), 0o644))
	c := exec.Command("apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages")
	c.Env = append(os.Environ(), "APT_CONFIG="+conf)
	seen := map[string]bool{}
	var want []string
	for _, line := range lines(fixtures.RunCmd(t, c)) {
		if f := strings.Split(line, "|"); !seen[line] {
			seen[line] = true
			component := strings.TrimPrefix(f[2], "$(COMPONENT)") // what a flat repository has none of
			want = append(want, strings.TrimSpace(strings.TrimSuffix(f[0], "/")+" "+f[1]+" "+component))
		}
	}
	for i := range got {
		got[i] = strings.Replace(got[i], "/ ./", " ./", 1)
	}
	sameLines(t, "apt-get indextargets", got, want)
}

func TestRepositoryKinds(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{
		"/etc/pacman.conf":                  "[options]\nHoldPkg = pacman\n[core]\nSigLevel = Never\nServer = https://a.example/$repo\nServer = https://b.example/$repo\n[extra]\nInclude = /etc/pacman.d/mirrorlist\n",
		"/etc/zypp/repos.d/oss.repo":        "[oss]\nname=OSS\nenabled=1\nautorefresh=1\nbaseurl=http://download.example/oss/\ntype=rpm-md\n",
		"/etc/yum.repos.d/bad.repo":         "[ok]\nbaseurl=http://x.example\n\nnot an assignment\n",
		"/etc/apt/sources.list":             "deb [arch=amd64 http://x y z\n",
		"/etc/apt/sources.list.d/gone.list": "-> /nowhere",
	})
	sectiontest.Status(t, r, "repositories", report.Unread, "bad.repo", "line 4")
	var got []string
	for _, p := range r.Repositories {
		got = append(got, fmt.Sprintf("%s %s %v %s %s %v", p.Manager, p.ID, p.URLs, p.Mirrorlist, p.Check, p.Options))
	}
	want := []string{
		"pacman core [https://a.example/$repo https://b.example/$repo]  no map[SigLevel:Never]",
		"pacman extra [] /etc/pacman.d/mirrorlist  map[]",
		"dnf ok [http://x.example]   map[]",
		"zypper oss [http://download.example/oss/]   map[autorefresh:1 type:rpm-md]",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}
