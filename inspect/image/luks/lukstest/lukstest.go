// Package lukstest encrypts images in place by cryptsetup(8), without a device
// mapper in the kernel.
package lukstest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// Passphrase opens every volume that [Encrypt] makes.
const Passphrase = "correct horse"

// Header is how much of an image's end must be free, and is where the content
// begins afterwards, twice: cryptsetup takes half of what it is given.
const Header = 16 << 20

// cheap makes keys that take no time to derive.
func cheap() []string { return []string{"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"} }

// Encrypt encrypts what is in a file, which grows by 2×[Header] at its end
// before that. Flags are those of cryptsetup reencrypt; "luks1" among them makes a
// volume of version 1.
func Encrypt(t testing.TB, path string, flags ...string) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()+2*Header)
	}
	if err != nil {
		t.Fatal(err)
	}
	first := slices.Index(flags, "luks1")
	if first >= 0 {
		flags = slices.Delete(slices.Clone(flags), first, first+1)
	}
	if !slices.Contains(flags, "--pbkdf") {
		flags = append(cheap(), flags...)
	}
	Run(t, path, append([]string{"reencrypt", "--encrypt", "--type", "luks2", "--reduce-device-size", "32M"}, flags...)...)
	if first >= 0 {
		Run(t, path, "convert", "--type", "luks1")
	}
}

// Run runs cryptsetup on a file, with the passphrase as key file. The path of the
// file comes last where args do not have it.
func Run(t testing.TB, path string, args ...string) string {
	t.Helper()
	fixtures.RequireTool(t, "cryptsetup")
	key := filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(key, []byte(Passphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	args = append(args, "--batch-mode")
	if !slices.Contains([]string{"luksDump", "convert", "token"}, args[0]) && !slices.Contains(args, "--key-file") {
		args = append(args, "--key-file", key)
	}
	if !slices.Contains(args, path) {
		args = append(args, path)
	}
	cmd := exec.Command("cryptsetup", args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cryptsetup %q: %v\n%s", args, err, errs.Bytes())
	}
	return string(out)
}
