package packages

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/rpmdb"
	"github.com/assay-os/assay/report"
)

// sampleDatabases are real databases out of the tests of go-rpmdb: RHEL and CentOS from 5 on, Fedora,
// SUSE, Mariner.
func sampleDatabases(t *testing.T) []string {
	t.Helper()
	fixtures.RequireTool(t, "go")
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/knqyf263/go-rpmdb").Output()
	check(t, err)
	all, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "pkg/testdata/*/*"))
	check(t, err)
	if len(all) < 10 {
		t.Fatalf("only %d samples", len(all))
	}
	return all
}

// factsOf are the facts of a database's packages.
func factsOf(t *testing.T, path string) []report.RPMPackage {
	t.Helper()
	data, err := os.ReadFile(path)
	check(t, err)
	var list []report.RPMPackage
	teller := newRPMTeller()
	check(t, rpmdb.Headers(context.Background(), bytes.NewReader(data), nil, func(h *rpmdb.Header) error {
		p, err := teller.facts(h)
		if err != nil {
			return err
		}
		if bad := badDigest(h); bad != "" {
			t.Errorf("%s of %s: the header is not what it says", bad, p.Name)
		}
		list = append(list, p)
		return nil
	}))
	return list
}

// TestSampleDatabases tells every package of every sample, its signatures as rpm does where it can
// read the form.
func TestSampleDatabases(t *testing.T) {
	fixtures.RequireTool(t, "rpm")
	signatures := 0
	for _, path := range sampleDatabases(t) {
		name := filepath.Base(filepath.Dir(path))
		t.Run(name+" "+filepath.Base(path), func(t *testing.T) {
			if info, err := os.Stat(path); err != nil || info.Size() > 8<<20 {
				fixtures.RequireFull(t)
			}
			list := factsOf(t, path)
			var got []string
			for _, p := range list {
				for _, s := range p.Signatures {
					if s.Error != "" {
						t.Errorf("%s: %+v", p.Name, s)
					}
					if created, err := time.Parse(time.RFC3339, s.Created); s.Tag == "rsaheader" && err == nil {
						got = append(got, fmt.Sprintf("%s %s, %s, Key ID %s", p.Name, s.Algorithm, created.Format("Mon 02 Jan 2006 03:04:05 PM MST"), strings.ToLower(s.Key)))
					}
				}
			}
			signatures += len(got)
			backend := map[string]string{rpmdb.SQLiteName: "sqlite", rpmdb.BDBName: "bdb_ro"}[filepath.Base(path)]
			if backend == "" || len(got) == 0 {
				return
			}
			dir := t.TempDir()
			fixtures.Run(t, "cp", path, dir)
			c := exec.Command("rpm", "--define", "_dbpath "+dir, "--define", "_db_backend "+backend, "-qa", "--nosignature", "--nodigest", "--qf", `%|RSAHEADER?{%{NAME} %{RSAHEADER:pgpsig}\n}:{}|`)
			c.Env = append(os.Environ(), "LC_ALL=en_US.UTF-8", "TZ=UTC")
			sameLines(t, "rpm", normalTimes(got), normalTimes(lines(fixtures.RunCmd(t, c))))
		})
	}
	if signatures < 300 {
		t.Errorf("only %d signatures were compared", signatures)
	}
}

// TestBadDigest flips each byte of a real header's region, one after the other.
func TestBadDigest(t *testing.T) {
	var blob []byte
	for _, path := range sampleDatabases(t) {
		if !strings.Contains(path, "mariner") {
			continue
		}
		data, err := os.ReadFile(path)
		check(t, err)
		err = rpmdb.Headers(context.Background(), bytes.NewReader(data), nil, func(h *rpmdb.Header) error {
			if blob == nil {
				blob = h.Region[0]
				if h.Find(273) == nil || badDigest(h) != "" {
					t.Errorf("%s has no digest, or a bad one", h.Name())
				}
				h.Region[1] = slices.Clone(h.Region[1])
				for i := range h.Region[1] {
					h.Region[1][i] ^= 1
					if badDigest(h) != "sha256header" {
						t.Fatalf("byte %d does not count", i)
					}
					h.Region[1][i] ^= 1
				}
			}
			return nil
		})
		check(t, err)
	}
	if blob == nil {
		t.Fatal("no header")
	}
}

// normalTimes makes one form of a time of the two that rpm's locales print.
func normalTimes(list []string) []string {
	for i, line := range list {
		f := strings.Split(line, ", ")
		for _, layout := range []string{"Mon 02 Jan 2006 03:04:05 PM MST", "Mon Jan _2 15:04:05 2006"} {
			if at, err := time.Parse(layout, f[1]); err == nil {
				f[1] = at.UTC().Format(time.DateTime)
				break
			}
		}
		list[i] = strings.Join(f, ", ")
	}
	return slices.Compact(list)
}
