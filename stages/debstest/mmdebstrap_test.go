package debstest

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// TestInstallIsMmdebstraps has mmdebstrap install the same files, served from
// a directory, and lets only differences with a reason pass.
func TestInstallIsMmdebstraps(t *testing.T) {
	fixtures.RequireFull(t)
	fixtures.RequireTool(t, "mmdebstrap", "apt-ftparchive")
	d := fetchDebian(t)
	ours := t.TempDir()
	if result, err := d.job("install", "/", ours, d.set.Packages).run(t); err != nil {
		t.Fatalf("%v\n%s", err, result.Tail)
	}
	theirs := filepath.Join(t.TempDir(), "tree")
	d.mmdebstrap(t, theirs)
	a, b := list(t, ours), list(t, theirs)
	for path := range b {
		if _, ok := a[path]; !ok {
			a[path] = ""
		}
	}
	for _, path := range slices.Sorted(maps.Keys(a)) {
		if a[path] != b[path] && !explained(path, a[path], b[path]) {
			t.Errorf("%s:\n%s\n%s", path, a[path], b[path])
		}
	}
}

func (d *debian) mmdebstrap(t *testing.T, tree string) {
	t.Helper()
	repository := t.TempDir()
	var names []string
	for _, p := range d.set.Packages {
		if err := os.Symlink(d.files[p], filepath.Join(repository, p.Name+".deb")); err != nil {
			t.Fatal(err)
		}
		names = append(names, p.Name)
	}
	// mmdebstrap takes what is essential from the suite of that name only.
	archive(t, repository, "Packages", "packages", ".")
	archive(t, repository, "Release", "-o", "APT::FTPArchive::Release::Codename=bookworm", "release", ".")
	address := serve(t, repository)
	const links = `for d in bin sbin lib lib32 lib64 libx32; do mkdir -p "$1/usr/$d"; ln -s usr/$d "$1/$d"; done`
	cmd := exec.Command("mmdebstrap", "--mode=root", "--variant=essential", "--include="+strings.Join(names, ","),
		"--setup-hook="+links, "--format=directory", "bookworm", tree, "deb [trusted=yes] "+address+" ./")
	cmd.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mmdebstrap: %v\n%s", err, out[max(0, len(out)-2000):])
	}
}

// archive writes one of the archive's files.
func archive(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command("apt-ftparchive", args...)
	cmd.Dir = dir
	data, err := cmd.Output()
	if err != nil {
		t.Fatalf("apt-ftparchive %v: %v", args, err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// serve gives a directory to programs of this machine.
func serve(t *testing.T, dir string) string {
	t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	return server.URL
}

// reasons are differences that are meant, by path.
var reasons = []struct{ path, reason string }{
	{`^/dev/`, "device nodes, which devtmpfs makes at boot"},
	{`^/etc/(fstab|hostname|resolv\.conf)$`, "mmdebstrap's own; two of them tell of the host"},
	{`^/etc/apt/`, "mmdebstrap writes the sources that it used"},
	{`^/etc/ssh/ssh_host_`, "random keys"},
	{`^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|^/var/(lib/dpkg|cache/debconf)/.*-old$`, "backups"},
	{`^/etc/(passwd|group|shadow|gshadow)$`, "ids of system users are given in the order of configuring"},
	{`^/usr/(bin/ssh-agent|lib/dbus-1\.0/dbus-daemon-launch-helper)$`, "the same ids, as owners"},
	{`^/etc/machine-id$`, "systemd's own mode is 0444"},
	{`^/var/(lib|cache)/apt/|^/var/log/apt$`, "apt was run there"},
	{`^/var/lib/dpkg/(arch|available|triggers/File)$`, "apt was run there; the order of unpacking"},
	{`^/run|^/tmp$`, "state of the machine that installed"},
}

func explained(path, ours, theirs string) bool {
	for _, r := range reasons {
		if regexp.MustCompile(r.path).MatchString(path) {
			return true
		}
	}
	// A directory of several packages has the time of one of them.
	return withoutTime(ours) == withoutTime(theirs) && strings.HasPrefix(ours, "d")
}

func withoutTime(line string) string {
	f := strings.Fields(line)
	if len(f) < 3 {
		return line
	}
	return strings.Join(append(f[:2:2], f[3:]...), " ")
}
