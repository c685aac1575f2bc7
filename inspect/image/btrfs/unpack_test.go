package btrfs

import (
	"bytes"
	"compress/zlib"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// packed are the same bytes in each compression, with the padding of a sector.
func packed(t testing.TB, plain []byte) map[byte][]byte {
	t.Helper()
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithWindowSize(mostEncoded), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	lzo := []byte("\x19\x00\x00\x00\x11\x00\x00\x00\x1eliterals..\x20\x00\x05\x00\x00\x11\x00\x00")
	lzo[0], lzo[4] = byte(len(lzo)), byte(len(lzo)-8)
	out := map[byte][]byte{compressZlib: z.Bytes(), compressZSTD: enc.EncodeAll(plain, nil), compressLZO: lzo}
	for kind, b := range out {
		out[kind] = append(b, make([]byte, 4096-len(b)%4096)...)
	}
	return out
}

func TestUnpack(t *testing.T) {
	plain := []byte(strings.Repeat("a line of text\n", 700))
	for kind, b := range packed(t, plain) {
		u := newUnpacker(4096)
		if kind == compressLZO {
			continue // real ones come from the kernel
		}
		for _, size := range []int{len(plain), 100, len(plain) + 500} {
			got, err := u.unpack(kind, b, size)
			if want := plain[:min(size, len(plain))]; err != nil || !bytes.Equal(got, want) {
				t.Errorf("kind %d, %d bytes: %d, %v", kind, size, len(got), err)
			}
		}
		if got, err := u.unpack(kind, b[:30], len(plain)); err == nil {
			t.Errorf("kind %d: a stream that is cut off gives %d bytes", kind, len(got))
		}
	}
}

// A frame may claim to hold more than an extent can.
func TestUnpackIsBounded(t *testing.T) {
	u := newUnpacker(4096)
	for kind, b := range packed(t, make([]byte, 64<<20)) {
		got, err := u.unpack(kind, b, mostEncoded)
		if len(got) > mostEncoded {
			t.Errorf("kind %d: %d bytes, %v", kind, len(got), err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	for kind, b := range packed(f, []byte(strings.Repeat("a line of text\n", 100))) {
		f.Add(kind, b[:200], uint32(1500))
		f.Add(kind, b, uint32(5000))
	}
	u := newUnpacker(4096)
	f.Fuzz(func(t *testing.T, kind byte, b []byte, size uint32) {
		size %= mostEncoded + 1
		if got, err := u.unpack(kind%compressions, b, int(size)); err == nil && len(got) > int(size) {
			t.Fatalf("%d bytes, %d were wanted", len(got), size)
		}
	})
}
