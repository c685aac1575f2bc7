package image_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// pack sends data through a program.
func pack(t testing.TB, data []byte, argv ...string) []byte {
	t.Helper()
	fixtures.RequireTool(t, argv[0])
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	kerneltest.Must(t, err)
	return out
}

// Whatever the programs write is read whole: several streams, padding, filters, all
// kinds of checks.
func TestKindsOfCompression(t *testing.T) {
	fs := smallFS(t)
	raw, err := os.ReadFile(fs)
	kerneltest.Must(t, err)
	half := len(raw)/2 + 77
	two := func(argv ...string) []byte {
		return append(pack(t, raw[:half], argv...), pack(t, raw[half:], argv...)...)
	}
	skip := []byte{0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3} // a frame that holds nothing for us
	for name, data := range map[string][]byte{
		"gzip members": two("gzip", "-1"), "bzip2 streams": two("bzip2", "-1"),
		"xz streams": two("xz", "-0"), "xz padding": append(append(pack(t, raw[:half], "xz", "-0"), 0, 0, 0, 0), append(pack(t, raw[half:], "xz", "-0"), make([]byte, 8)...)...),
		"xz blocks": pack(t, raw, "xz", "-0", "-T2", "--block-size=100000"), "xz none": pack(t, raw, "xz", "-0", "-C", "none"), "xz crc32": pack(t, raw, "xz", "-0", "-C", "crc32"),
		"xz sha256": pack(t, raw, "xz", "-0", "-C", "sha256"), "xz x86": pack(t, raw, "xz", "--x86", "--lzma2=preset=0"),
		"xz arm and delta": pack(t, raw, "xz", "--arm", "--delta=dist=4", "--lzma2=preset=0"), "xz large": pack(t, raw, "xz", "--lzma2=preset=0,dict=128MiB"),
		"zstd frames": two("zstd", "-1"), "zstd skippable": append(pack(t, raw[:half], "zstd", "-1"), append(skip, pack(t, raw[half:], "zstd", "-1", "--no-check")...)...),
		"zstd long": pack(t, raw, "zstd", "-1", "--long=27"),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x")
			kerneltest.Must(t, os.WriteFile(path, data, 0o644))
			sameBytes(t, openImage(t, path).Device, fs)
			for _, cut := range []int{len(data) - 1 - trailing(data), len(data) / 2, len(data) / 3} {
				kerneltest.Must(t, os.WriteFile(path, data[:cut], 0o644))
				if img, err := image.Open(context.Background(), path, image.Options{}); err == nil {
					img.Close()
					t.Errorf("%d of %d bytes opened", cut, len(data))
				}
			}
			broken := bytes.Clone(data)
			broken[len(data)/4] ^= 0x20
			kerneltest.Must(t, os.WriteFile(path, broken, 0o644))
			img, err := image.Open(context.Background(), path, image.Options{})
			if err != nil {
				return
			}
			defer img.Close()
			if name != "xz none" { // which has no checksum
				sameBytes(t, img.Device, fs) // a flip may mean the same: a match further back
			}
		})
	}
}

// An index that lies about its blocks, with a checksum that matches, is an error or is
// not believed; it never makes content.
func TestIndexThatLies(t *testing.T) {
	fs := smallFS(t)
	raw, err := os.ReadFile(fs)
	kerneltest.Must(t, err)
	good := pack(t, raw, "xz", "-0", "-T2", "--block-size=2000000")
	footer := good[len(good)-12:]
	start := len(good) - 12 - (int(binary.LittleEndian.Uint32(footer[4:]))+1)*4
	path := filepath.Join(t.TempDir(), "x")
	for at := start + 1; at < len(good)-16; at++ {
		for _, mask := range []byte{1, 0x80} {
			data := bytes.Clone(good)
			data[at] ^= mask
			binary.LittleEndian.PutUint32(data[len(data)-16:], crc32.ChecksumIEEE(data[start:len(data)-16]))
			kerneltest.Must(t, os.WriteFile(path, data, 0o644))
			if img, err := image.Open(context.Background(), path, image.Options{}); err == nil {
				img.Close()
				t.Errorf("byte %d of the index changed by %#x: it opened", at-start, mask)
			}
		}
	}
	kerneltest.Must(t, os.WriteFile(path, good, 0o644))
	if _, err := image.Open(context.Background(), path, image.Options{MaxSize: 1 << 20}); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("a bomb: %v", err)
	}
}

// trailing counts the zeros at the end, which say nothing.
func trailing(data []byte) int { return len(data) - len(bytes.TrimRight(data, "\x00")) }

// What is no image is refused by its start, however much there is to unpack.
func TestNoImageIsRefusedEarly(t *testing.T) {
	text := bytes.Repeat([]byte("a log that goes on and on\n"), 100_000)
	for name, argv := range map[string][]string{"gzip": {"gzip", "-1"}, "xz": {"xz", "-0"}, "zstd": {"zstd", "-1"}, "bzip2": {"bzip2", "-1"}} {
		packed := pack(t, text, argv...)
		packed[len(packed)*3/4] ^= 0xff // nobody comes as far as that
		path := filepath.Join(t.TempDir(), "x")
		kerneltest.Must(t, os.WriteFile(path, packed, 0o644))
		if _, err := image.Open(context.Background(), path, image.Options{}); err == nil || !strings.Contains(err.Error(), "it is no image") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
