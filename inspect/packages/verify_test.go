package packages

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/rpmdb/rpmdbtest"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

const md5OfX = "9dd4e461268c8034f5c8564e155c67a6"

// TestDpkgVerification has what dpkg -V does not reach: directories in the place of files, diverted contents,
// loops of links, images without lists.
func TestDpkgVerification(t *testing.T) {
	files := map[string]string{
		"/var/lib/dpkg/status": "Package: a\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/good " + md5OfX + "\n /etc/bad " + md5OfX + "\n /etc/new newconffile\n\n" +
			"Package: b\nStatus: install ok installed\nVersion: 1\n",
		"/var/lib/dpkg/info/a.list":    "/.\n/dir\n/loop\n/linked\n/kept\n/gone\n/etc/good\n/etc/bad\n/etc/new\n",
		"/var/lib/dpkg/info/a.md5sums": md5OfX + "  dir\n" + md5OfX + "  loop\n" + md5OfX + "  linked\n" + md5OfX + "  kept\n",
		"/var/lib/dpkg/diversions":     "/kept\n/kept.diverted\nb\n", "/var/lib/dpkg/info/b.list": "/kept\n",
		"/dir/": "", "/loop": "-> loop", "/linked": "-> real", "/real": "x", "/kept": "b's", "/kept.diverted": "changed", "/etc/good": "x", "/etc/bad": "y", "/etc/new": "z",
	}
	r := sectiontest.Report(t, Sections(Options{Contents: true}), files)
	sectiontest.Status(t, r, "verification", report.OK)
	want := []string{
		"/dir ?M??????? a", "/etc/bad ??5?????? a c", "/etc/new ??5?????? a c", "/gone missing a", "/kept.diverted ??5?????? a", "/linked ?M.?????? a", "/loop ?M??????? a",
	}
	if got := differences(r); !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	r = sectiontest.Report(t, Sections(Options{}), files)
	if v := r.Verification; v.Unread != 2 || v.Contents != 3 { // linked and diverted; the configuration files
		t.Errorf("%d compared, %d not", v.Contents, v.Unread)
	}
}

// differences are lines of what differs.
func differences(r *report.Report) (list []string) {
	for _, d := range r.Verification.Different {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", d.Path, d.Result, d.Package, d.Attribute)))
	}
	return list
}

// TestStatusDirVerification is of images whose packages have no lists, only digests.
func TestStatusDirVerification(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{Contents: true}), map[string]string{
		"/var/lib/dpkg/status.d/a": "Package: a\nVersion: 1\n", "/var/lib/dpkg/status.d/a.md5sums": md5OfX + "  ./usr/a\n" + md5OfX + "  usr/b\n", "/usr/a": "x", "/usr/b": "y", "/usr/c": "",
	})
	sectiontest.Status(t, r, "verification", report.OK)
	if got := differences(r); !reflect.DeepEqual(got, []string{"/usr/b ??5?????? a"}) || ownerOf(r, "/usr/a") != "a" || ownerOf(r, "/usr/c") != "" {
		t.Errorf("%q, owner %q", got, ownerOf(r, "/usr/a"))
	}
}

// TestUnreadIsNotMissing: below a directory that could not be read nothing is missing, and what cannot
// be read is not changed.
func TestUnreadIsNotMissing(t *testing.T) {
	files := map[string]string{
		"/var/lib/dpkg/status": "Package: a\nVersion: 1\nConffiles:\n /etc/c " + md5OfX + "\n", "/var/lib/dpkg/info/a.list": "/.\n/usr/x\n/gone\n/etc/c\n", "/usr/": "", "/etc/c": "x",
	}
	on := treetest.Of(t, treetest.Map{Files: files, Change: func(n *image.Node) {
		if n.Path == "/usr" {
			n.Err = errors.New("bad block")
		}
	}})
	r := sectiontest.Fill(t, Sections(Options{}), on)
	sectiontest.Status(t, r, "verification", report.Unread, "/usr", "bad block")
	if got := differences(r); !reflect.DeepEqual(got, []string{"/gone missing a"}) {
		t.Errorf("%q", got)
	}
	broken := treetest.Map{Files: files}
	broken.Content = func(n *image.Node) (image.Content, error) {
		if n.Path == "/etc/c" {
			return nil, errors.New("bad sector")
		}
		return treetest.Text(files[string(n.Path)]), nil
	}
	r = sectiontest.Fill(t, Sections(Options{}), treetest.Of(t, broken))
	sectiontest.Status(t, r, "verification", report.Unread, "bad sector")
}

