package canonical_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/canonical"
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
	same(t, "times, level", "/x.jar", base, pack("-0", "META-INF/MANIFEST.MF", "A.class"))
	differ(t, "the manifest does not come first", "/x.jar", base, pack("A.class", "META-INF/MANIFEST.MF"))
	write(t, dir, map[string]string{"B.class": "other"})
	same(t, "order", "/x.jar", pack("A.class", "B.class"), pack("B.class", "A.class"))
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

// TestZipStream: who reads the members one after the other must find what the
// directory tells.
func TestZipStream(t *testing.T) {
	pack := func(add func(w *zip.Writer)) []byte {
		t.Helper()
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		add(w)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	member := func(w *zip.Writer, h zip.FileHeader) {
		t.Helper()
		if f, err := w.CreateHeader(&h); err != nil {
			t.Fatal(err)
		} else if _, err := f.Write([]byte("content")); err != nil {
			t.Fatal(err)
		}
	}
	one := func(h zip.FileHeader) []byte { return pack(func(w *zip.Writer) { member(w, h) }) }
	plain := one(zip.FileHeader{Name: "setup.py"})
	apply(t, "/x.whl", plain)
	differ(t, "owner in an extra field", "/x.whl", plain, one(zip.FileHeader{Name: "setup.py", Extra: []byte("ux\x0b\x00\x01\x04\x01\x00\x00\x00\x04\x01\x00\x00\x00")}))
	differ(t, "how a name is to be read", "/x.whl", one(zip.FileHeader{Name: "\u00e9"}), one(zip.FileHeader{Name: "\u00e9", NonUTF8: true}))

	renamed := bytes.Replace(plain, []byte("setup.py"), []byte("Setup.py"), 1)
	end := bytes.Index(plain, []byte("PK\x01\x02"))
	gap := slices.Concat(plain[:end], []byte("hidden"), plain[end:])
	tail := len(gap) - 22
	binary.LittleEndian.PutUint32(gap[tail+16:], uint32(end+6))
	for what, data := range map[string][]byte{
		"another name in the member's header": renamed,
		"bytes before the directory":          gap,
		"a name twice": pack(func(w *zip.Writer) {
			member(w, zip.FileHeader{Name: "a"})
			member(w, zip.FileHeader{Name: "a"})
		}),
	} {
		if _, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err != nil {
			t.Errorf("%s: the directory is not sound, the test proves nothing: %v", what, err)
		}
		if c, err := try("/x.whl", data, nil); c != nil || !errors.Is(err, canonical.ErrMalformed) {
			t.Errorf("%s: %v, %v; want ErrMalformed", what, c, err)
		}
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
	differ(t, "a byte of zero inside of a field", path, []byte("Package: a\nversion: 1\x00w: 2\n"), []byte("Package: a\nVersion: 1\nW: 2\n"))
	differ(t, "a line of blanks is no end", path, []byte(a+b), []byte(strings.ReplaceAll(a+b, "\n\n", "\n \n")))
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
	swapped := bytes.Clone(base)
	copy(swapped[48:], base[48+24:48+48])
	copy(swapped[48+24:], base[48:48+24])
	differ(t, "an order in which the linker finds nothing", path, base, swapped)
	foreign := bytes.Clone(base)
	foreign[28] = 1
	differ(t, "a byte order that is none", path, base, foreign)
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
