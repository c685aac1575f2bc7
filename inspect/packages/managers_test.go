package packages

import (
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

// TestPacman compares with pacman over a package that it installed itself.
func TestPacman(t *testing.T) {
	fixtures.RequireTool(t, "pacman", "tar")
	fixtures.RequireRoot(t)
	work, root := t.TempDir(), t.TempDir()
	put := func(name, content string) {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(work, name)), 0o755))
		check(t, os.WriteFile(filepath.Join(work, name), []byte(content), 0o644))
	}
	put("pkg/usr/bin/why", "x")
	put("pkg/usr/lib/why.so", "x")
	put("pkg/.PKGINFO", "pkgname = why\npkgbase = why\npkgver = 1:2.0-3\npkgdesc = A test\nbuilddate = 1\npackager = nobody\nsize = 2\narch = any\n")
	put("conf", "")
	archive, db := filepath.Join(work, "why.pkg.tar"), filepath.Join(root, "var/lib/pacman")
	check(t, os.MkdirAll(db, 0o755))
	fixtures.Run(t, "tar", "-C", filepath.Join(work, "pkg"), "-cf", archive, ".PKGINFO", "usr")
	pacman := func(args ...string) string {
		return fixtures.Run(t, append([]string{"pacman", "--config", filepath.Join(work, "conf"), "--root", root, "--dbpath", db, "--noconfirm"}, args...)...)
	}
	pacman("-U", "--noscriptlet", archive)
	check(t, os.WriteFile(filepath.Join(root, "usr/bin/own"), nil, 0o755))
	r := inspected(t, root)
	sectiontest.Status(t, r, "packages", report.OK)
	var got, owned []string
	for _, p := range r.Packages {
		got = append(got, p.Name+" "+p.Version)
	}
	for _, e := range r.Files {
		if e.Package != "" {
			owned = append(owned, e.Package+" "+filepath.Join(root, string(e.Path)))
		}
	}
	sameLines(t, "pacman -Q", got, lines(pacman("-Q")))
	var files []string
	for _, line := range lines(pacman("-Ql")) {
		if !strings.HasSuffix(line, "/") {
			files = append(files, line)
		}
	}
	sameLines(t, "pacman -Ql", owned, files)
	if r.Packages[0].Arch != "any" || r.Unowned.Files != 1 || r.Unowned.Paths[0].Path != "/usr/bin/own" {
		t.Errorf("%+v, unowned %+v", r.Packages, r.Unowned)
	}
}

// TestFlatpak compares with flatpak over an application that it installed itself.
func TestFlatpak(t *testing.T) {
	fixtures.RequireTool(t, "flatpak")
	fixtures.RequireRoot(t)
	work, root := t.TempDir(), t.TempDir()
	app, repo, dir := filepath.Join(work, "app"), filepath.Join(work, "repo"), filepath.Join(root, "var/lib/flatpak")
	for _, d := range []string{filepath.Join(app, "files/bin"), filepath.Join(app, "export"), dir} {
		check(t, os.MkdirAll(d, 0o755))
	}
	check(t, os.WriteFile(filepath.Join(app, "files/bin/x"), []byte("x"), 0o755))
	check(t, os.WriteFile(filepath.Join(app, "metadata"), []byte("[Application]\nname=org.example.App\nruntime=org.example.P/x86_64/1\nsdk=org.example.S/x86_64/1\ncommand=x\n"), 0o644))
	flatpak := func(args ...string) string {
		c := exec.Command("flatpak", args...)
		c.Env = append(os.Environ(), "FLATPAK_SYSTEM_DIR="+dir, "HOME="+work)
		return fixtures.RunCmd(t, c)
	}
	flatpak("build-export", repo, app, "stable")
	flatpak("--system", "remote-add", "--no-gpg-verify", "r", "file://"+repo)
	flatpak("--system", "install", "--noninteractive", "--no-deps", "--no-related", "r", "org.example.App")
	r := inspected(t, root)
	sectiontest.Status(t, r, "packages", report.OK)
	var got []string
	for _, p := range r.Packages {
		branch, commit, _ := strings.Cut(p.Version, " ")
		got = append(got, fmt.Sprintf("%s\t%s\t%s\t%.12s", p.Name, p.Arch, branch, commit))
	}
	sameLines(t, "flatpak list", got, lines(flatpak("--system", "list", "--columns=application,arch,branch,active")))
}

func TestAPK(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{
		"/lib/apk/db/installed": "C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nT:the C library\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\nZ:Q1x=\n\n" +
			"P:alpine-baselayout\nV:3.4.3-r1\nA:x86_64\nF:\nR:root.txt\nF:etc\nM:0:0:755\nR:motd\n\n",
		"/lib/ld-musl-x86_64.so.1": "x", "/etc/motd": "x", "/root.txt": "x", "/etc/own": "x",
		"/etc/apk/repositories": "# x\nhttps://alpine.example/main\n@edge https://user:pw@alpine.example/edge\n",
	})
	sectiontest.Status(t, r, "packages", report.OK)
	sectiontest.Status(t, r, "verification", report.Absent, "digests")
	want := []report.Package{
		{Name: "alpine-baselayout", Version: "3.4.3-r1", Arch: "x86_64", Manager: "apk"}, {Name: "musl", Version: "1.2.4-r2", Arch: "x86_64", Manager: "apk"},
	}
	if !reflect.DeepEqual(r.Packages, want) {
		t.Errorf("%+v", r.Packages)
	}
	for path, owner := range map[string]string{"/lib/ld-musl-x86_64.so.1": "musl", "/etc/motd": "alpine-baselayout", "/root.txt": "alpine-baselayout", "/etc/own": ""} {
		if got := ownerOf(r, path); got != owner {
			t.Errorf("%s belongs to %q, want %q", path, got, owner)
		}
	}
	urls := []report.Repository{
		{ID: "https://(present)@alpine.example/edge", Manager: "apk", Source: "/etc/apk/repositories", Name: "edge", Enabled: true, URLs: []string{"https://(present)@alpine.example/edge"}},
		{ID: "https://alpine.example/main", Manager: "apk", Source: "/etc/apk/repositories", Enabled: true, URLs: []string{"https://alpine.example/main"}},
	}
	if !reflect.DeepEqual(r.Repositories, urls) {
		t.Errorf("%+v", r.Repositories)
	}
}

// TestDatabasesUnread says which database could not be read, and why.
func TestDatabasesUnread(t *testing.T) {
	for _, c := range []struct{ path, content, words string }{
		{"/lib/apk/db/installed", "P:a\nno line\n", "line 2"},
		{"/lib/apk/db/installed", "V:1\n\n", "names no package"},
		{"/lib/apk/db/installed", "F:x\n", "before its package"},
		{"/var/lib/pacman/local/a-1/desc", "%VERSION%\n1\n", "names no package"},
		{"/var/lib/pacman/local/a-1/desc", "x\n", "below no key"},
		{"/var/lib/dpkg/status", "Package: a\n x\x00\n", "NUL"},
	} {
		r := sectiontest.Report(t, Sections(Options{}), map[string]string{c.path: c.content})
		sectiontest.Status(t, r, "packages", report.Unread, c.words)
		sectiontest.Status(t, r, "unowned", report.Unread, c.words)
	}
}
