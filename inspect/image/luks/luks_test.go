package luks_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/luks"
	"github.com/assay-os/assay/inspect/image/luks/lukstest"
)

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func openFile(t testing.TB, path string) *dir.File {
	t.Helper()
	f, err := dir.OpenFile(path)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// encrypted is a volume of 1 MiB of noise, and the noise.
func encrypted(t testing.TB, flags ...string) (path string, plain []byte) {
	t.Helper()
	path, plain = filepath.Join(t.TempDir(), "volume"), make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{1}).Read(plain)
	must(t, os.WriteFile(path, plain, 0o600))
	lukstest.Encrypt(t, path, flags...)
	return path, plain
}

// variants are what cryptsetup makes without a kernel.
func variants() map[string]string {
	return map[string]string{
		"default":     "",
		"argon2id":    "--pbkdf argon2id --pbkdf-memory 32768 --pbkdf-force-iterations 4 --pbkdf-parallel 3 --label mine --subsystem ours",
		"argon2i":     "--pbkdf argon2i --pbkdf-memory 1024 --pbkdf-force-iterations 5 --pbkdf-parallel 1",
		"sector-4096": "--sector-size 4096", "sector-2048": "--sector-size 2048",
		"xts-256": "--key-size 256", "xts-plain": "--cipher aes-xts-plain", "sha512": "--hash sha512",
		"cbc-essiv": "--cipher aes-cbc-essiv:sha256 --key-size 256", "cbc-plain64": "--cipher aes-cbc-plain64 --key-size 128",
		"luks1": "luks1", "luks1-sha1": "luks1 --hash sha1 --cipher aes-cbc-plain64 --key-size 128", "luks1-sha512": "luks1 --hash sha512",
	}
}

func TestContentIsWhatWasEncrypted(t *testing.T) {
	t.Parallel()
	for name, flags := range variants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, plain := encrypted(t, strings.Fields(flags)...)
			v, err := luks.Open(openFile(t, path))
			must(t, err)
			checkDump(t, path, v)
			if _, err := v.Unlock(t.Context(), []byte("wrong"), nil); !errors.Is(err, luks.ErrPassphrase) {
				t.Errorf("a wrong passphrase: %v", err)
			}
			d, err := v.Unlock(t.Context(), []byte("wrong"), []byte(lukstest.Passphrase))
			must(t, err)
			got := make([]byte, len(plain))
			if n, err := d.ReadAt(got, 0); n < len(got) || !bytes.Equal(got, plain) {
				t.Fatalf("%d bytes, %v", n, err)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			for range 200 {
				off := rng.IntN(len(plain))
				p := make([]byte, 1+rng.IntN(min(len(plain)-off, 1<<rng.IntN(18)+1)))
				if n, err := d.ReadAt(p, int64(off)); n < len(p) || !bytes.Equal(p, plain[off:off+n]) {
					t.Fatalf("%d bytes at %d: %d, %v", len(p), off, n, err)
				}
			}
			if n, err := d.ReadAt(make([]byte, 10000), d.Size()-100); n != 100 || err != io.EOF {
				t.Errorf("at the end: %d, %v", n, err)
			}
		})
	}
}

// checkDump compares what a header says with luksDump and blkid.
func checkDump(t *testing.T, path string, v *luks.Volume) {
	t.Helper()
	dump := lukstest.Run(t, path, "luksDump")
	words := strings.Join(strings.Fields(dump), " ")
	s := v.Settings()
	if v.Version == 1 {
		name, mode, _ := strings.Cut(v.Cipher, "-")
		for _, want := range []string{"Version: 1", "Cipher name: " + name, "Cipher mode: " + mode, "Hash spec: " + s["hash"], "MK bits: " + s["key_bits"], "UUID: " + v.UUID,
			fmt.Sprintf("Payload offset: %d", v.Offset/512)} {
			if !strings.Contains(words, want) {
				t.Errorf("luksDump does not say %q:\n%s", want, dump)
			}
		}
	} else {
		for _, want := range []string{"Version: 2", "cipher: " + v.Cipher, "sector: " + s["sector_size"], "Key: " + s["key_bits"], "PBKDF: " + s["key_slots"], "UUID: " + v.UUID,
			fmt.Sprintf("offset: %d", v.Offset), "Subsystem: " + max(s["subsystem"], "(no subsystem)")} {
			if !strings.Contains(words, want) {
				t.Errorf("luksDump does not say %q:\n%s", want, dump)
			}
		}
	}
	fixtures.RequireTool(t, "blkid")
	out, err := exec.Command("blkid", "-p", "-o", "export", path).Output()
	must(t, err)
	got, _ := luks.Probe(openFile(t, path))
	for _, line := range []string{"TYPE=" + got.Type, "UUID=" + got.UUID, "LABEL=" + got.Label} {
		if line != "LABEL=" && !strings.Contains(string(out), line+"\n") || got.Label == "" && strings.Contains(string(out), "LABEL=") {
			t.Errorf("%s, blkid says %s", line, out)
		}
	}
}

