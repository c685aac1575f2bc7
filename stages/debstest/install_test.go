package debstest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/deb"
	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/resolve"
)

// A debian is the demo's packages, fetched.
type debian struct {
	set   *deb.Set
	files map[*deb.Package]string // where each lies
	ids   map[*deb.Package]string
}

// fetchDebian resolves the demo's blueprint and fetches its packages, into a
// cache that later runs find.
func fetchDebian(t *testing.T) *debian {
	t.Helper()
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "bwrap", "apt-get")
	data, err := os.ReadFile("../../fixtures/blueprints/debian.toml")
	if err != nil {
		t.Fatal(err)
	}
	blueprint, err := resolve.Read("debian.toml", data)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	cache = filepath.Join(cache, "assay", "test")
	result, err := resolve.Resolve(context.Background(), blueprint, resolve.Options{Cache: cache, EtcApt: os.DirFS("/etc/apt")})
	if err != nil {
		t.Fatal(err)
	}
	return openDebian(t, filepath.Join(cache, "debs"), result.System)
}

func openDebian(t *testing.T, dir string, pins []resolve.Pinned) *debian {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	d := &debian{files: map[*deb.Package]string{}, ids: map[*deb.Package]string{}}
	var list []*deb.Package
	for _, pin := range pins {
		path := fetch(t, dir, pin)
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		p, err := deb.Open(f, pin.Size)
		if err != nil {
			t.Fatalf("%s: %v", pin.Name, err)
		}
		d.files[p], d.ids[p] = path, "sha256:"+pin.SHA256
		list = append(list, p)
	}
	var err error
	if d.set, err = deb.NewSet(list); err != nil {
		t.Fatal(err)
	}
	return d
}

func fetch(t *testing.T, dir string, pin resolve.Pinned) string {
	t.Helper()
	path := filepath.Join(dir, pin.SHA256+".deb")
	if info, err := os.Stat(path); err == nil && info.Size() == pin.Size {
		return path
	}
	resp, err := http.Get(pin.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, pin.Size+1))
	if err != nil || fmt.Sprintf("%x", sha256.Sum256(data)) != pin.SHA256 {
		t.Fatalf("%s: %v, %d bytes of %d", pin.URL, err, len(data), pin.Size)
	}
	temp := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(temp, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// job is a run of the stage on packages, in a shuffled order.
func (d *debian) job(mode, root, tree string, packages []*deb.Package) stageRun {
	r := stageRun{stage: "dev.assay.debs", options: `{"mode": "` + mode + `"}`, root: root, tree: tree, files: map[string]string{}}
	for _, i := range rand.Perm(len(packages)) {
		p := packages[i]
		r.files[d.ids[p]] = d.files[p]
		r.refs = append(r.refs, d.ids[p])
	}
	return r
}

// TestInstall installs packages twice, the second time in another order, at
// another time, with another umask and one processor, and holds the trees
// against each other. In the full tier these are all packages of the demo,
// else the essential ones.
func TestInstall(t *testing.T) {
	d := fetchDebian(t)
	packages := d.set.Essential()
	if os.Getenv("ASSAY_FULL") == "1" {
		packages = d.set.Packages
	}
	first := t.TempDir()
	if result, err := d.job("install", "/", first, packages).run(t); err != nil {
		t.Fatalf("%v\n%s", err, result.Tail)
	}
	checkInstalled(t, first, len(packages))
	second := t.TempDir()
	varied := d.job("install", "/", second, packages)
	varied.clock = &sandbox.Clock{Time: time.Date(2031, 5, 4, 3, 2, 1, 0, time.UTC), Library: faketime(t)}
	onOneProcessor(t, func() {
		defer unix.Umask(unix.Umask(0o077))
		if result, err := varied.run(t); err != nil {
			t.Fatalf("%v\n%s", err, result.Tail)
		}
	})
	same(t, list(t, first), list(t, second))
}

// TestInstallBeforeTheEpoch: a clock that is behind is refused.
func TestInstallBeforeTheEpoch(t *testing.T) {
	d := fetchDebian(t)
	r := d.job("install", "/", t.TempDir(), d.set.Essential())
	r.clock = &sandbox.Clock{Time: time.Date(2019, 5, 4, 3, 2, 1, 0, time.UTC), Library: faketime(t)}
	result, err := r.run(t)
	if err == nil || !strings.Contains(result.Tail, "the clock of this machine is at 2019-05-04T03:02:0") {
		t.Errorf("got %v\n%s", err, result.Tail)
	}
}

// faketime is libfaketime, where Debian's multiarch puts it.
func faketime(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if err != nil || len(found) == 0 {
		fixtures.RequireTool(t, "libfaketime")
	}
	return found[0]
}

// onOneProcessor runs do, and what it starts, on the first processor.
func onOneProcessor(t *testing.T, do func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	one.Set(0)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	defer unix.SchedSetaffinity(0, &before) // the thread is the test's own
	do()
}

// checkInstalled asks dpkg, and looks for what must not be left.
func checkInstalled(t *testing.T, tree string, packages int) {
	t.Helper()
	out, err := exec.Command("dpkg-query", "--root="+tree, "-W", "-f", "${db:Status-Status}\n").Output()
	if err != nil || strings.Count(string(out), "installed\n") != packages || strings.Count(string(out), "\n") != packages {
		t.Errorf("%v: not every one of %d packages is installed", err, packages)
	}
	if out, err := exec.Command("dpkg", "--root="+tree, "--verify").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("dpkg --verify: %v\n%s", err, out)
	}
	for _, pattern := range []string{
		"usr/sbin/policy-rc.d", "tmp/*", "run/*", "var/log/*.log", "etc/ssh/ssh_host*", "etc/*-", "var/lib/dpkg/*-old",
		"var/cache/ldconfig/*", "var/cache/debconf/*-old", "var/lib/systemd/random-seed", "var/lib/systemd/credential.secret", "var/lib/dbus/machine-id",
	} {
		if found, err := filepath.Glob(filepath.Join(tree, pattern)); err != nil || len(found) > 0 {
			t.Errorf("left behind: %v %v", found, err)
		}
	}
	if data, err := os.ReadFile(filepath.Join(tree, "etc/machine-id")); err != nil || len(data) > 0 {
		t.Errorf("machine-id: %q, %v", data, err)
	}
}

// TestUnpackIsDpkgDebs unpacks the essential packages and compares every file
// with what dpkg-deb and tar make of the same.
func TestUnpackIsDpkgDebs(t *testing.T) {
	d := fetchDebian(t)
	packages := d.set.Essential()
	tree := t.TempDir()
	if result, err := d.job("unpack", "/", tree, packages).run(t); err != nil {
		t.Fatalf("%v\n%s", err, result.Tail)
	}
	theirs := t.TempDir()
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} {
		if err := os.MkdirAll(filepath.Join(theirs, "usr", name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("usr/"+name, filepath.Join(theirs, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range packages {
		// dpkg-deb --extract would replace the links by directories.
		unpack := exec.Command("sh", "-c", `dpkg-deb --fsys-tarfile "$0" | tar -x -p --numeric-owner --keep-directory-symlink -C "$1"`, d.files[p], theirs)
		if out, err := unpack.CombinedOutput(); err != nil || len(out) > 0 {
			t.Fatalf("%s: %v: %s", p.Name, err, out)
		}
	}
	ours, want := list(t, tree), list(t, theirs)
	// The first package keeps a directory here, the last one there.
	withoutDirectories(ours)
	withoutDirectories(want)
	same(t, ours, want)
}
