package network

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// TestHostKeys makes keys of each form with ssh-keygen, and asks it about them.
func TestHostKeys(t *testing.T) {
	fixtures.RequireTool(t, "ssh-keygen")
	root := t.TempDir()
	dir := filepath.Join(root, "etc/ssh")
	put(t, root, map[string]string{"etc/ssh/sshd_config": "HostKey /etc/ssh/ssh_host_rsa_key\nHostKey /etc/ssh/mine\nHostKey /etc/ssh/none\n"})
	for name, args := range map[string][]string{
		"ssh_host_rsa_key": {"-t", "rsa", "-b", "2048"}, "ssh_host_ecdsa_key": {"-t", "ecdsa", "-b", "521"}, "ssh_host_ed25519_key": {"-t", "ed25519"},
		"ssh_host_pem_key": {"-t", "rsa", "-b", "1024", "-m", "PEM"}, "ssh_host_p8_key": {"-t", "ecdsa", "-m", "PKCS8"}, "ssh_host_ec_key": {"-t", "ecdsa", "-b", "384", "-m", "PEM"}, "mine": {"-t", "ed25519"},
	} {
		fixtures.Run(t, append([]string{"ssh-keygen", "-q", "-N", "", "-C", "root@x", "-f", filepath.Join(dir, name)}, args...)...)
	}
	fixtures.Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "hunter2", "-f", filepath.Join(dir, "ssh_host_locked_key"))
	fixtures.Run(t, "ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-m", "PEM", "-N", "hunter2", "-f", filepath.Join(dir, "ssh_host_oldlocked_key"))
	put(t, root, map[string]string{"etc/ssh/ssh_host_bad_key": "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "etc/ssh/ssh_host_bad_key.pub": "x"})
	remove(t, filepath.Join(dir, "ssh_host_ec_key.pub"), filepath.Join(dir, "ssh_host_ed25519_key"))
	if err := os.Rename(filepath.Join(dir, "mine.pub"), filepath.Join(dir, "ssh_host_p8_key.pub")); err != nil {
		t.Fatal(err)
	}
	r := sectiontest.Fill(t, []section.Section{sshHostKeys()}, treetest.Open(t, root))
	sectiontest.Status(t, r, "ssh-host-keys", report.OK)
	noSecret(t, r)
	if len(r.SSHHostKeys) != 10 {
		t.Errorf("%d keys", len(r.SSHHostKeys))
	}
	for _, k := range r.SSHHostKeys {
		name := filepath.Base(k.Path)
		switch name {
		case "ssh_host_bad_key":
			equal(t, name, len(k.Problems), 2)
			continue
		case "ssh_host_p8_key":
			equal(t, name, len(k.Problems), 1)
			fixtures.Run(t, "rm", filepath.Join(root, k.Path+".pub")) // it is of another key
		case "ssh_host_locked_key", "ssh_host_oldlocked_key":
			equal(t, name, k.Encrypted, true)
		}
		if k.Configured != (name == "ssh_host_rsa_key" || name == "mine") {
			t.Errorf("%+v", k)
		}
		compareWithKeygen(t, root, k)
	}
}

func remove(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func compareWithKeygen(t *testing.T, root string, k report.SSHHostKey) {
	t.Helper()
	file := filepath.Join(root, k.Path)
	if _, err := os.Stat(file); err != nil || k.Encrypted {
		file += ".pub"
	}
	want := strings.Fields(fixtures.Run(t, "ssh-keygen", "-l", "-f", file))
	kind := strings.Trim(want[len(want)-1], "()")
	name := map[string]string{"ssh-rsa": "RSA", "ssh-ed25519": "ED25519", "ecdsa-sha2-nistp256": "ECDSA", "ecdsa-sha2-nistp384": "ECDSA", "ecdsa-sha2-nistp521": "ECDSA"}[k.Type]
	if want[1] != k.Fingerprint || kind != name || want[0] != strconv.Itoa(k.Bits) {
		t.Errorf("got %+v, ssh-keygen says %q", k, want)
	}
}

// TestHostKeyWithoutConfig: sshd takes the keys of its standard names.
func TestHostKeyWithoutConfig(t *testing.T) {
	const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIdufsxIMcexNKxNGCDDevcdESfVGlU3Pii2UFoxxy4s x\n"
	r := fill(t, sshHostKeys(), map[string]string{"/etc/ssh/ssh_host_rsa_key.pub": line, "/etc/ssh/ssh_host_my_key.pub": line, "/etc/ssh/ssh_host_rsa_key-cert.pub": "x"})
	if k := r.SSHHostKeys; len(k) != 2 || k[0].Configured || !k[1].Configured || k[1].Private || !k[1].Public || k[1].Comment != "x" {
		t.Errorf("%+v", k)
	}
}
