package packages

import (
	"reflect"
	"testing"

	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

func TestDpkg(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{
		"/bin": "-> usr/bin", "/usr/bin/bash": "1", "/usr/bin/sh.distrib": "2", "/usr/bin/sh": "3", "/usr/share/doc/bash/x": "", "/own": "",
		"/var/lib/dpkg/status": "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\nDescription: x\n y\n\n" +
			"Package: libx\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 1\n\n" +
			"Package: dash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n" +
			"Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 2\n",
		"/var/lib/dpkg/info/bash.list":       "/.\n/bin\n/bin/bash\n/usr\n/usr/share/doc/bash/x\n/missing\n",
		"/var/lib/dpkg/info/libx:amd64.list": "/own\n",
		"/var/lib/dpkg/info/dash.list":       "/usr/bin/sh\n",
		"/var/lib/dpkg/diversions":           "/usr/bin/sh\n/usr/bin/sh.distrib\nother\n",
	})
	sectiontest.Status(t, r, "packages", report.OK)
	want := []report.Package{
		{Name: "bash", Version: "5.2-1", Arch: "amd64", Manager: "dpkg", State: "install ok installed"},
		{Name: "dash", Version: "1", Arch: "amd64", Manager: "dpkg", State: "install ok installed"},
		{Name: "gone", Version: "2", Arch: "all", Manager: "dpkg", State: "deinstall ok config-files"},
		{Name: "libx", Version: "1", Arch: "amd64", Manager: "dpkg", State: "install ok installed"},
	}
	if !reflect.DeepEqual(r.Packages, want) {
		t.Errorf("%+v", r.Packages)
	}
	for path, owner := range map[string]string{
		"/usr/bin/bash": "bash", "/bin": "bash", "/usr": "", "/usr/share/doc/bash/x": "bash", "/own": "libx",
		"/usr/bin/sh.distrib": "dash", "/usr/bin/sh": "",
	} {
		if got := ownerOf(r, path); got != owner {
			t.Errorf("%s belongs to %q, want %q", path, got, owner)
		}
	}
}

func TestDpkgStatusDir(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{
		"/var/lib/dpkg/status.d/b":         "Package: b\nVersion: 1\nArchitecture: all\n",
		"/var/lib/dpkg/status.d/a":         "Package: a\nVersion: 1\nArchitecture: all\n",
		"/var/lib/dpkg/status.d/a.md5sums": "d41d8cd98f00b204e9800998ecf8427e  x\n",
	})
	sectiontest.Status(t, r, "packages", report.OK)
	if len(r.Packages) != 2 || r.Packages[0].Name != "a" {
		t.Errorf("%+v", r.Packages)
	}
}

// ownerOf is the package that a path belongs to.
func ownerOf(r *report.Report, path string) string {
	for _, e := range r.Files {
		if string(e.Path) == path {
			return e.Package
		}
	}
	return "nothing"
}

func FuzzDpkgStatus(f *testing.F) {
	f.Add([]byte("Package: a\nVersion: 1\n\n"))
	f.Fuzz(func(_ *testing.T, data []byte) { parseDpkgStatus(data) })
}