// TestRPMVerification has a table of recorded facts, and what they give.
func TestRPMVerification(t *testing.T) {
	sha := "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" // of "x"
	for _, c := range []struct {
		what   string
		change func(n *image.Node)
		tags   []rpmdbtest.Tag
		want   string
	}{
		{"as recorded", nil, nil, ""},
		{"capabilities in another form", func(n *image.Node) { n.Capabilities = "cap_net_raw=ep" }, []rpmdbtest.Tag{rpmdbtest.T(5010, []string{"= cap_net_raw+ep"})}, ""},
		{"capabilities", func(n *image.Node) { n.Capabilities = "cap_net_raw=ep" }, nil, "........P"},
		{"a verification that leaves out", nil, []rpmdbtest.Tag{rpmdbtest.T(1028, []uint32{5}), rpmdbtest.T(1045, []uint32{^uint32(3)})}, ""},
		{"another size", nil, []rpmdbtest.Tag{rpmdbtest.T(1028, []uint32{5})}, "S.5......"},
		{"a ghost's content", nil, []rpmdbtest.Tag{rpmdbtest.T(1028, []uint32{5}), rpmdbtest.T(1037, []uint32{1 << 6})}, ""},
		{"a ghost's kind", nil, []rpmdbtest.Tag{rpmdbtest.T(1030, []uint16{0o040644}), rpmdbtest.T(1037, []uint32{1 << 6})}, ""},
		{"a kind", nil, []rpmdbtest.Tag{rpmdbtest.T(1030, []uint16{0o120644})}, ".M......."},
		{"a number without a name", func(n *image.Node) { n.UID = 77 }, nil, ".....U..."},
		{"two names of one number", func(n *image.Node) { n.GID = 5 }, []rpmdbtest.Tag{rpmdbtest.T(1040, []string{"second"})}, ""},
		{"a time", func(n *image.Node) { n.Mtime = n.Mtime.Add(2e9) }, nil, ".......T."},
		{"a fraction of a second", func(n *image.Node) { n.Mtime = n.Mtime.Add(2e8) }, nil, ""},
		{"no digest", nil, []rpmdbtest.Tag{rpmdbtest.T(1035, []string{""})}, "..5......"},
		{"an unknown digest", nil, []rpmdbtest.Tag{rpmdbtest.T(5011, []uint32{77})}, ""},
		{"a device", func(n *image.Node) { n.Type, n.Device = report.Char, "1:3" }, []rpmdbtest.Tag{rpmdbtest.T(1033, []uint16{0x105}), rpmdbtest.T(1030, []uint16{0o020644})}, "...D....."},
		{"the same device", func(n *image.Node) { n.Type, n.Device = report.Char, "1:3" }, []rpmdbtest.Tag{rpmdbtest.T(1033, []uint16{0x103}), rpmdbtest.T(1030, []uint16{0o020644})}, ""},
	} {
		tags := map[uint32]rpmdbtest.Tag{}
		for _, tag := range append([]rpmdbtest.Tag{
			rpmdbtest.T(1028, []uint32{1}), rpmdbtest.T(1030, []uint16{0o100644}), rpmdbtest.T(1034, []uint32{1e9}), rpmdbtest.T(1035, []string{sha}), rpmdbtest.T(1037, []uint32{0}),
			rpmdbtest.T(1039, []string{"root"}), rpmdbtest.T(1040, []string{"root"}), rpmdbtest.T(5011, []uint32{8}), rpmdbtest.T(1116, []uint32{0}), rpmdbtest.T(1117, []string{"f"}),
			rpmdbtest.T(1118, []string{"/u/"}),
		}, c.tags...) {
			tags[tag.ID] = tag
		}
		var list []rpmdbtest.Tag
		for _, tag := range tags {
			list = append(list, tag)
		}
		r := rpmWith(t, map[string]string{"/u/f": "x", "/etc/group": "first:x:5:\nsecond:x:5:\n"}, func(n *image.Node) {
			if n.Path == "/u/f" {
				if n.SHA256 = sha; c.change != nil {
					c.change(n)
				}
			}
		}, named1("p", list...))
		sectiontest.Status(t, r, "verification", report.OK)
		got := ""
		if d := r.Verification.Different; len(d) > 0 {
			got = d[0].Result
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

// TestExcludes reads dpkg's options as dpkg does: the last that matches counts.
func TestExcludes(t *testing.T) {
	on := treetest.Of(t, treetest.Map{Files: map[string]string{
		"/etc/dpkg/dpkg.cfg.d/10-docs": "# x\npath-exclude=/usr/share/doc/*\npath-include /usr/share/doc/*/copyright\n", "/etc/dpkg/dpkg.cfg.d/skipped.bak": "path-exclude=*\n",
		"/etc/dpkg/dpkg.cfg": "no-debsig\npath-exclude=\"/usr/lang/??\"\n",
	}})
	excluded, err := dpkgExcludes(on)
	check(t, err)
	for name, want := range map[string]bool{"/usr/share/doc/a/b/c": true, "/usr/share/doc/a/copyright": false, "/usr/lang/de": true, "/usr/lang/deu": false, "/etc/x": false} {
		if excluded(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
