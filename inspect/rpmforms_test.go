package inspect_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/glebarez/go-sqlite" // the driver that go-rpmdb opens "sqlite" with
	gorpmdb "github.com/knqyf263/go-rpmdb/pkg"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/rpmdb/rpmdbtest"
	"github.com/assay-os/assay/report"
)

// rpmSample is a real database out of the tests of go-rpmdb.
func rpmSample(t *testing.T, name string) []byte {
	t.Helper()
	fixtures.RequireTool(t, "go")
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/knqyf263/go-rpmdb").Output()
	check(t, err)
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "pkg/testdata", name))
	check(t, err)
	return data
}

// TestRPMForms compares the packages of a real database of each form with
// go-rpmdb. For ndb it is the only other reader: Debian's rpm is built without.
func TestRPMForms(t *testing.T) {
	for sample, dir := range map[string]string{
		"cbl-mariner-2.0/rpmdb.sqlite": "var/lib/rpm", "sle15-bci/Packages.db": "usr/lib/sysimage/rpm", "centos5-plain/Packages": "var/lib/rpm",
		"ubi8-s390x/Packages": "usr/share/rpm",
	} {
		t.Run(filepath.Dir(sample), func(t *testing.T) {
			root, data := t.TempDir(), rpmSample(t, sample)
			path := filepath.Join(dir, filepath.Base(sample))
			put(t, root, map[string]string{path: string(data), "usr/bin/bash": "x", "bin/bash": "x"})
			r := inspectPath(t, root)
			if s := r.Sections["packages"]; s.Status != report.OK {
				t.Fatalf("%+v", s)
			}
			var got []string
			for _, p := range r.Packages {
				got = append(got, p.Name+" "+p.Version+" "+p.Arch)
			}
			if want := goRPM(t, filepath.Join(root, path)); !slices.Equal(got, want) {
				t.Errorf("%d packages, go-rpmdb has %d\n%q\n%q", len(got), len(want), got, want)
			}
			owned := slices.ContainsFunc(r.Files, func(e report.Entry) bool {
				return strings.HasSuffix(string(e.Path), "/bin/bash") && e.Package == "bash"
			})
			if !owned {
				t.Error("bash does not own /bin/bash")
			}
		})
	}
}

// goRPM lists a database's packages by the other reader.
func goRPM(t *testing.T, path string) []string {
	t.Helper()
	db, err := gorpmdb.Open(path)
	check(t, err)
	defer db.Close()
	list, err := db.ListPackages()
	check(t, err)
	var lines []string
	for _, p := range list {
		version := p.Version + "-" + p.Release
		if p.Epoch != nil && *p.Epoch != 0 {
			version = fmt.Sprintf("%d:%s", *p.Epoch, version)
		}
		lines = append(lines, p.Name+" "+version+" "+p.Arch)
	}
	slices.Sort(lines)
	return lines
}

// TestRPMUnread says why a database is not read, and lists nothing by halves.
func TestRPMUnread(t *testing.T) {
	h := rpmdbtest.Header(nil, []rpmdbtest.Tag{rpmdbtest.T(1000, "a"), rpmdbtest.T(1001, "1"), rpmdbtest.T(1002, "2")})
	ndb := string(rpmdbtest.NDB(h))
	for what, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"cut":          {map[string]string{"var/lib/rpm/Packages.db": ndb[:len(ndb)-1]}, "header 1"},
		"two forms":    {map[string]string{"var/lib/rpm/Packages.db": ndb, "var/lib/rpm/Packages": string(rpmdbtest.BDB(binary.LittleEndian, h))}, "which of the two"},
		"none":         {map[string]string{"var/lib/rpm/rpmdb.sqlite": "text that is no database"}, "of no form"},
		"no name":      {map[string]string{"var/lib/rpm/Packages.db": string(rpmdbtest.NDB(rpmdbtest.Header(nil, []rpmdbtest.Tag{rpmdbtest.T(1001, "1")})))}, "no name"},
		"to roll back": {map[string]string{"var/lib/rpm/rpmdb.sqlite": "SQLite format 3\x00", "var/lib/rpm/rpmdb.sqlite-journal": "x"}, "rolled back"},
	} {
		root := t.TempDir()
		put(t, root, c.files)
		r := inspectPath(t, root)
		if s := r.Sections["packages"]; s.Status != report.Unread || !strings.Contains(s.Reason, c.want) || len(r.Packages) > 0 {
			t.Errorf("%s: %+v, %d packages; want %q", what, s, len(r.Packages), c.want)
		}
	}
}

// TestRPMLog changes a header's script in the log only, as an update that was
// cut off before the checkpoint does: no form may be the same.
func TestRPMLog(t *testing.T) {
	root := rpmTree(t, "zeta", "alpha")
	before := canonicalForms(inspectPath(t, root))
	db, err := sql.Open("sqlite", filepath.Join(root, "usr/lib/sysimage/rpm/rpmdb.sqlite"))
	check(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec("PRAGMA wal_autocheckpoint=0")
	check(t, err)
	var blob []byte
	check(t, db.QueryRow("SELECT blob FROM Packages WHERE hnum = 1").Scan(&blob))
	changed := bytes.Replace(blob, []byte("A package"), []byte("B package"), 1)
	_, err = db.Exec("UPDATE Packages SET blob = ? WHERE hnum = 1", changed)
	check(t, err)
	r := inspectPath(t, root)
	if s := r.Sections["packages"]; s.Status != report.OK || bytes.Equal(blob, changed) {
		t.Fatalf("%+v", s)
	}
	after := canonicalForms(r)
	for _, name := range []string{"rpmdb.sqlite", "rpmdb.sqlite-wal"} {
		if before[name] == "" || before[name] == after[name] {
			t.Errorf("%s: %q before, %q after", name, before[name], after[name])
		}
	}
	if after["rpmdb.sqlite"] == "" {
		t.Error("the database has no form")
	}
}

// canonicalForms are the digests of forms by their files' names.
func canonicalForms(r *report.Report) map[string]string {
	forms := map[string]string{}
	for _, e := range r.Files {
		if e.Canonical != nil {
			forms[filepath.Base(string(e.Path))] = e.Canonical.Digest
		}
	}
	return forms
}
