package settings

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
)

// TestDropinsOracle asks systemd-analyze which files of each kind count in a
// real tree, and in which order.
func TestDropinsOracle(t *testing.T) {
	fixtures.RequireTool(t, "systemd-analyze")
	root := plant(t, map[string]string{
		"/etc/sysctl.d/50-a.conf": "a=1\n", "/usr/lib/sysctl.d/50-a.conf": "a=2\n", "/usr/lib/sysctl.d/10-b.conf": "b=1\n", "/usr/local/lib/sysctl.d/30-c.conf": "c=1\n",
		"/run/sysctl.d/30-c.conf": "c=2\n", "/usr/lib/tmpfiles.d/x.conf": "d /x\n", "/usr/lib/tmpfiles.d/y.conf": "d /y\n", "/etc/tmpfiles.d/y.conf": "",
		"/usr/lib/sysusers.d/x.conf": "u x\n", "/etc/modules-load.d/m.conf": "loop\n",
	})
	for _, root := range []string{root, fixtures.DebianTree(t)} {
		on := treetest.Open(t, root)
		for _, kind := range []string{"sysctl.d", "tmpfiles.d", "sysusers.d", "modules-load.d"} {
			files, err := section.Dropins(on, "*.conf", vendorDirs(kind)...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range files {
				got = append(got, f.Path)
			}
			if want := catConfig(t, root, kind); !slices.Equal(got, want) {
				t.Errorf("%s: got %v\nsystemd-analyze says %v", kind, got, want)
			}
		}
	}
}

// catConfig are the files that systemd-analyze shows, each behind "# ".
func catConfig(t *testing.T, root, kind string) []string {
	t.Helper()
	cmd := exec.Command("systemd-analyze", "--root="+root, "--no-pager", "cat-config", kind)
	cmd.Env = append(os.Environ(), "SYSTEMD_COLORS=0")
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(string(out), "not found") {
		t.Fatalf("%s: %v: %s", kind, err, out)
	}
	var list []string
	for line := range strings.Lines(string(out)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "# "+root); ok && strings.HasSuffix(path, ".conf") {
			list = append(list, path)
		}
	}
	return list
}

// TestLdSoConfOracle asks ldconfig for the directories of a real tree.
func TestLdSoConfOracle(t *testing.T) {
	fixtures.RequireTool(t, "ldconfig")
	root := fixtures.DebianTree(t)
	r := sectiontest.Fill(t, Sections(), treetest.Open(t, root))
	out, err := exec.Command("ldconfig", "-N", "-X", "-v", "-r", root).Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.LdSoConf) == 0 {
		t.Fatal("no directory found")
	}
	looked := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if dir, _, ok := strings.Cut(line, ": (from "); ok {
			if real, err := filepath.EvalSymlinks(filepath.Join(root, dir)); err == nil {
				looked[real] = true
			}
		}
	}
	for _, d := range r.LdSoConf {
		// One that is not there ldconfig leaves out, and of two names of one it shows one.
		if real, err := filepath.EvalSymlinks(filepath.Join(root, d.Key)); err == nil && !looked[real] {
			t.Errorf("ldconfig does not look into %s:\n%.500s", d.Key, out)
		}
	}
}

// TestCertificatesOracle asks openssl for a certificate's facts.
func TestCertificatesOracle(t *testing.T) {
	fixtures.RequireTool(t, "openssl")
	dir := t.TempDir()
	fixtures.Run(t, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", filepath.Join(dir, "key"), "-out", filepath.Join(dir, "pem"),
		"-subj", "/C=DE/O=assay/CN=test", "-days", "30")
	fixtures.Run(t, "openssl", "x509", "-in", filepath.Join(dir, "pem"), "-outform", "DER", "-out", filepath.Join(dir, "der"))
	fixtures.Run(t, "openssl", "x509", "-in", filepath.Join(dir, "pem"), "-trustout", "-addtrust", "serverAuth", "-out", filepath.Join(dir, "trusted"))
	want := strings.ToLower(strings.ReplaceAll(fixtures.Run(t, "openssl", "x509", "-in", filepath.Join(dir, "pem"), "-noout", "-fingerprint", "-sha256"), ":", ""))
	files := map[string]string{}
	for name, form := range map[string]string{"/etc/ssl/certs/ca-certificates.crt": "pem", "/etc/pki/ca-trust/source/anchors/x": "der", "/etc/ssl/cert.pem": "trusted"} {
		data, err := os.ReadFile(filepath.Join(dir, form))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(data)
	}
	r := sectiontest.Report(t, Sections(), files)
	if len(r.CACertificates) != 1 {
		t.Fatalf("%+v", r.CACertificates)
	}
	c := r.CACertificates[0]
	if !strings.Contains(want, c.Fingerprint) || len(c.Fingerprint) != hex.EncodedLen(32) || c.Subject != "CN=test,O=assay,C=DE" || len(c.Sources) != 3 || c.Problem != "" {
		t.Errorf("%+v; openssl says %s", c, want)
	}
}

// plant writes files below a new directory.
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
