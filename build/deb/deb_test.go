package deb_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/deb"
	"github.com/assay-os/assay/fixtures"
)

func open(t testing.TB, data []byte) (*deb.Package, error) {
	t.Helper()
	return deb.Open(bytes.NewReader(data), int64(len(data)))
}

func TestOpenReadsControl(t *testing.T) {
	p, err := open(t, fixtures.Deb{Control: `Package: web
Version: 1:2.0-3
Architecture: amd64
Essential: yes
Pre-Depends: libc6 (>= 2.34), dpkg:any
Depends: a | b (<< 3) [amd64],
 c
Provides: httpd, httpd-cgi (= 1)
Replaces: old-web (<< 1)
Description: ignored
 Depends: no-field
`}.Bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	want := deb.Control{
		Name: "web", Version: "1:2.0-3", Architecture: "amd64", Essential: true,
		PreDepends: []deb.Alternatives{{"libc6"}, {"dpkg"}},
		Depends:    []deb.Alternatives{{"a", "b"}, {"c"}},
		Provides:   []string{"httpd", "httpd-cgi"},
		Replaces:   []deb.Alternatives{{"old-web"}},
	}
	if !reflect.DeepEqual(p.Control, want) {
		t.Errorf("got  %+v\nwant %+v", p.Control, want)
	}
}

func TestOpenRefuses(t *testing.T) {
	whole := fixtures.Deb{}.Bytes(t)
	changed := func(old, new string) []byte { return bytes.Replace(whole, []byte(old), []byte(new), 1) }
	tests := map[string]struct {
		data []byte
		want string
	}{
		"nothing":             {nil, "no ar archive"},
		"no archive":          {[]byte("hello, this is no package"), "no ar archive"},
		"only the magic":      {whole[:8], "no Debian package"},
		"cut in a header":     {whole[:100], "is cut off"},
		"cut in a member":     {whole[:len(whole)-20], "is cut off"},
		"another version":     {changed("2.0\n", "3.0\n"), `format version "3.0"`},
		"unknown member":      {changed("data.tar.gz", "what.tar.gz"), `unknown member "what.tar.gz"`},
		"unknown compression": {changed("control.tar.gz", "control.tar.7z"), `compression ".7z" is not known`},
		"broken size":         {changed("4         `", "-4        `"), "broken size"},
		"huge size":           {changed("4         `", "9999999999`"), "is cut off"},
		"no gzip":             {changed("\x1f\x8b", "\x00\x00"), "read control.tar.gz"},
		"no control file":     {fixtures.Deb{Control: "\n"}.Bytes(t), `package name ""`},
		"name that climbs":    {fixtures.Deb{Control: "Package: ../x\nVersion: 1\nArchitecture: all\n"}.Bytes(t), `package name "../x"`},
		"version that climbs": {fixtures.Deb{Control: "Package: ax\nVersion: 1/../..\nArchitecture: all\n"}.Bytes(t), `version "1/../.."`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := open(t, tt.data); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want …%s…", err, tt.want)
			}
		})
	}
}

// TestFilesReadsWhatDpkgDebMakes packs with every compression that dpkg-deb
// has and reads it back.
func TestFilesReadsWhatDpkgDebMakes(t *testing.T) {
	fixtures.RequireTool(t, "dpkg-deb")
	source := t.TempDir()
	big := strings.Repeat("0123456789abcdef", 1<<16)
	for name, content := range map[string]string{
		"DEBIAN/control": "Package: packed\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: test\n", "usr/share/big": big,
	} {
		path := filepath.Join(source, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, compression := range []string{"none", "gzip", "xz", "zstd"} {
		t.Run(compression, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "x.deb")
			if msg, err := exec.Command("dpkg-deb", "-Z"+compression, "--build", source, out).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, msg)
			}
			want, err := exec.Command("dpkg-deb", "--fsys-tarfile", out).Output()
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			p, err := open(t, data)
			if err != nil {
				t.Fatal(err)
			}
			if got := readFiles(t, p); !bytes.Equal(got, want) {
				t.Errorf("%d bytes, dpkg-deb has %d", len(got), len(want))
			}
			checkCutOff(t, data)
		})
	}
}

func readFiles(t *testing.T, p *deb.Package) []byte {
	t.Helper()
	r, err := p.Files()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// checkCutOff makes the last member shorter by a few bytes: half of a package
// must never pass for a whole one.
func checkCutOff(t *testing.T, data []byte) {
	t.Helper()
	i := bytes.LastIndex(data, []byte("data.tar"))
	start := i + 60
	short := bytes.Clone(data[:len(data)-len(data)%2-24])
	copy(short[i+48:i+58], []byte("          "))
	copy(short[i+48:], strconv.Itoa(len(short)-start))
	p, err := open(t, short)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.HasPrefix(data[i:], []byte("data.tar ")) {
		return // a tar without compression ends in zeros that nobody misses
	}
	r, err := p.Files()
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err == nil {
		t.Error("a package that is cut off was read without an error")
	}
}

func TestCompareVersionsIsDpkgs(t *testing.T) {
	fixtures.RequireTool(t, "dpkg")
	versions := []string{
		"1", "1.0", "1.0-1", "1.0~rc1-1", "1.0+b1", "1.0-1+deb12u1", "1:0.1", "0:1.0", "10", "9", "1.09", "1.9", "1.a", "1.",
		"6.1.0-56-cloud-amd64", "6.1.0-9-cloud-amd64", "6.1.0-9-amd64", "1.0-1~", "1.0-1~~", "a", "~", "2.36-9+deb12u14",
	}
	for _, a := range versions {
		for _, b := range versions {
			got := deb.CompareVersions(a, b)
			for op, want := range map[string]bool{"lt": got < 0, "eq": got == 0, "gt": got > 0} {
				err := exec.Command("dpkg", "--force-bad-version", "--compare-versions", a, op, b).Run()
				if (err == nil) != want {
					t.Errorf("%s %s %s: dpkg says %v, we %d", a, op, b, err == nil, got)
				}
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(fixtures.Deb{Files: []fixtures.DebFile{{Name: "./usr/"}, {Name: "./usr/x", Content: "x"}}}.Bytes(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := deb.Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		r, err := p.Files()
		if err != nil {
			return
		}
		defer r.Close()
		if _, err := io.Copy(io.Discard, io.LimitReader(r, 1<<20)); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
