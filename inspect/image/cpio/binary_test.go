package cpio_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/cpio"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// turned is a binary archive in the other order of bytes.
func turned(t *testing.T, data []byte) []byte {
	t.Helper()
	out := bytes.Clone(data)
	for at := 0; at+26 <= len(out) && out[at] != 0; {
		word := func(i int) int { return int(binary.LittleEndian.Uint16(data[at+2*i:])) }
		next := at + 26 + (word(10)+1)/2*2 + (word(11)<<16+word(12)+1)/2*2
		for i := at; i < at+26; i += 2 {
			out[i], out[i+1] = out[i+1], out[i]
		}
		at = next
	}
	return out
}

// TestBinaryInBothOrders turns an archive around, byte by byte: it holds the same tree.
func TestBinaryInBothOrders(t *testing.T) {
	fixtures.RequireTool(t, "cpio")
	root := t.TempDir()
	for name, content := range map[string]string{"odd": "x", "even": "xy", "names": "", "large": strings.Repeat("0123456789", 30000)} {
		kerneltest.Must(t, os.WriteFile(filepath.Join(root, name), []byte(content), 0o640))
	}
	kerneltest.Must(t, os.Symlink("odd", filepath.Join(root, "link")), os.Link(filepath.Join(root, "odd"), filepath.Join(root, "other")))
	little := archive(t, root, "bin", "cpio")
	big := turned(t, little)
	if bytes.Equal(little[:26], big[:26]) || !cpio.Detect(big) {
		t.Fatal("it is not turned around")
	}
	fsystest.Compare(t, fsystest.Contents(t, open(t, big)), fsystest.Contents(t, open(t, little)))
	twice := append(bytes.Clone(little), big...)
	fsystest.Compare(t, fsystest.Contents(t, open(t, twice)), fsystest.Contents(t, open(t, little)))
}

// TestBinaryIsNotGuessed holds that two bytes are not enough.
func TestBinaryIsNotGuessed(t *testing.T) {
	fixtures.RequireTool(t, "cpio")
	root := t.TempDir()
	kerneltest.Must(t, os.WriteFile(filepath.Join(root, "f"), []byte("x"), 0o644))
	good := archive(t, root, "bin", "cpio")
	for name, change := range map[string]func([]byte){
		"mode":         func(b []byte) { binary.LittleEndian.PutUint16(b[6:], 0o030000) },
		"no name":      func(b []byte) { binary.LittleEndian.PutUint16(b[20:], 0) },
		"longer name":  func(b []byte) { binary.LittleEndian.PutUint16(b[20:], 3) },
		"shorter name": func(b []byte) { b[26] = 0 },
		"magic":        func(b []byte) { b[0] = 0xc6 },
	} {
		b := bytes.Clone(good)
		if change(b); cpio.Detect(b) {
			t.Errorf("%s: it is taken for an archive", name)
		}
	}
	if !cpio.Detect(good) || cpio.Detect(good[:25]) {
		t.Error("the archive itself")
	}
}
