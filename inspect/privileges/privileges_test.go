package privileges_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/privileges"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// system is a Debian system with more privileges than it comes with.
func system(t *testing.T) string {
	t.Helper()
	fixtures.RequireTool(t, "setcap", "getcap")
	dir := t.TempDir()
	fixtures.Run(t, "sh", "-c", "cd "+fixtures.DebianTree(t)+` && cp -a --attributes-only --parents bin usr srv "$0" && cp -a --parents etc "$0"`, dir)
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, argv := range [][]string{
		{"setcap", "cap_net_raw+ep", at("usr/bin/ping")},
		{"setcap", "cap_net_bind_service,cap_sys_time=p cap_chown+i", at("usr/bin/env")},
		{"setcap", "-n", "100000", "cap_setuid+ep", at("usr/bin/id")},
		{"setcap", "=", at("usr/bin/tail")},
		{"chown", "1000:42", at("usr/bin/head")},
		{"chmod", "6711", at("usr/bin/head")},
		{"chown", "4321:8765", at("usr/bin/cut")},
		{"chmod", "2755", at("usr/bin/cut")},
		{"chmod", "4644", at("etc/hostname")},
		{"chmod", "2775", at("srv")},
		{"ln", at("usr/bin/su"), at("usr/bin/another su")},
	} {
		fixtures.Run(t, argv...)
	}
	return dir
}

// TestPrivileges holds both lists to the tools that everybody uses.
func TestPrivileges(t *testing.T) {
	dir := system(t)
	sections := append([]section.Section{owners()}, privileges.Sections()...)
	r := sectiontest.Fill(t, sections, treetest.Open(t, dir))
	sectiontest.Status(t, r, "capabilities", report.OK)
	sectiontest.Status(t, r, "privileged", report.OK)

	var got []string
	for _, c := range r.Capabilities {
		got = append(got, dir+string(c.Path)+" "+c.Capabilities)
	}
	same(t, "getcap", got, lines(fixtures.Run(t, "getcap", "-n", "-r", dir)))

	got = nil
	for _, p := range r.Privileged {
		got = append(got, fmt.Sprintf("%s %o %d %d", p.Path, uint16(p.Mode), p.UID, p.GID))
	}
	same(t, "find", got, lines(fixtures.Run(t, "find", dir, "-type", "f", "-perm", "/6000", "-printf", "/%P %m %U %G\n")))

	names := map[string][2]string{}
	for _, p := range r.Privileged {
		names[string(p.Path)] = [2]string{p.User, p.Group}
	}
	for path, want := range map[string][2]string{
		"/usr/bin/su": {"root", "root"}, "/usr/bin/another su": {"root", "root"}, "/usr/bin/head": {"bob", "shadow"}, "/usr/bin/cut": {"", ""},
	} {
		if names[path] != want {
			t.Errorf("%s belongs to %q, want %q", path, names[path], want)
		}
	}
}

// owners stands for the sections of users and groups.
func owners() section.Section {
	return section.Section{Name: "owners", Fill: func(_ context.Context, _ *tree.Tree, r *report.Report) error {
		r.Users = []report.User{{Name: "bob", UID: 1000}, {Name: "root"}, {Name: "second"}}
		r.Groups = []report.Group{{Name: "root"}, {Name: "shadow", GID: 42}}
		return nil
	}}
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// same compares two lists, whatever their order.
func same(t *testing.T, tool string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if len(got) < 3 || !slices.Equal(got, want) {
		t.Errorf("found\n%s\n%s says\n%s", strings.Join(got, "\n"), tool, strings.Join(want, "\n"))
	}
}

// TestNotDecodable: a value that no kernel reads is told as it stands.
func TestNotDecodable(t *testing.T) {
	fixtures.RequireRoot(t)
	dir := t.TempDir()
	name := filepath.Join(dir, "x")
	if err := os.WriteFile(name, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	on := treetest.Open(t, dir)
	f, err := on.Lookup("/x")
	if err != nil {
		t.Fatal(err)
	}
	f.Node.Xattrs = map[string]report.Raw{"security.capability": "\x09\x00\x00\x07"}
	f.Node.Package = "owner"
	r := sectiontest.Fill(t, []section.Section{privileges.Sections()[0]}, on)
	if want := (report.FileCapability{Path: "/x", Capabilities: "not decodable: 09000007", Package: "owner"}); len(r.Capabilities) != 1 || r.Capabilities[0] != want {
		t.Errorf("capabilities are %+v, want %+v", r.Capabilities, want)
	}
}
