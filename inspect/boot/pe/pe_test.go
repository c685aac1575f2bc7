package pe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// small is the smallest file with a section and a table of signatures.
func small() []byte {
	b := make([]byte, 0x400)
	copy(b, "MZ")
	b[60] = 0x40
	copy(b[0x40:], "PE\x00\x00")
	le := binary.LittleEndian
	le.PutUint16(b[0x44:], 0x8664)
	le.PutUint16(b[0x46:], 1)
	le.PutUint16(b[0x54:], 240)
	h := b[0x58:]
	le.PutUint16(h, 0x20b)
	le.PutUint32(h[60:], 0x200)
	le.PutUint16(h[68:], 10)
	le.PutUint32(h[108:], 16)
	le.PutUint32(h[144:], 0x300)
	le.PutUint32(h[148:], 0x100)
	s := b[0x58+240:]
	copy(s, ".text")
	le.PutUint32(s[8:], 5)
	le.PutUint32(s[16:], 0x100)
	le.PutUint32(s[20:], 0x200)
	copy(b[0x200:], "hello")
	le.PutUint32(b[0x300:], 0x100)
	le.PutUint16(b[0x306:], pkcs7)
	return b
}

func TestOpen(t *testing.T) {
	for name, change := range map[string]func(b []byte) []byte{
		"":                  func(b []byte) []byte { return b },
		"no MZ":             func(b []byte) []byte { b[0] = 'N'; return b },
		"short":             func(b []byte) []byte { return b[:63] },
		"header far away":   func(b []byte) []byte { b[63] = 0xff; return b },
		"cut in the table":  func(b []byte) []byte { return b[:0x150] },
		"section behind":    func(b []byte) []byte { b[0x58+240+22] = 1; return b },
		"too many sections": func(b []byte) []byte { b[0x47] = 0xff; return b },
		"no image":          func(b []byte) []byte { b[0x54] = 0; return b },
		"strange header":    func(b []byte) []byte { b[0x58] = 0; return b },
	} {
		data := change(small())
		f, err := Open(bytes.NewReader(data), int64(len(data)))
		if name != "" {
			if !errors.Is(err, ErrNotPE) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || f.Machine != 0x8664 || f.Subsystem != 10 || len(f.Sections) != 1 {
			t.Fatalf("%+v, %v", f, err)
		}
		text, err := io.ReadAll(f.Content(f.Section(".text")))
		if err != nil || string(text) != "hello" {
			t.Errorf("%q, %v", text, err)
		}
		if _, err := f.Signatures(); err == nil {
			t.Error("zeros are a signature")
		}
		if sum, err := f.Authenticode(); err != nil || len(sum) != 64 {
			t.Errorf("%s, %v", sum, err)
		}
	}
}

// TestAuthenticodeIgnores changes what no signature covers, and what one does.
func TestAuthenticodeIgnores(t *testing.T) {
	sum := func(at int) string {
		data := small()
		if at >= 0 {
			data[at] ^= 1
		}
		f, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Authenticode()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	plain := sum(-1)
	for at, same := range map[int]bool{0x58 + 64: true, 0x320: true, 0x201: false, 0x58 + 70: false, 0x1f0: false} {
		if (sum(at) == plain) != same {
			t.Errorf("byte %#x: covered is %t", at, same)
		}
	}
}

// real is a program as distributions have it.
const real = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"

// signed is that program with a signature, as sbsign makes it.
func signed(t testing.TB) []byte {
	t.Helper()
	fixtures.RequireTool(t, "openssl", "sbsign")
	if _, err := os.Stat(real); err != nil {
		fixtures.Missing(t, err.Error())
	}
	dir := t.TempDir()
	key, cert, to := filepath.Join(dir, "key"), filepath.Join(dir, "cert"), filepath.Join(dir, "to")
	fixtures.Run(t, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "36", "-subj", "/CN=One")
	fixtures.Run(t, "sbsign", "--key", key, "--cert", cert, "--output", to, real)
	data, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSignatures(t *testing.T) {
	data := signed(t)
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := f.Authenticode()
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.Signatures()
	if err != nil || len(list) != 1 || list[0].Digest != sum || list[0].Algorithm != "sha256" {
		t.Fatalf("%+v, %v; the digest is %s", list, err, sum)
	}
	if s := list[0]; s.Signer == nil || s.Signer.Subject.CommonName != "One" || s.Issuer.String() != "CN=One" || s.Serial.Sign() <= 0 {
		t.Errorf("%+v", s)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(small())
	data := signed(f)
	f.Add(data[:4096])
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		p.Signatures()
		p.Authenticode()
		total := int64(0)
		for i := range p.Sections {
			n, _ := io.Copy(io.Discard, p.Content(&p.Sections[i]))
			total += n
		}
		if total > 2*int64(len(data)) {
			t.Errorf("%d bytes of sections in %d", total, len(data))
		}
	})
}

func FuzzSignature(f *testing.F) {
	f.Add([]byte("0\x80"))
	data := signed(f)
	p, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[p.certs.at+8:])
	f.Fuzz(func(_ *testing.T, data []byte) { parseSignature(data) })
}
