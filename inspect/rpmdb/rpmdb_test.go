package rpmdb_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/rpmdb"
	"github.com/assay-os/assay/inspect/rpmdb/rpmdbtest"
)

// headers reads all headers' lines: the full name and the number of tags.
func headers(t *testing.T, db []byte) []string {
	t.Helper()
	var list []string
	err := rpmdb.Headers(context.Background(), bytes.NewReader(db), nil, func(h *rpmdb.Header) error {
		list = append(list, h.NEVRA())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func sample(name string) []byte {
	return rpmdbtest.Header([]rpmdbtest.Tag{
		rpmdbtest.T(100, []string{"C"}), rpmdbtest.T(1000, name), rpmdbtest.T(1001, "1.5"), rpmdbtest.T(1002, "2"), rpmdbtest.T(1003, []uint32{4}), rpmdbtest.T(1022, "noarch"), rpmdbtest.T(1023, "echo hello"),
		rpmdbtest.T(1030, []uint16{0o100644, 0o100755, 0o100644}),
		rpmdbtest.T(1116, []uint32{0, 1, 0}), rpmdbtest.T(1117, []string{"a", "b", "gone"}), rpmdbtest.T(1118, []string{"/usr/", "/etc/"}), rpmdbtest.T(9999, []byte{1, 2, 3}),
		rpmdbtest.T(5062, strings.Repeat("long ", 2000)),
	}, []rpmdbtest.Tag{rpmdbtest.T(1008, []uint32{1700000000}), rpmdbtest.T(1029, rpmdbtest.Chars{0, 3, 1}), rpmdbtest.T(1128, []uint32{1700000000})})
}

func TestForms(t *testing.T) {
	for form, db := range map[string][]byte{
		"ndb":            rpmdbtest.NDB(sample("one"), sample("two")),
		"bdb":            rpmdbtest.BDB(binary.LittleEndian, sample("one"), sample("two")),
		"bdb big-endian": rpmdbtest.BDB(binary.BigEndian, sample("one"), sample("two")),
	} {
		if got, want := headers(t, db), []string{"one-4:1.5-2.noarch", "two-4:1.5-2.noarch"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", form, got, want)
		}
	}
}

func TestHeader(t *testing.T) {
	h, err := rpmdb.Parse(sample("one"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := h.Files()
	if err != nil || !slices.Equal(files, []string{"/usr/a", "/etc/b"}) {
		t.Errorf("%q, %v", files, err)
	}
	if x := h.Find(9999); x == nil || !bytes.Equal(x.Data, []byte{1, 2, 3}) || !x.Immutable || rpmdb.TagName(x.ID) != "9999" {
		t.Errorf("an unknown tag is %+v", x)
	}
	if x := h.Find(1008); x == nil || x.Immutable || x.Numbers()[0] != 1700000000 || rpmdb.TagName(1008) != "INSTALLTIME" {
		t.Errorf("the time of installation is %+v", x)
	}
	if h.RegionTag != 63 || len(h.Tags) != 16 {
		t.Errorf("region %d, %d tags", h.RegionTag, len(h.Tags))
	}
}

// TestOldKey is a header without a region or architecture, as public keys have.
func TestOldKey(t *testing.T) {
	h, err := rpmdb.Parse(rpmdbtest.Header(nil, []rpmdbtest.Tag{rpmdbtest.T(1000, "gpg-pubkey"), rpmdbtest.T(1001, "a"), rpmdbtest.T(1002, "b"), rpmdbtest.T(1027, []string{"/x"})}))
	if err != nil {
		t.Fatal(err)
	}
	if files, err := h.Files(); h.NEVRA() != "gpg-pubkey-a-b" || h.RegionTag != 0 || err != nil || !slices.Equal(files, []string{"/x"}) {
		t.Errorf("%s %+v %q %v", h.NEVRA(), h, files, err)
	}
}

func TestMalformedHeaders(t *testing.T) {
	good := sample("one")
	patch := func(at int, value uint32) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint32(b[at:], value)
		return b
	}
	for what, blob := range map[string][]byte{
		"empty":                  nil,
		"cut":                    good[:len(good)-1],
		"longer":                 append(bytes.Clone(good), 0),
		"no tags":                patch(0, 0),
		"too many tags":          patch(0, 1<<31),
		"too much data":          patch(4, 1<<31),
		"region without trailer": patch(16, 1<<30),
		"type":                   patch(8+16+4, 10),
		"offset":                 patch(8+16+8, 1<<31),
		"count":                  patch(8+16+12, 1<<31),
		"count of numbers":       patch(8+5*16+12, 0xffffffff),
		"no values":              patch(8+16+12, 0),
		"alignment":              patch(8+5*16+8, 1),
		"outside of region":      patch(8+16+8, uint32(len(good)-8-17*16-4)),
	} {
		if h, err := rpmdb.Parse(blob); !errors.Is(err, rpmdb.ErrMalformed) {
			t.Errorf("%s: %+v, %v", what, h, err)
		}
	}
}

// TestOverlap has many tags over one long list: a walk over each would take hours.
func TestOverlap(t *testing.T) {
	var tags []rpmdbtest.Tag
	for range 60000 {
		tags = append(tags, rpmdbtest.T(1000, ""))
	}
	blob := rpmdbtest.Header(nil, append(tags, rpmdbtest.T(1117, make([]string, 1<<20))))
	for i := range 60000 {
		binary.BigEndian.PutUint32(blob[8+16*i+4:], 8)
		binary.BigEndian.PutUint32(blob[8+16*i+12:], 1<<20)
	}
	if _, err := rpmdb.Parse(blob); !errors.Is(err, rpmdb.ErrMalformed) {
		t.Error(err)
	}
}

// TestMalformedDatabases flips and cuts: nothing may panic, hang, or become a
// shorter list without an error that does not say so.
func TestMalformedDatabases(t *testing.T) {
	for form, db := range map[string][]byte{
		"ndb": rpmdbtest.NDB(sample("one"), sample("two")),
		"bdb": rpmdbtest.BDB(binary.LittleEndian, sample("one"), sample("two")),
	} {
		for n := range len(db) / 16 {
			if _, err := count(db[:16*n]); err == nil {
				t.Errorf("%s: cut to %d bytes without an error", form, 16*n)
			}
			for _, bit := range []byte{1, 0x80} {
				flipped := bytes.Clone(db)
				flipped[16*n+n%16] ^= bit
				_, _ = count(flipped)
			}
		}
	}
}

func count(db []byte) (n int, err error) {
	err = rpmdb.Headers(context.Background(), bytes.NewReader(db), nil, func(h *rpmdb.Header) error {
		n++
		_, err := h.Files()
		return err
	})
	return n, err
}

// samples are the real databases that the tests of another reader come with.
func samples(t *testing.T) []string {
	t.Helper()
	fixtures.RequireTool(t, "go")
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/knqyf263/go-rpmdb").Output()
	if err != nil {
		t.Fatal(err)
	}
	list, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "pkg/testdata/*/*"))
	if err != nil || len(list) < 10 {
		t.Fatalf("%d databases, %v", len(list), err)
	}
	return list
}

// TestAgainstRPM reads real databases of four distributions, both byte orders, from rpm 4.4 on,
// and compares with rpm, which reads Berkeley DB's form and sqlite's.
func TestAgainstRPM(t *testing.T) {
	fixtures.RequireTool(t, "rpm")
	for _, path := range samples(t) {
		name := filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)
		quick := strings.Contains(name, "centos5") || strings.Contains(name, "libuuid") || strings.Contains(name, "s390x") || strings.Contains(name, "mariner")
		if filepath.Base(path) == rpmdb.NDBName {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if !quick {
				fixtures.RequireFull(t)
			}
			t.Parallel()
			againstRPM(t, path)
		})
	}
}

