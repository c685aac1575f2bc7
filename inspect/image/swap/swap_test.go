package swap_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/swap"
)

// made is a swap area of mkswap(8).
func made(t testing.TB, flags ...string) []byte {
	t.Helper()
	fixtures.RequireTool(t, "mkswap")
	path := filepath.Join(t.TempDir(), "swap")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkswap", append(flags, path)...).CombinedOutput(); err != nil {
		t.Fatalf("mkswap: %v\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// blkid tells what it finds.
func blkid(t testing.TB, data []byte) map[string]string {
	t.Helper()
	fixtures.RequireTool(t, "blkid")
	path := filepath.Join(t.TempDir(), "area")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command("blkid", "-p", "-o", "export", path).Output()
	tags := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		tags[name] = value
	}
	return tags
}

func TestAgreesWithBlkid(t *testing.T) {
	swapped := func(data []byte) []byte { // to the other order of bytes
		out := bytes.Clone(data)
		for at := 1024; at < 1024+12; at += 4 {
			binary.BigEndian.PutUint32(out[at:], binary.LittleEndian.Uint32(data[at:]))
		}
		return out
	}
	suspended := func(signature string) []byte {
		data := made(t)
		copy(data[4096-10:4096], signature)
		return data
	}
	for name, c := range map[string]struct {
		data     []byte
		settings string
	}{
		"plain":      {made(t), "map[last_page:255 page_size:4096 version:1]"},
		"label":      {made(t, "-L", "sixteen_bytes_ok"), "map[last_page:255 page_size:4096 version:1]"},
		"page 8k":    {made(t, "-p", "8192"), "map[last_page:127 page_size:8192 version:1]"},
		"page 64k":   {made(t, "-p", "65536"), "map[last_page:15 page_size:65536 version:1]"},
		"big endian": {swapped(made(t, "-L", "other")), "map[byte_order:big last_page:255 page_size:4096 version:1]"},
		"suspended":  {suspended("S1SUSPEND\x00"), "map[last_page:255 page_size:4096 signature:S1SUSPEND version:1]"},
		"userspace":  {suspended("ULSUSPEND\x00"), "map[last_page:255 page_size:4096 signature:ULSUSPEND version:1]"},
		"hibernate":  {suspended("LINHIB0001"), "map[last_page:255 page_size:4096 signature:LINHIB0001 version:1]"},
		"version 0":  {suspended("SWAP-SPACE"), "map[page_size:4096 version:0]"},
	} {
		got, ok := swap.Probe(bytes.NewReader(c.data))
		want := blkid(t, c.data)
		if !ok || got.Type != want["TYPE"] || got.Label != want["LABEL"] || name != "version 0" && got.UUID != want["UUID"] {
			t.Errorf("%s: %+v, blkid says %v", name, got, want)
		}
		if s := fmt.Sprint(got.Settings); s != c.settings {
			t.Errorf("%s: settings %s, want %s", name, s, c.settings)
		}
	}
}

func TestNoSwap(t *testing.T) {
	for _, data := range [][]byte{nil, make([]byte, 4095), make([]byte, 1<<20), []byte("SWAPSPACE2")} {
		if f, ok := swap.Probe(bytes.NewReader(data)); ok {
			t.Errorf("%+v", f)
		}
	}
}
