package boot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/boot/pe"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

const stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"

// esp makes an EFI partition's tree of systemd-boot, a unified image with two signatures, and an image
// whose signature is of other content.
func esp(t *testing.T) string {
	t.Helper()
	fixtures.RequireTool(t, "objcopy", "sbsign", "openssl", stub)
	root := t.TempDir()
	dir := filepath.Join(root, "efi/EFI/Linux")
	check(t, os.MkdirAll(dir, 0o755))
	at := func(name string) string { return filepath.Join(t.TempDir(), name) }
	texts := map[string]string{
		".osrel": "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n", ".cmdline": "root=LABEL=x ro quiet\n\x00", ".uname": "6.1.0-1",
		".linux": strings.Repeat("kernel", 1000), ".initrd": strings.Repeat("initrd", 999),
	}
	argv := []string{}
	for i, name := range []string{".osrel", ".cmdline", ".uname", ".linux", ".initrd"} {
		file := at(name)
		check(t, os.WriteFile(file, []byte(texts[name]), 0o644))
		argv = append(argv, "--add-section", name+"="+file, "--change-section-vma", name+"="+[]string{"0x20000", "0x30000", "0x31000", "0x2000000", "0x3000000"}[i])
	}
	plain, once, twice := filepath.Join(dir, "plain.efi"), filepath.Join(dir, "once.efi"), filepath.Join(dir, "twice.efi")
	fixtures.Run(t, append(append([]string{"objcopy"}, argv...), stub, plain)...)
	from := plain
	for i, to := range []string{once, twice} {
		key, cert := at("key"), at("cert")
		fixtures.Run(t, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "3650", "-subj", []string{"/CN=One/O=Test", "/CN=Two"}[i])
		fixtures.Run(t, "sbsign", "--key", key, "--cert", cert, "--output", to, from)
		from = to
	}
	data, err := os.ReadFile(once)
	check(t, err)
	data = bytes.Replace(data, []byte("kernelkernel"), []byte("kernelKernel"), 1)
	check(t, os.WriteFile(filepath.Join(dir, "bent.efi"), data, 0o644))
	check(t, os.WriteFile(filepath.Join(dir, "text.efi"), []byte("no program"), 0o644))
	check(t, os.MkdirAll(filepath.Join(root, "efi/EFI/systemd"), 0o755))
	boot, err := os.ReadFile("/usr/lib/systemd/boot/efi/systemd-bootx64.efi")
	check(t, err)
	check(t, os.WriteFile(filepath.Join(root, "efi/EFI/systemd/systemd-bootx64.efi"), boot, 0o644))
	check(t, os.MkdirAll(filepath.Join(root, "efi/loader"), 0o755))
	check(t, os.WriteFile(filepath.Join(root, "efi/loader/loader.conf"), []byte("timeout 3\ndefault  Twice*\n"), 0o644))
	return root
}

// TestEFIOracles compares with sbverify, objcopy and sha256sum.
func TestEFIOracles(t *testing.T) {
	fixtures.RequireTool(t, "sbverify")
	root := esp(t)
	r := sectiontest.Fill(t, Sections(), treetest.Open(t, root))
	for _, name := range []string{"efi-binaries", "uki", "systemd-boot", "kernel-cmdline"} {
		sectiontest.Status(t, r, name, report.OK)
	}
	if len(r.EFIBinaries) != 5 || len(r.UKI) != 4 {
		t.Fatalf("%d programs, %d images", len(r.EFIBinaries), len(r.UKI))
	}
	for _, b := range r.EFIBinaries {
		compareSbverify(t, root, b)
	}
	for _, u := range r.UKI {
		compareSections(t, root, u)
		if u.Cmdline != "root=LABEL=x ro quiet" || u.Uname != "6.1.0-1" || u.OSRelease["PRETTY_NAME"] != "Debian 12" {
			t.Errorf("%+v", u)
		}
	}
	if s := r.SystemdBoot; len(s) != 1 || !strings.HasPrefix(s[0].Version, "252") || s[0].Default != "/efi/EFI/Linux/twice.efi" {
		t.Errorf("%+v", s)
	}
	for _, l := range r.KernelCmdline {
		if l.Default != (l.Source == "/efi/EFI/Linux/twice.efi") || l.Text != "root=LABEL=x ro quiet" {
			t.Errorf("%+v", l)
		}
	}
}

