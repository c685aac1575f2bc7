package inspect

import (
	"errors"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

func makeHuge(n *image.Node) {
	if n.Type == report.File {
		n.Size = 4 << 30
	}
}

func openHuge(*image.Node) (image.Content, error) { return nil, errors.New("opened") }

// TestHostileTables holds that what cannot be read makes its section unread,
// and names the line.
func TestHostileTables(t *testing.T) {
	long := strings.Repeat("x", section.MaxLine+1)
	for _, c := range []struct{ file, content, section, words string }{
		{"/etc/passwd", "root:x:0:0:root:/root\n", "users", "line 1: 6 fields"},
		{"/etc/passwd", "a:x:0:0::/:/b\nb:x:-1:0::/:/b\n", "users", "line 2"},
		{"/etc/passwd", "a:x:4294967296:0::/:/b\n", "users", "4294967296"},
		{"/etc/passwd", "a:x:0:0:\x00:/:/b\n", "users", "NUL"},
		{"/etc/passwd", long, "users", "line 1"},
		{"/etc/passwd", strings.Repeat("\n", section.MaxRecords+2), "users", "lines"},
		{"/etc/passwd", "-> passwd", "users", "too many symbolic links"},
		{"/etc/passwd/", "", "users", "directory"},
		{"/etc/group", "a:x:b:\n", "groups", "line 1"},
		{"/etc/fstab", "only-one\n", "fstab", "line 1"},
		{"/etc/fstab", "a /b ext4 ro x\n", "fstab", `"x"`},
		{"/etc/os-release", "NAME=\"open\n", "os-release", "not closed"},
		{"/etc/os-release", "NAME=a b\n", "os-release", "follows"},
		{"/etc/os-release", "no assignment\n", "os-release", "NAME=VALUE"},
		{"/var/lib/dpkg/status", "Package: a\nno field\n", "packages", "line 2"},
		{"/var/lib/dpkg/status", "Version: 1\n\n", "packages", "names no package"},
		{"/var/lib/dpkg/status", "Package: ../../etc/x\n\n", "packages", "slash"},
		{"/usr/lib/systemd/system/a.service", "[Install]\n" + long, "services", "a.service"},
		{"/boot/grub/grub.cfg", strings.Repeat("if x {\n", 105), "boot", "blocks"},
		{"/boot/grub/grub.cfg", "menuentry 'a' {\n", "boot", "not closed"},
		{"/boot/loader/entries/x.conf", "title \x00", "boot", "x.conf"},
		{"/usr/lib/sysimage/rpm/rpmdb.sqlite", "SQLite format 3\x00 and nothing else", "packages", "rpmdb.sqlite"},
		{"/var/lib/rpm/Packages", "\x00\x00", "packages", "/var/lib/rpm/Packages"},
		{"/var/lib/rpm/Packages.db", "RpmP", "packages", "/var/lib/rpm/Packages.db"},
	} {
		name := strings.TrimSuffix(c.file, "/")
		r := inspectOf(t, directory(map[string]string{c.file: c.content}), Options{})
		t.Run(name+" "+c.words, func(t *testing.T) {
			status(t, r, c.section, report.Unread, c.words)
			if len(r.Sections[c.section].Reason) > 510 {
				t.Errorf("a reason of %d bytes", len(r.Sections[c.section].Reason))
			}
		})
	}
}

func TestHugeTable(t *testing.T) {
	img := directory(map[string]string{"/etc/passwd": ""})
	m := img.Trees[0].Tree.(*treetest.Map)
	m.Content = openHuge
	m.Change = makeHuge
	status(t, inspectOf(t, img, Options{Sections: []string{"users"}}), "users", report.Unread, "4294967296 bytes")
}

// TestUnreadIsNotAbsent holds that below an unread directory nothing is absent.
func TestUnreadIsNotAbsent(t *testing.T) {
	img := directory(map[string]string{"/etc/": "", "/usr/lib/os-release": "ID=x\n"})
	img.Trees[0].Tree.(*treetest.Map).Change = func(n *image.Node) {
		if n.Path == "/etc" {
			n.Err = errors.New("bad block")
		}
	}
	r := inspectOf(t, img, Options{})
	status(t, r, "files", report.Unread, "/etc", "bad block")
	for _, s := range []string{"users", "groups", "fstab", "os-release"} {
		status(t, r, s, report.Unread, "/etc")
	}
	status(t, r, "packages", report.Absent)
}
