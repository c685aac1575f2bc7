package canonical_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/assay-os/assay/inspect/canonical"
	"github.com/assay-os/assay/report"
)

// apply gives the form of data as a file of that path.
func apply(t *testing.T, path string, data []byte) *report.Canonical {
	t.Helper()
	c, err := try(path, data, nil)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if c == nil {
		t.Fatalf("%s: no rule matches", path)
	}
	return c
}

func try(path string, data []byte, lookup func(string) *report.Entry) (*report.Canonical, error) {
	c, _, err := canonical.Apply(context.Background(), canonical.Input{
		Entry:   &report.Entry{Path: report.Raw(path), Type: report.File, Size: int64(len(data))},
		Content: bytes.NewReader(data), Lookup: lookup,
	})
	return c, err
}

// same and differ are the two halves of a rule's test: noise, and the near-miss.
func same(t *testing.T, what, path string, a, b []byte) {
	t.Helper()
	if bytes.Equal(a, b) {
		t.Errorf("%s: the contents are equal bytes, the test proves nothing", what)
	}
	if x, y := apply(t, path, a), apply(t, path, b); x.Digest != y.Digest || x.Rule != y.Rule {
		t.Errorf("%s: digests differ\n%+v\n%+v", what, x, y)
	}
}

func differ(t *testing.T, what, path string, a, b []byte) {
	t.Helper()
	if x, y := apply(t, path, a), apply(t, path, b); x.Digest == y.Digest {
		t.Errorf("%s: equal digests of rule %s", what, x.Rule)
	}
}

// run runs a program in dir and gives its output.
func run(t *testing.T, dir string, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir, c.Stdin = dir, bytes.NewReader(stdin)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, errs.Bytes())
	}
	return out.Bytes()
}

// write makes files from a map of names to contents.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAll(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range canonical.All() {
		if r.Name == "" || r.Version < 1 || r.Reason == "" || r.Source == "" {
			t.Errorf("rule %+v is not described", r.Rule)
		}
		if seen[r.Name] {
			t.Errorf("two rules are named %s", r.Name)
		}
		seen[r.Name] = true
	}
}

func TestNoRule(t *testing.T) {
	for _, data := range []string{"", "x", "plain text\n", "BZ", "PK"} {
		if c, err := try("/etc/motd", []byte(data), nil); c != nil || err != nil {
			t.Errorf("%q: %v, %v", data, c, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	for path, data := range map[string]string{
		"/a.gz":              "\x1f\x8b\x08not gzip at all",
		"/a.xz":              "\xfd7zXZ\x00not xz at all.......",
		"/a.zst":             "\x28\xb5\x2f\xfd\xff\xff",
		"/a.bz2":             "BZh9 no",
		"/a.zip":             "PK\x03\x04 and no directory",
		"/a.a":               "!<arch>\nshort",
		"/a.cpio":            "070701 and no more",
		"/boot/initrd.img-6": "\x1f\x8b\x08\x00",
		"/etc/ld.so.cache":   "glibc-ld.so.cache1.1",
		"/x.pyc":             "\xa7\x0d\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00c",
	} {
		if c, err := try(path, []byte(data), nil); c != nil || !errors.Is(err, canonical.ErrMalformed) {
			t.Errorf("%s: %v, %v; want ErrMalformed", path, c, err)
		}
	}
}

func TestPartsAreStable(t *testing.T) {
	data := cpioOf(t, map[string]string{"a": "1", "b": "2"})
	if x, y := apply(t, "/i.cpio", data), apply(t, "/i.cpio", data); !reflect.DeepEqual(x, y) {
		t.Errorf("%+v\n%+v", x, y)
	}
}

func FuzzApply(f *testing.F) {
	for _, seed := range []string{
		"\x1f\x8b\x08\x00", "\xfd7zXZ\x00\x00\x04", "\x28\xb5\x2f\xfd\x04", "BZh9", "PK\x05\x06", "!<arch>\n",
		"070701", "glibc-ld.so.cache1.1", "Package: a\n", "\xa7\x0d\r\n\x00\x00\x00\x00abcdefghc",
	} {
		f.Add("/etc/ld.so.cache", []byte(seed))
		f.Add("/var/lib/dpkg/status", []byte(seed))
		f.Add("/initrd.img", []byte(seed))
		f.Add("/x.pyc", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		a, errA := try(path, data, nil)
		b, errB := try(path, data, nil)
		if !reflect.DeepEqual(a, b) || (errA == nil) != (errB == nil) {
			t.Errorf("%q: two runs differ: %v %v, %v %v", path, a, errA, b, errB)
		}
	})
}
