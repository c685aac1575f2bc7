package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

// gnupg runs gpg over a home of its own, whose agent ends with the test.
func gnupg(t *testing.T) (home string, gpg func(args ...string) string) {
	t.Helper()
	fixtures.RequireTool(t, "gpg", "gpgconf")
	home, err := os.MkdirTemp("/tmp", "keys") // a socket's path has to be short
	check(t, err)
	t.Cleanup(func() {
		if out, err := exec.Command("gpgconf", "--homedir", home, "--kill", "all").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		check(t, os.RemoveAll(home))
	})
	check(t, os.Chmod(home, 0o700))
	return home, func(args ...string) string {
		return fixtures.Run(t, append([]string{"gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	}
}

// TestKeyFiles reads keys of each kind that gpg makes: in its keybox, armoured, in packets, revoked,
// with an end, whose end was changed, with two users; and compares with gpg.
func TestKeyFiles(t *testing.T) {
	home, gpg := gnupg(t)
	for _, key := range [][]string{
		{"one <1@x>", "rsa2048", "sign", "2030-01-02"}, {"two <2@x>", "ed25519", "sign", "never"}, {"three <3@x>", "nistp256", "sign", "1y"}, {"four <4@x>", "dsa1024", "sign", "never"},
		{"gone <5@x>", "ed25519", "cert", "never"},
	} {
		gpg(append([]string{"--quick-generate-key"}, key...)...)
	}
	fingerprint := func(user string) string {
		for _, line := range lines(gpg("--with-colons", "--list-keys", user)) {
			if f := strings.Split(line, ":"); f[0] == "fpr" {
				return f[9]
			}
		}
		t.Fatalf("no key of %s", user)
		return ""
	}
	gpg("--quick-add-key", fingerprint("2@x"), "cv25519", "encr", "never")
	gpg("--quick-add-uid", fingerprint("2@x"), "zwei: äöü <2@y>")
	gpg("--quick-set-expire", fingerprint("3@x"), "2y")
	revocation, err := os.ReadFile(filepath.Join(home, "openpgp-revocs.d", fingerprint("5@x")+".rev"))
	check(t, err)
	file := filepath.Join(home, "revocation")
	check(t, os.WriteFile(file, []byte(strings.Replace(string(revocation), ":-----BEGIN", "-----BEGIN", 1)), 0o600))
	gpg("--import", file)

	want := gpgKeys(gpg("--with-colons", "--list-keys", "--fingerprint", "--fingerprint"))
	keybox, err := os.ReadFile(filepath.Join(home, "pubring.kbx"))
	check(t, err)
	for form, data := range map[string]string{
		"keybox": string(keybox), "packets": gpg("--export"), "armoured": gpg("--armor", "--export"),
		"two blocks": "Comment\n" + gpg("--armor", "--export", "1@x", "2@x") + "\n" + gpg("--armor", "--export", "3@x", "4@x", "5@x"),
	} {
		keys, err := readKeys([]byte(data))
		check(t, err)
		var got []string
		revoked := 0
		for _, k := range keys {
			got = append(got, keyLine(k))
			revoked += bit(k.Revoked)
		}
		sameLines(t, "gpg, "+form, got, want)
		if revoked != 1 {
			t.Errorf("%s: %d keys are revoked", form, revoked)
		}
	}
	keys, err := readKeys(keybox)
	check(t, err)
	algorithms := ""
	for _, k := range keys {
		algorithms += k.Algorithm + " "
	}
	if algorithms != "rsa2048 ed25519 nistp256 dsa1024 ed25519 " {
		t.Errorf("algorithms %s", algorithms)
	}
}

// TestOddKeys tells files of no key as such, each with its reason.
func TestOddKeys(t *testing.T) {
	for text, words := range map[string]string{
		"text": "no OpenPGP packets", "": "no public key", "\x98": "cut off", "\x98\x05\x04": "cut off", "\x98\x06\x09\x00\x00\x00\x00\x01": "version 9", "\x9b": "cut off",
		"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n": "does not end", "-----BEGIN PGP SIGNATURE-----\n": "no block of a public key",
		"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!\n-----END PGP PUBLIC KEY BLOCK-----": "base64",
		"\x00\x00\x00\x20\x01\x01\x00\x02KBXf":                                            "keybox",
	} {
		r := sectiontest.Report(t, Sections(Options{}), map[string]string{"/etc/pki/rpm-gpg/K": text})
		sectiontest.Status(t, r, "repository-keys", report.OK)
		if k := r.RepositoryKeys[0]; len(r.RepositoryKeys) != 1 || !strings.Contains(k.Error, words) || k.Source != "/etc/pki/rpm-gpg/K" {
			t.Errorf("%q: %+v", text, r.RepositoryKeys)
		}
	}
}

// TestSignatureVersions reads what few programs write: version 3, and version 6 with its wider lengths.
func TestSignatureVersions(t *testing.T) {
	v3 := append([]byte{3, 5, 0, 0x65, 0, 0, 0}, 1, 2, 3, 4, 5, 6, 7, 8, 17, 2, 0, 0)
	s, err := parseSignature(v3)
	if err != nil || s.issuer != "0102030405060708" || signatureAlgorithm(s) != "DSA/SHA1" {
		t.Errorf("%+v, %v", s, err)
	}
	print := make([]byte, 32)
	for i := range print {
		print[i] = byte(i)
	}
	hashed := append([]byte{5, 2, 0x65, 0, 0, 0, 34, 33, 6}, print...)
	v6 := append([]byte{6, 0, 27, 8, 0, 0, 0, byte(len(hashed))}, hashed...)
	v6 = append(v6, 0, 0, 0, 0, 0xab, 0xcd)
	s, err = parseSignature(v6)
	if err != nil || s.issuer != "0001020304050607" || signatureAlgorithm(s) != "Ed25519/SHA256" || s.created != 0x65000000 {
		t.Errorf("%+v, %v", s, err)
	}
	for cut := range len(v6) - 2 {
		if _, err := parseSignature(v6[:cut]); err == nil {
			t.Errorf("%d bytes are believed", cut)
		}
	}
	if got := signatureAlgorithm(&openpgpSignature{algorithm: 99, hash: 77}); got != "algorithm 99/digest 77" {
		t.Error(got)
	}
}
