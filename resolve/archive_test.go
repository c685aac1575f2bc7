package resolve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/fixtures"
)

// A testArchive is a signed archive of a few packages in a directory.
type testArchive struct {
	dir     string
	keyring string
	sums    map[string]string // package to its file's SHA-256
}

const releaseDate = "Tue, 03 Mar 2026 04:05:06 UTC"

func newArchive(t *testing.T) *testArchive {
	t.Helper()
	fixtures.RequireTool(t, "apt-get", "apt-ftparchive", "gpg")
	a := &testArchive{dir: t.TempDir(), sums: map[string]string{}}
	for name, more := range map[string]string{
		"base": "Essential: yes\nPre-Depends: libbase\n", "libbase": "", "tools": "Depends: libbase\n",
		"web": "Depends: base, httpd\nRecommends: docs\n", "small-httpd": "Provides: httpd\n", "docs": "", "broken": "Depends: nowhere\n",
	} {
		data := fixtures.Deb{Control: "Package: " + name + "\nVersion: 1:2.0-1\nArchitecture: all\nMaintainer: x\nDescription: x\n" + more}.Bytes(t)
		a.write(t, "pool/"+name+"_2.0-1_all.deb", data)
		a.sums[name] = fmt.Sprintf("%x", sha256.Sum256(data))
	}
	a.write(t, "dists/bookworm/main/binary-amd64/Packages", a.run(t, "apt-ftparchive", "packages", "pool"))
	a.write(t, "dists/bookworm/Release", append([]byte("Suite: bookworm\nCodename: bookworm\nDate: "+releaseDate+"\n"),
		checksums(a.run(t, "apt-ftparchive", "release", "dists/bookworm"))...))
	a.keyring = a.sign(t)
	return a
}

// checksums leaves the date of today out.
func checksums(release []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(release) {
		if !bytes.HasPrefix(line, []byte("Date:")) {
			kept = append(kept, line...)
		}
	}
	return kept
}

func (a *testArchive) write(t *testing.T, name string, data []byte) {
	t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (a *testArchive) run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = a.dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, errs.String())
	}
	return out
}

// sign signs the Release file with a new key and returns its keyring.
func (a *testArchive) sign(t *testing.T) string {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() // it may run no daemon
		os.RemoveAll(home)
	})
	gpg := func(args ...string) []byte {
		return a.run(t, "gpg", append([]string{"--homedir", home, "--batch", "--yes", "--quiet"}, args...)...)
	}
	gpg("--passphrase", "", "--quick-generate-key", "test@example.org", "ed25519", "sign", "never")
	gpg("--clearsign", "-o", "dists/bookworm/InRelease", "dists/bookworm/Release")
	keyring := filepath.Join(home, "keyring.gpg")
	if err := os.WriteFile(keyring, gpg("--export"), 0o644); err != nil {
		t.Fatal(err)
	}
	return keyring
}

// distro is a distribution that lives in the archive.
func (a *testArchive) distro(t *testing.T) *Distro {
	t.Helper()
	d, err := loadDistro("debian-12")
	if err != nil {
		t.Fatal(err)
	}
	d.Keyring = a.keyring
	d.Suites = d.Suites[:1]
	d.Build.Packages = []string{"?essential", "tools"}
	d.System.Packages = []string{"?essential"}
	return d
}