// compareSbverify compares a program's signatures; one of other content is "wrong" to us.
func compareSbverify(t *testing.T, root string, b report.EFIBinary) {
	t.Helper()
	name := filepath.Join(root, b.Path)
	out, _ := exec.Command("sbverify", "--list", name).CombinedOutput() // it fails where there is none
	if got, want := len(b.Signatures), strings.Count(string(out), "image signature issuers"); got != want {
		t.Errorf("%s: %d signatures, sbverify says %d", b.Path, got, want)
	}
	wrong := strings.HasSuffix(b.Path, "bent.efi")
	for i, s := range b.Signatures {
		if (s.Digest == "wrong") != wrong || s.Digest != "wrong" && s.Digest != "ok" {
			t.Errorf("%s: signature %d is %s", b.Path, i, s.Digest)
		}
		cn, _, _ := strings.Cut(strings.TrimPrefix(s.Subject, "CN="), ",")
		if !strings.Contains(string(out), "CN="+cn) && !strings.Contains(string(out), "CN = "+cn) {
			t.Errorf("%s: subject %s, sbverify says %s", b.Path, s.Subject, out)
		}
	}
	if b.Machine != "x86_64" || b.Kind != "application" {
		t.Errorf("%s: %s %s", b.Path, b.Machine, b.Kind)
	}
	sbat := filepath.Join(t.TempDir(), "sbat")
	fixtures.Run(t, "objcopy", "--dump-section", ".sbat="+sbat, name, filepath.Join(t.TempDir(), "out"))
	want, err := os.ReadFile(sbat)
	check(t, err)
	if got := strings.Join(b.SBAT, "\n"); got == "" || got != strings.TrimSpace(strings.TrimRight(string(want), "\x00")) {
		t.Errorf("%s: SBAT %q, objcopy says %q", b.Path, got, want)
	}
}

// compareSections compares with what objcopy takes out.
func compareSections(t *testing.T, root string, u report.UKI) {
	t.Helper()
	for _, name := range []string{".linux", ".initrd", ".osrel"} {
		file := filepath.Join(t.TempDir(), "section")
		fixtures.Run(t, "objcopy", "--dump-section", name+"="+file, filepath.Join(root, u.Path), filepath.Join(t.TempDir(), "out"))
		data, err := os.ReadFile(file)
		check(t, err)
		sum := sha256.Sum256(data)
		i := slices.IndexFunc(u.Sections, func(s report.PESection) bool { return s.Name == name })
		if i < 0 || u.Sections[i].SHA256 != hex.EncodeToString(sum[:]) || u.Sections[i].Size != int64(len(data)) {
			t.Errorf("%s of %s differs from the %d bytes that objcopy gives", name, u.Path, len(data))
		}
	}
}

// TestDamagedEFI flips bytes of a signed image and cuts it off: an error or an answer, no more.
func TestDamagedEFI(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(esp(t), "efi/EFI/Linux/twice.efi"))
	check(t, err)
	read := func(data []byte) {
		p, err := pe.Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		describeEFI(p)
		describeUKI(p)
	}
	for i := 0; i < len(data); i += 1 + i/64 {
		bent := slices.Clone(data)
		bent[i] ^= 0xff
		read(bent)
		read(data[:i])
	}
	for i := len(data) - 4096; i < len(data); i += 7 {
		bent := slices.Clone(data)
		bent[i] ^= 0x81
		read(bent)
	}
}

// TestUnreadESP has directories that could not be read: what is not seen there may be.
func TestUnreadESP(t *testing.T) {
	for _, name := range []string{"/", "/usr", "/boot/efi", "/boot/efi/EFI"} {
		r := sectiontest.Fill(t, Sections(), treetest.Of(t, treetest.Map{
			Files: map[string]string{"/boot/efi/EFI/": "", "/usr/": ""},
			Change: func(n *image.Node) {
				if string(n.Path) == name {
					n.Err = errors.New("bad block")
				}
			},
		}))
		for _, s := range []string{"efi-binaries", "uki", "kernel-cmdline"} {
			sectiontest.Status(t, r, s, report.Unread, "bad block")
		}
	}
}
