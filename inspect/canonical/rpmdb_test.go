package canonical_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/canonical"
	"github.com/assay-os/assay/inspect/rpmdb/rpmdbtest"
	"github.com/assay-os/assay/report"
)

// rpmHeader is a header with one of its facts replaced.
func rpmHeader(name, old, new string) []byte {
	at := func(s string) string { return strings.Replace(s, old, new, 1) }
	number := func(s string) []uint32 { return []uint32{binary.BigEndian.Uint32([]byte(at(s)))} }
	return rpmdbtest.Header([]rpmdbtest.Tag{
		rpmdbtest.T(1000, at(name)), rpmdbtest.T(1001, at("1.5")), rpmdbtest.T(1002, at("2")), rpmdbtest.T(1022, at("noarch")),
		rpmdbtest.T(1024, at("echo post")), rpmdbtest.T(1035, []string{at("d41d8cd98f00b204e9800998ecf8427e")}), rpmdbtest.T(9999, at("unknown")),
	}, []rpmdbtest.Tag{
		rpmdbtest.T(269, at("sha1")), rpmdbtest.T(1008, number("time")), rpmdbtest.T(1029, rpmdbtest.Chars(at("states"))),
		rpmdbtest.T(1127, number("colr")), rpmdbtest.T(1128, number("tidd")),
	})
}

func TestRPMDB(t *testing.T) {
	const path = "/usr/lib/sysimage/rpm/Packages.db"
	a, b := rpmHeader("a", "", ""), rpmHeader("b", "", "")
	base := rpmdbtest.NDB(a, b)
	same(t, "order and numbers", path, base, rpmdbtest.NDB(b, a))
	same(t, "install time", path, base, rpmdbtest.NDB(rpmHeader("a", "time", "TIME"), b))
	same(t, "install tid", path, base, rpmdbtest.NDB(a, rpmHeader("b", "tidd", "TIDD")))
	for what, change := range map[string][2]string{
		"version": {"1.5", "1.6"}, "a byte of a script": {"echo post", "echo posT"}, "a file's digest": {"d41d", "d41e"},
		"a tag that rpm does not know": {"unknown", "unknowN"}, "a digest of the header": {"sha1", "sha2"}, "a file's state": {"states", "statet"},
		"colour": {"colr", "cols"}, "architecture": {"noarch", "noarci"},
	} {
		differ(t, what, path, base, rpmdbtest.NDB(rpmHeader("a", change[0], change[1]), b))
	}
	differ(t, "a package more", path, base, rpmdbtest.NDB(a, b, rpmHeader("c", "", "")))
	differ(t, "a package twice", path, base, rpmdbtest.NDB(a, b, b))
	c := apply(t, path, base)
	if len(c.Parts) != 2 || c.Parts[0].Name != "a-1.5-2.noarch" || c.Rule != "rpmdb" {
		t.Errorf("%+v", c)
	}
	bdb := apply(t, "/var/lib/rpm/Packages", rpmdbtest.BDB(binary.LittleEndian, a, b))
	if !slices.Equal(bdb.Parts, c.Parts) {
		t.Errorf("two forms of one set have the parts %+v and %+v", bdb.Parts, c.Parts)
	}
	for what, data := range map[string][]byte{"cut": base[:len(base)-1], "flipped": flip(base, len(base)-40)} {
		if c, err := try(path, data, nil); c != nil || !errors.Is(err, canonical.ErrMalformed) {
			t.Errorf("%s: %+v, %v", what, c, err)
		}
	}
}

func flip(data []byte, at int) []byte {
	data = bytes.Clone(data)
	data[at] ^= 1
	return data
}

const rpmSpec = `Name: %[NAME]
Epoch: 7
Version: 1.0
Release: 3
Summary: A package of a test
License: none
BuildArch: noarch
%description
Nothing.
%install
mkdir -p %{buildroot}/etc
echo x > %{buildroot}/etc/%[NAME]
%post
echo post-script
%triggerin -- other
echo trigger
%files
%config(noreplace) /etc/%[NAME]
`

// rpmDatabases installs packages into databases of rpm's own making, in the order
// in which each set names them.
func rpmDatabases(t *testing.T, sets ...[]string) []string {
	t.Helper()
	fixtures.RequireTool(t, "rpm", "rpmbuild")
	work := t.TempDir()
	build := func(name string) string {
		file := filepath.Join(work, "RPMS/noarch", name+"-1.0-3.noarch.rpm")
		if _, err := os.Stat(file); err == nil {
			return file
		}
		write(t, work, map[string]string{name + ".spec": strings.ReplaceAll(rpmSpec, "%[NAME]", name)})
		run(t, work, nil, "rpmbuild", "-bb", "--quiet", "--define", "_topdir "+work, name+".spec")
		return file
	}
	var dirs []string
	for _, set := range sets {
		dir := t.TempDir()
		for _, name := range set {
			run(t, work, nil, "rpm", "--define", "_dbpath "+dir, "--define", "_db_backend sqlite", "-i", "--justdb", "--nodeps", "--noscripts", "--notriggers", build(name))
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

type openFile struct{ *bytes.Reader }

func (openFile) Close() error { return nil }

// formOf gives the form of a file in a directory, with the others beside it.
func formOf(t *testing.T, dir, name string) *report.Canonical {
	t.Helper()
	open := func(name string) (canonical.File, error) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		return openFile{bytes.NewReader(data)}, err
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := canonical.Apply(context.Background(), canonical.Input{
		Entry:   &report.Entry{Path: report.Raw("/var/lib/rpm/" + name), Type: report.File, Size: int64(len(data))},
		Content: bytes.NewReader(data), Open: open,
	})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

// TestRPMSQLite has rpm make databases: the order of installation is noise, in all three files.
func TestRPMSQLite(t *testing.T) {
	dirs := rpmDatabases(t, []string{"one", "two"}, []string{"two", "one"}, []string{"one"})
	for _, name := range []string{"rpmdb.sqlite", "rpmdb.sqlite-shm", "rpmdb.sqlite-wal"} {
		a, b := formOf(t, dirs[0], name), formOf(t, dirs[1], name)
		if a == nil || b == nil || a.Digest != b.Digest {
			t.Errorf("%s: %+v\n%+v", name, a, b)
		}
	}
	if a, c := formOf(t, dirs[0], "rpmdb.sqlite"), formOf(t, dirs[2], "rpmdb.sqlite"); a.Digest == c.Digest || len(a.Parts) != 2 || a.Parts[0].Name != "one-7:1.0-3.noarch" {
		t.Errorf("%+v\n%+v", a, c)
	}
	main := filepath.Join(dirs[0], "rpmdb.sqlite")
	data, err := os.ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	before := formOf(t, dirs[0], "rpmdb.sqlite")
	write(t, dirs[0], map[string]string{"rpmdb.sqlite": string(bytes.Replace(data, []byte("post-script"), []byte("post-scripT"), 1))})
	if after := formOf(t, dirs[0], "rpmdb.sqlite"); after.Digest == before.Digest {
		t.Error("a byte of a script makes no difference")
	}
}