func TestSeveralKeySlots(t *testing.T) {
	t.Parallel()
	path, plain := encrypted(t)
	second := filepath.Join(t.TempDir(), "second")
	must(t, os.WriteFile(second, []byte("another\n"), 0o600))
	lukstest.Run(t, path, "luksAddKey", "--pbkdf", "argon2id", "--pbkdf-memory", "1024", "--pbkdf-force-iterations", "4", "--new-keyfile", second)
	lukstest.Run(t, path, "token", "add", "--key-description", "x", "--key-slot", "1")
	lukstest.Run(t, path, "luksKillSlot", path, "0", "--key-file", second)
	v, err := luks.Open(openFile(t, path))
	must(t, err)
	d, err := v.Unlock(t.Context(), []byte("another\n"))
	must(t, err)
	got := make([]byte, 4096)
	if _, err := d.ReadAt(got, 8192); err != nil || !bytes.Equal(got, plain[8192:12288]) {
		t.Error("the second slot opens something else")
	}
	if s := v.Settings(); s["key_slots"] != "argon2id" || s["tokens"] != "luks2-keyring" {
		t.Errorf("%v", s)
	}
}

func TestBrokenHeaderUsesCopy(t *testing.T) {
	t.Parallel()
	path, plain := encrypted(t)
	data, err := os.ReadFile(path)
	must(t, err)
	data[5000] ^= 1
	must(t, os.WriteFile(path, data, 0o600))
	v, err := luks.Open(openFile(t, path))
	must(t, err)
	d, err := v.Unlock(t.Context(), []byte(lukstest.Passphrase))
	must(t, err)
	got := make([]byte, 512)
	if _, err := d.ReadAt(got, 0); err != nil || !bytes.Equal(got, plain[:512]) || len(v.Problems) != 1 {
		t.Errorf("%v, problems %v", err, v.Problems)
	}
}

// edited changes the JSON of a header of version 2, and makes its checksum right again.
func edited(t testing.TB, data []byte, old, with string) []byte {
	t.Helper()
	out := bytes.Clone(data)
	size := int(be64(out[8:]))
	doc := bytes.TrimRight(out[4096:size], "\x00")
	if !bytes.Contains(doc, []byte(old)) {
		t.Fatalf("%s is not in %s", old, doc)
	}
	doc = bytes.Replace(doc, []byte(old), []byte(with), 1)
	clear(out[4096:size])
	copy(out[4096:size], doc)
	return summed(out)
}

// summed makes the checksum of the first header right.
func summed(data []byte) []byte {
	size := min(int(be64(data[8:])), len(data))
	if size < 512 {
		return data
	}
	clear(data[448:512])
	sum := sha256.Sum256(data[:size])
	copy(data[448:], sum[:])
	return data
}

func be64(b []byte) (n uint64) {
	for _, c := range b[:8] {
		n = n<<8 | uint64(c)
	}
	return n
}

func TestWhatIsNotReadSaysWhy(t *testing.T) {
	path, _ := encrypted(t)
	data, err := os.ReadFile(path)
	must(t, err)
	argon := `"kdf":{"type":"argon2id","time":4,"memory":%d,"cpus":1,"salt":"AAAA"},"x":{"type":"pbkdf2"`
	for name, c := range map[string]struct{ old, with, want string }{
		"cipher":      {`"encryption":"aes-xts-plain64","sector_size"`, `"encryption":"serpent-xts-plain64","sector_size"`, `"serpent-xts-plain64"`},
		"integrity":   {`"sector_size":512`, `"sector_size":512,"integrity":{"type":"hmac(sha256)"}`, "hmac(sha256)"},
		"requirement": {`"config":{`, `"config":{"requirements":{"mandatory":["online-reencrypt-v2"]},`, "requires online-reencrypt-v2"},
		"kdf":         {`"type":"pbkdf2"`, `"type":"scrypt","time":1`, `"scrypt"`},
		"memory":      {`"kdf":{"type":"pbkdf2"`, fmt.Sprintf(argon, 4<<20), "of memory"},
		"rounds":      {`"iterations":1000`, `"iterations":4000000000`, "more work"},
		"sector":      {`"sector_size":512`, `"sector_size":77`, "impossible"},
		"offset":      {`"offset":"16777216"`, `"offset":"9223372036854775807"`, "truncated"},
		"negative":    {`"offset":"16777216"`, `"offset":"-1"`, "is no number"},
		"no number":   {`"offset":"16777216"`, `"offset":"x"`, "is no number"},
		"not JSON":    {`"config"`, `config`, "metadata"},
		"stripes":     {`"stripes":4000`, `"stripes":4000000000`, "impossible"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := edited(t, data, c.old, c.with)
			clear(changed[16<<10 : 32<<10]) // the copy
			_, err := unlock(t, changed)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// unlock opens a volume with its passphrase.
func unlock(t testing.TB, data []byte) ([]byte, error) {
	v, err := luks.Open(memory(data))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	d, err := v.Unlock(ctx, []byte(lukstest.Passphrase))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(d, 0, min(d.Size(), 1<<20)))
}