func againstRPM(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir, backend := t.TempDir(), map[string]string{rpmdb.SQLiteName: "sqlite", rpmdb.BDBName: "bdb_ro"}[filepath.Base(path)]
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), data, 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	err = rpmdb.Headers(context.Background(), bytes.NewReader(data), nil, func(h *rpmdb.Header) error {
		files, err := h.Files()
		for _, f := range append([]string{h.NEVRA()}, files...) {
			got = append(got, h.Name()+" "+f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// rpm prints file states by name; an epoch of 0 is in NEVRA there.
	format := `%{NAME} %{NAME}-%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}%|ARCH?{.%{ARCH}}:{}|\n[%{=NAME} %{FILENAMES}\t%{FILESTATES:fstate}\n]`
	c := exec.Command("rpm", "--define", "_dbpath "+dir, "--define", "_db_backend "+backend, "-qa", "--nosignature", "--nodigest", "--qf", format)
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := wanted(string(out))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d lines, rpm gives %d; first that differ: %q", len(got), len(want), firstDifferent(got, want))
	}
}

// wanted is what of rpm's lines counts, sorted.
func wanted(out string) []string {
	var list []string
	for line := range strings.Lines(out) {
		line, state, isFile := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if isFile && state != "normal" && state != "net shared" {
			continue
		}
		list = append(list, strings.Replace(line, "-0:", "-", 1))
	}
	slices.Sort(list)
	return list
}

func firstDifferent(a, b []string) [2]string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return [2]string{a[i], b[i]}
		}
	}
	return [2]string{}
}

// TestMadeBDB holds the maker of tests to rpm.
func TestMadeBDB(t *testing.T) {
	fixtures.RequireTool(t, "rpm")
	path := filepath.Join(t.TempDir(), rpmdb.BDBName)
	if err := os.WriteFile(path, rpmdbtest.BDB(binary.LittleEndian, sample("one"), sample("two")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("rpm", "--define", "_dbpath "+filepath.Dir(path), "--define", "_db_backend bdb_ro", "-qa", "--nosignature", "--nodigest",
		"--qf", "%{NEVRA}\n").Output()
	if got := strings.Fields(string(out)); err != nil || !slices.Equal(got, []string{"one-4:1.5-2.noarch", "two-4:1.5-2.noarch"}) {
		t.Errorf("rpm reads %q, %v", got, err)
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(sample("one"))
	f.Add(rpmdbtest.Header(nil, []rpmdbtest.Tag{rpmdbtest.T(1000, "a"), rpmdbtest.T(1003, []uint32{1})}))
	f.Fuzz(func(_ *testing.T, blob []byte) {
		h, err := rpmdb.Parse(blob)
		if err != nil {
			return
		}
		h.NEVRA()
		_, _ = h.Files()
		for i := range h.Tags {
			h.Tags[i].Strings()
			h.Tags[i].Numbers()
		}
	})
}

func FuzzNDB(f *testing.F) {
	f.Add(rpmdbtest.NDB(sample("one"), sample("two")))
	f.Fuzz(func(_ *testing.T, db []byte) { _, _ = count(append([]byte("RpmP"), db...)); _, _ = count(db) })
}

func FuzzBDB(f *testing.F) {
	f.Add(rpmdbtest.BDB(binary.LittleEndian, sample("one"), sample("two")))
	f.Add(rpmdbtest.BDB(binary.BigEndian, sample("one")))
	f.Fuzz(func(_ *testing.T, db []byte) { _, _ = count(db) })
}
