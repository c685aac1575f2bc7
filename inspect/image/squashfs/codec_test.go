package squashfs

import (
	"bytes"
	"compress/zlib"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// pipe is what a program makes of data.
func pipe(t *testing.T, data []byte, name string, args ...string) []byte {
	t.Helper()
	fixtures.RequireTool(t, name)
	cmd := exec.Command(name, args...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	kerneltest.Must(t, err)
	return out
}

// packers make one block in each compression.
func packers() map[uint16]func(*testing.T, []byte) []byte {
	return map[uint16]func(*testing.T, []byte) []byte{
		compGzip: func(t *testing.T, data []byte) []byte {
			var b bytes.Buffer
			w := zlib.NewWriter(&b)
			_, err := w.Write(data)
			kerneltest.Must(t, err, w.Close())
			return b.Bytes()
		},
		compLzma: func(t *testing.T, data []byte) []byte { return pipe(t, data, "xz", "--format=lzma", "-9") },
		compXz:   func(t *testing.T, data []byte) []byte { return pipe(t, data, "xz", "--check=crc32", "-1") },
		compLz4: func(t *testing.T, data []byte) []byte {
			b := make([]byte, lz4.CompressBlockBound(len(data)))
			n, err := lz4.CompressBlock(data, b, nil)
			kerneltest.Must(t, err)
			return b[:n]
		},
		compZstd: func(t *testing.T, data []byte) []byte {
			w, err := zstd.NewWriter(nil)
			kerneltest.Must(t, err)
			return w.EncodeAll(data, nil)
		},
	}
}

// TestBombsEnd: no block unpacks to more than there is room for, in whatever compression.
func TestBombsEnd(t *testing.T) {
	data := make([]byte, 100000)
	for id, pack := range packers() {
		unpack, err := newCodec(id)
		kerneltest.Must(t, err)
		packed := pack(t, data)
		for _, size := range []int{0, 1, 8192, 99999, 100000, 200000} {
			for range 2 { // the second time with what the first has left behind
				n, err := unpack(make([]byte, size), packed)
				if size < len(data) && err == nil || size >= len(data) && (err != nil || n != len(data)) {
					t.Errorf("%s into %d bytes: %d, %v", codecName(id), size, n, err)
				}
			}
		}
		if n, err := unpack(make([]byte, 200000), packed[:len(packed)-1]); err == nil && n == len(data) && id != compLzma {
			t.Errorf("%s without its last byte: %d, %v", codecName(id), n, err)
		}
		if n, err := unpack(make([]byte, 200000), nil); err == nil && n > 0 {
			t.Errorf("%s of nothing: %d, %v", codecName(id), n, err)
		}
	}
}

// TestFilters reads programs as xz -Xbcj makes them.
func TestFilters(t *testing.T) {
	program, err := os.ReadFile("/bin/sh")
	kerneltest.Must(t, err)
	unpack, err := newCodec(compXz)
	kerneltest.Must(t, err)
	for _, filter := range []string{"--x86", "--arm", "--armthumb", "--powerpc", "--ia64", "--sparc", "--delta=dist=4"} {
		packed := pipe(t, program, "xz", "--check=crc32", filter, "--lzma2=preset=1,dict=128KiB")
		dst := make([]byte, len(program))
		n, err := unpack(dst, packed)
		if err != nil || !bytes.Equal(dst[:n], program) {
			t.Errorf("%s: %d, %v", filter, n, err)
		}
	}
	large := pipe(t, program, "xz", "--check=crc32", "--lzma2=preset=1,dict=64MiB")
	if _, err := unpack(make([]byte, len(program)), large); err == nil {
		t.Error("a dictionary of 64 MiB is taken")
	}
}

func TestReadBlockEnds(t *testing.T) {
	if _, err := readBlock(idle{}, make([]byte, 10)); err == nil {
		t.Error("a reader that gives nothing")
	}
	if _, err := readBlock(bytes.NewReader(make([]byte, 11)), make([]byte, 10)); !errors.Is(err, errTooLarge) {
		t.Error(err)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }
