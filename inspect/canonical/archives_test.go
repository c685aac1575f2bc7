package canonical_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
)

func TestAr(t *testing.T) {
	fixtures.RequireTool(t, "ar")
	dir := t.TempDir()
	write(t, dir, map[string]string{"debian-binary": "2.0\n", "control": "odd", "data": "even"})
	pack := func(names ...string) []byte {
		t.Helper()
		os.Remove(filepath.Join(dir, "x.a"))
		run(t, dir, nil, "ar", append([]string{"rcU", "x.a"}, names...)...)
		data, err := os.ReadFile(filepath.Join(dir, "x.a"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	base := pack("debian-binary", "control", "data")
	for _, name := range []string{"control", "data"} {
		if err := os.Chtimes(filepath.Join(dir, name), time.Unix(77, 0), time.Unix(77, 0)); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "times", "/x.deb", base, pack("debian-binary", "control", "data"))
	differ(t, "order", "/x.deb", base, pack("debian-binary", "data", "control"))
	differ(t, "a member less", "/x.deb", base, pack("debian-binary", "control"))
	write(t, dir, map[string]string{"control": "Odd"})
	differ(t, "content", "/x.deb", base, pack("debian-binary", "control", "data"))
}

func TestZip(t *testing.T) {
	fixtures.RequireTool(t, "zip")
	dir := t.TempDir()
	write(t, dir, map[string]string{"META-INF/MANIFEST.MF": "Main-Class: A\n", "A.class": "code code code code"})
	pack := func(args ...string) []byte {
		t.Helper()
		os.Remove(filepath.Join(dir, "x.jar"))
		run(t, dir, nil, "zip", append([]string{"-q", "x.jar"}, args...)...)
		data, err := os.ReadFile(filepath.Join(dir, "x.jar"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	base := pack("META-INF/MANIFEST.MF", "A.class")
	if err := os.Chtimes(filepath.Join(dir, "A.class"), time.Unix(1e9, 0), time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	same(t, "times, order, level", "/x.jar", base, pack("-0", "A.class", "META-INF/MANIFEST.MF"))
	if err := os.Chmod(filepath.Join(dir, "A.class"), 0o755); err != nil {
		t.Fatal(err)
	}
	differ(t, "mode", "/x.jar", base, pack("META-INF/MANIFEST.MF", "A.class"))
	if err := os.Chmod(filepath.Join(dir, "A.class"), 0o644); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"A.class": "code code Code code"})
	differ(t, "content", "/x.jar", base, pack("META-INF/MANIFEST.MF", "A.class"))
	damaged := bytes.Replace(pack("-0", "A.class"), []byte("Code"), []byte("code"), 1)
	if _, err := try("/x.jar", damaged, nil); err == nil {
		t.Error("a wrong checksum went unnoticed")
	}
}

func TestDpkgStatus(t *testing.T) {
	const path = "/var/lib/dpkg/status"
	a := "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nDescription: x\n more\n .\n\n"
	b := "Package: b\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n\n"
	same(t, "order of stanzas", path, []byte(a+b), []byte(b+a))
	same(t, "order of fields", path, []byte(a+b), []byte("Package: a\nVersion: 1\nDescription: x\n more\n .\nStatus: install ok installed\nArchitecture: all\n\n"+b))
	for what, other := range map[string]string{
		"version":      "Package: b\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3\n\n",
		"state":        "Package: b\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 2\n\n",
		"nothing":      "",
		"a field more": "Package: b\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\nDepends: a\n\n",
	} {
		differ(t, what, path, []byte(a+b), []byte(a+other))
	}
	differ(t, "a field's text moves to another line", path, []byte(a+b), []byte("Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nDescription: x more\n .\n\n"+b))
	if c, err := try("/srv/status", []byte(a), nil); c != nil || err != nil {
		t.Errorf("another file of that name: %v, %v", c, err)
	}
}

// library is a library of the C library on this machine.
func library(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"/lib/*-linux-gnu*/", "/lib64/", "/lib/"} {
		if found, err := filepath.Glob(dir + name); err == nil && len(found) > 0 {
			return found[0]
		}
	}
	t.Fatalf("%s: not found in the directories of libraries", name)
	return ""
}

// TestLdCache has ldconfig make caches of the same libraries.
func TestLdCache(t *testing.T) {
	fixtures.RequireTool(t, "ldconfig")
	cache := func(format string, libs ...string) []byte {
		t.Helper()
		root := t.TempDir()
		write(t, root, map[string]string{"etc/ld.so.conf": "/lib\n"})
		for _, l := range libs {
			if err := os.MkdirAll(filepath.Join(root, "lib"), 0o755); err != nil {
				t.Fatal(err)
			}
			run(t, root, nil, "cp", "-L", library(t, l), "lib/"+l)
		}
		run(t, root, nil, "ldconfig", "-r", root, "-c", format)
		data, err := os.ReadFile(filepath.Join(root, "etc/ld.so.cache"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	const path = "/etc/ld.so.cache"
	base := cache("new", "libm.so.6", "libdl.so.2")
	differ(t, "a library less", path, base, cache("new", "libm.so.6"))
	differ(t, "another library", path, base, cache("new", "libm.so.6", "librt.so.1"))
	generator := bytes.Replace(base, []byte("ldconfig ("), []byte("Ldconfig ("), 1)
	same(t, "which ldconfig wrote it", path, base, generator)
	if n := len(apply(t, path, base).Parts); n != 2 {
		t.Errorf("%d parts, want the 2 libraries", n)
	}
	for i := range base {
		bad := bytes.Clone(base)
		bad[i] ^= 0x80
		try(path, bad, nil) // no panic
	}
}
