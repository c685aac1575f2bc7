package inspect_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

const spec = `Name: %[NAME]
Epoch: 2
Version: 1.0
Release: 3
Summary: A package of a test
License: none
BuildArch: noarch
%description
Nothing.
%install
mkdir -p %{buildroot}/usr/share
echo x > %{buildroot}/usr/share/%[NAME]
%files
/usr/share/%[NAME]
`

// rpmTree installs packages that rpmbuild made into a database, by rpm itself.
func rpmTree(t *testing.T, names ...string) string {
	t.Helper()
	fixtures.RequireTool(t, "rpm", "rpmbuild")
	work, root := t.TempDir(), t.TempDir()
	db := filepath.Join(root, "usr/lib/sysimage/rpm")
	check(t, os.MkdirAll(db, 0o755))
	put(t, root, map[string]string{"usr/share/alpha": "x", "usr/share/none": "x"})
	for _, name := range names {
		file := filepath.Join(work, name+".spec")
		check(t, os.WriteFile(file, []byte(strings.ReplaceAll(spec, "%[NAME]", name)), 0o644))
		runTool(t, "rpmbuild", "-bb", "--quiet", "--define", "_topdir "+work, file)
		runTool(t, "rpm", "--define", "_dbpath "+db, "--define", "_db_backend sqlite", "-i", "--justdb", "--nodeps", "--ignorearch",
			filepath.Join(work, "RPMS/noarch", name+"-1.0-3.noarch.rpm"))
	}
	return root
}

func runTool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// TestRPM compares with rpm -qa over the same database.
func TestRPM(t *testing.T) {
	root := rpmTree(t, "zeta", "alpha")
	r := inspectPath(t, root)
	if s := r.Sections["packages"]; s.Status != report.OK {
		t.Fatalf("%+v", s)
	}
	for _, e := range r.Files {
		if owner := map[report.Raw]string{"/usr/share/alpha": "alpha"}[e.Path]; e.Package != owner {
			t.Errorf("%s belongs to %q, want %q", e.Path, e.Package, owner)
		}
	}
	var got []string
	for _, p := range r.Packages {
		if p.Manager != "rpm" || p.State != "" {
			t.Errorf("%+v", p)
		}
		got = append(got, p.Name+" "+p.Version+" "+p.Arch)
	}
	db := filepath.Join(root, "usr/lib/sysimage/rpm")
	want := strings.Split(strings.TrimSpace(runTool(t, "rpm", "--define", "_dbpath "+db, "--define", "_db_backend sqlite", "-qa",
		"--qf", "%{NAME} %{EPOCH}:%{VERSION}-%{RELEASE} %{ARCH}\n")), "\n")
	slices.Sort(want)
	if !slices.Equal(got, want) || len(got) != 2 {
		t.Errorf("got %v, rpm says %v", got, want)
	}
}
