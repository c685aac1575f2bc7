package sshkey_test

import (
	"encoding/base64"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/network/sshkey"
)

const public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIdufsxIMcexNKxNGCDDevcdESfVGlU3Pii2UFoxxy4s bob at home"

func TestPublic(t *testing.T) {
	k, err := sshkey.Public(public + "\nmore\n")
	if err != nil || k.Type != "ssh-ed25519" || k.Bits != 256 || k.Comment != "bob at home" {
		t.Errorf("%+v, %v", k, err)
	}
	for _, bad := range []string{"", "x", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIIdufsxIMcexNKxNGCDDevcdESfVGlU3Pii2UFoxxy4s", "ssh-ed25519 !", "ssh-ed25519 AAAA", "ssh-ed25519 //////8="} {
		if k, err := sshkey.Public(bad); err == nil {
			t.Errorf("%q: %+v", bad, k)
		}
	}
}

// TestSizes: numbers of any length, and what is cut off.
func TestSizes(t *testing.T) {
	for blob, want := range map[string]int{
		"\x00\x00\x00\x07ssh-rsa\x00\x00\x00\x01\x03\x00\x00\x00\x02\x00\x80": 8,
		"\x00\x00\x00\x07ssh-rsa\x00\x00\x00\x01\x03\x00\x00\x00\x02\x01\xff": 9,
		"\x00\x00\x00\x07ssh-rsa\x00\x00\x00\x01\x03\x00\x00\x00\x00":         0,
		"\x00\x00\x00\x07ssh-rsa\x00\x00\x00\x01\x03\xff\xff\xff\xff":         0,
		"\x00\x00\x00\x07ssh-dss\x00\x00\x00\x01\x40":                         7,
		"\x00\x00\x00\x07unknown":                                             0,
		"\x00\x00\x00\x13ecdsa-sha2-nistp384":                                 384,
	} {
		if k, err := sshkey.FromBlob([]byte(blob)); err != nil || k.Bits != want {
			t.Errorf("%q: %+v, %v; want %d", blob, k, err, want)
		}
	}
}

func TestPrivateIsNotShown(t *testing.T) {
	for name, text := range map[string]string{"none": "secret", "broken": "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----\n", "kind": "-----BEGIN X-----\nc2VjcmV0\n-----END X-----\n",
		"cut off": "-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64.StdEncoding.EncodeToString([]byte("openssh-key-v1\x00\x00\x00")) + "\n-----END OPENSSH PRIVATE KEY-----\n"} {
		if k, err := sshkey.Private([]byte(text)); err == nil || k != (sshkey.Key{}) {
			t.Errorf("%s: %+v, %v", name, k, err)
		}
	}
}

func FuzzKeys(f *testing.F) {
	fixtures.RequireTool(f, "ssh-keygen")
	for _, form := range []string{"RFC4716", "PEM"} {
		file := filepath.Join(f.TempDir(), form)
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ecdsa", "-m", form, "-N", "", "-f", file).CombinedOutput(); err != nil {
			f.Fatalf("%v: %s", err, out)
		}
		data, err := exec.Command("cat", file).Output()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(public))
	f.Fuzz(func(_ *testing.T, data []byte) {
		sshkey.Private(data)
		sshkey.Public(string(data))
		sshkey.FromBlob(data)
	})
}