func (a *testArchive) blueprint(t *testing.T, more string) *Blueprint {
	t.Helper()
	b, err := Read("x.toml", []byte("distro = \"debian-12\"\nmirror = \"file://"+a.dir+"\"\n"+more))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (a *testArchive) resolve(t *testing.T, d *Distro, more, cache string) (*Result, error) {
	t.Helper()
	return resolveFor(context.Background(), d, a.blueprint(t, more), Options{Cache: cache})
}

func pinNames(pins []Pinned) string {
	var names []string
	for _, p := range pins {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

func TestResolvePins(t *testing.T) {
	a := newArchive(t)
	cache := t.TempDir()
	result, err := a.resolve(t, a.distro(t), "[[packages]]\nname = \"web\"\nversion = \"1:2.*\"\n", cache)
	if err != nil {
		t.Fatal(err)
	}
	if got := pinNames(result.Build); got != "base libbase tools" {
		t.Errorf("build root: %s", got)
	}
	if got := pinNames(result.System); got != "base libbase small-httpd web" {
		t.Errorf("system: %s", got)
	}
	for _, p := range result.System {
		want := Pinned{p.Name, "1:2.0-1", "all", "file:" + a.dir + "/pool/" + p.Name + "_2.0-1_all.deb", a.sums[p.Name], p.Size}
		if p != want {
			t.Errorf("got  %+v\nwant %+v", p, want)
		}
	}
	again, err := a.resolve(t, a.distro(t), "[[packages]]\nname = \"web\"\nversion = \"1:2.*\"\n", cache)
	if err != nil || !bytes.Equal(again.Manifest, result.Manifest) {
		t.Errorf("the second time differs: %v", err)
	}
	checkManifest(t, result.Manifest)
}

func checkManifest(t *testing.T, data []byte) {
	t.Helper()
	m, err := manifest.Read(data, "resolved")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range m.Pipelines {
		names = append(names, p.Name+"<"+p.Build)
		if p.SourceEpoch == nil || *p.SourceEpoch != 1772510706 { // releaseDate
			t.Errorf("%s: source-epoch %v", p.Name, p.SourceEpoch)
		}
	}
	if got := strings.Join(names, " "); got != "build< os<build image<build qcow2<build" {
		t.Errorf("pipelines: %s", got)
	}
}

func TestResolveErrors(t *testing.T) {
	a := newArchive(t)
	other := newArchive(t)
	tests := map[string]struct {
		change func(*Distro)
		more   string
		want   string
		unmet  bool
	}{
		"unknown package":    {nil, "[[packages]]\nname = \"wbe\"\n", "packages of the system: apt: Unable to locate package wbe", true},
		"unknown version":    {nil, "[[packages]]\nname = \"web\"\nversion = \"3\"\n", "Version '3' for 'web' was not found", true},
		"unmet dependency":   {nil, "[[packages]]\nname = \"broken\"\n", "apt: Unable to correct problems, you have held broken packages", true},
		"unknown build root": {func(d *Distro) { d.Build.Packages = []string{"gone"} }, "", "packages of the build root: apt: Unable to locate package gone", false},
		"another key":        {func(d *Distro) { d.Keyring = other.keyring }, "", "is not signed", false},
		"no keyring": {func(d *Distro) { d.Keyring = "/nonexistent/keys.gpg" }, "",
			"the archive's keys are not on this machine: stat /nonexistent/keys.gpg: no such file or directory; install debian-archive-keyring", false},
		"no such suite": {func(d *Distro) { d.Suites[0].Name = "sid" }, "", "does not have a Release file", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := a.distro(t)
			if tt.change != nil {
				tt.change(d)
			}
			_, err := a.resolve(t, d, tt.more, t.TempDir())
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got  %v\nwant %s", err, tt.want)
			}
			if _, unmet := err.(*UnmetError); unmet != tt.unmet {
				t.Errorf("%T, want the blueprint's fault: %v", err, tt.unmet)
			}
		})
	}
}

func TestResolveTampered(t *testing.T) {
	a := newArchive(t)
	a.write(t, "dists/bookworm/main/binary-amd64/Packages", []byte("Package: evil\n"))
	if _, err := a.resolve(t, a.distro(t), "", t.TempDir()); err == nil || !strings.Contains(err.Error(), "apt: ") {
		t.Errorf("a list that was changed after signing: %v", err)
	}
}

func TestResolveWithoutNetwork(t *testing.T) {
	fixtures.RequireTool(t, "apt-get")
	a := newArchive(t)
	b := a.blueprint(t, "")
	b.Mirror = "http://127.0.0.1:9/debian"
	_, err := resolveFor(context.Background(), a.distro(t), b, Options{Cache: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "http://127.0.0.1:9/debian") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

func TestResolveWithoutApt(t *testing.T) {
	a := newArchive(t)
	t.Setenv("PATH", t.TempDir())
	_, err := a.resolve(t, a.distro(t), "", t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "apt-get is not on this machine; resolving needs Debian's package apt") {
		t.Errorf("got %v", err)
	}
}

// TestIdentities: ids follow from the blueprint, and from nothing else.
func TestIdentities(t *testing.T) {
	identify := func(text string) ids {
		b, err := Read("x.toml", []byte(minimal+text))
		if err != nil {
			t.Fatal(err)
		}
		p := &plan{blueprint: b}
		id, err := p.identify()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	a, b := identify("name = \"a\""), identify("name = \"b\"")
	if a != identify("# comment\nname = 'a'") {
		t.Error("the spelling counts")
	}
	all := map[string]bool{}
	for _, id := range []string{a.disk, a.root, a.bootPartition, a.rootPartition, b.disk, b.root} {
		if !uuidForm.MatchString(id) || id[14] != '8' || !strings.Contains("89ab", id[19:20]) {
			t.Errorf("%s is no UUID of version 8", id)
		}
		all[id] = true
	}
	if len(all) != 6 {
		t.Errorf("an id comes twice: %v", all)
	}
	const given = "11111111-2222-3333-4444-555555555555"
	if got := identify("[image]\nroot_uuid = \"" + given + "\""); got.root != given {
		t.Errorf("root is %s", got.root)
	}
}

func TestStagesOf(t *testing.T) {
	b, err := Read("x.toml", []byte(minimal+`
[customizations.locale]
keyboard = "de"
[[customizations.group]]
name = "web"
gid = 900
[[customizations.user]]
name = "bob"
groups = ["web"]
key = "one"
[[customizations.sshkey]]
user = "bob"
key = "two"
[[customizations.sshkey]]
user = "root"
key = "three"
[customizations.services]
masked = ["x.service"]
[[customizations.directories]]
path = "/srv/www"
mode = "0750"
user = "bob"
group = "900"
ensure_parents = true
[[customizations.files]]
path = "/srv/www/index.html"
data = "hello"
`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := loadDistro("debian-12")
	if err != nil {
		t.Fatal(err)
	}
	p := &plan{blueprint: b, distro: d}
	if err := p.settle(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range p.systemStages()[1:] {
		text, err := json.Marshal(s.Options)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimPrefix(s.Type, "org.osbuild.")+" "+strings.ReplaceAll(string(text), p.ids.root, "ROOT"))
	}
	const hello = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	want := []string{
		`hostname {"hostname":"debian"}`, `locale {"language":"C.UTF-8"}`, `timezone {"zone":"Etc/UTC"}`, `keymap {"keymap":"de"}`,
		`groups {"groups":{"web":{"gid":900}}}`, `users {"users":{"bob":{"groups":["web"],"keys":["one","two"]},"root":{"key":"three"}}}`,
		`fstab {"filesystems":[{"freq":0,"options":"errors=remount-ro","passno":1,"path":"/","uuid":"ROOT","vfs_type":"ext4"}]}`,
		`mkdir {"paths":[{"exist_ok":true,"parents":true,"path":"tree:///srv/www"}]}`,
		`copy {"paths":[{"from":"input://file-2cf24dba5fb0/` + hello + `","remove_destination":true,"to":"tree:///srv/www/index.html"}]}`,
		`chown {"items":{"/srv/www":{"group":900,"user":"bob"}}}`, `chmod {"items":{"/srv/www":{"mode":"0750"},"/srv/www/index.html":{"mode":"0644"}}}`,
		`systemd {"masked_services":["x.service"]}`,
		`kernel-cmdline {"kernel_opts":"ro console=tty0 console=ttyS0,115200n8","root_fs_uuid":"ROOT"}`,
		`dev.assay.grub {"serial":{}}`, `dev.assay.pristine {}`,
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
}
