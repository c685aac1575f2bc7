package inflate_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/assay-os/assay/inspect/inflate"
)

// contents are of each kind: none, noise, zeros, text, a program, short and long
// distances.
func contents(t testing.TB) map[string][]byte {
	t.Helper()
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	noise, few, far := make([]byte, 100_000), make([]byte, 100_000), make([]byte, 200_000)
	for i := range noise {
		noise[i], few[i] = byte(rng.Uint32()), byte(rng.ExpFloat64()*3)
	}
	for i := range far {
		far[i] = noise[i%32_700]
	}
	return map[string][]byte{
		"none": {}, "one": {7}, "noise": noise, "few symbols": few, "zeros": make([]byte, 300_000), "far": far,
		"program": program[:min(len(program), 600_000)], "text": bytes.Repeat([]byte("all that is compressed is text, or nearly all. "), 5000),
		"eleven": bytes.Repeat([]byte("abcdefghijk"), 9000), "two": bytes.Repeat([]byte("ab"), 70_000),
	}
}

// levels are all ways in which Go compresses: Huffman codes alone, stored, fast, well.
var levels = []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.DefaultCompression, flate.BestCompression}

func pack(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err == nil {
		_, err = w.Write(data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhole(t *testing.T) {
	var d inflate.Decoder
	for name, data := range contents(t) {
		for _, level := range levels {
			packed := pack(t, data, level)
			dst := make([]byte, len(data))
			n, used, err := d.Whole(dst, append(packed, "what follows"...))
			if err != nil || n != len(data) || used != len(packed) || !bytes.Equal(dst, data) {
				t.Errorf("%s, level %d: %d of %d bytes, %d of %d used, %v", name, level, n, len(data), used, len(packed), err)
			}
			if n, used, err = d.Whole(make([]byte, len(data)+100), packed); err != nil || n != len(data) || used != len(packed) {
				t.Errorf("%s, level %d, with room: %d bytes, %d used, %v", name, level, n, used, err)
			}
			if len(data) == 0 {
				continue
			}
			if _, _, err = d.Whole(dst[1:], packed); !errors.Is(err, inflate.ErrTooLarge) {
				t.Errorf("%s, level %d, without room: %v", name, level, err)
			}
		}
	}
}

func TestFill(t *testing.T) {
	var d inflate.Decoder
	for name, data := range contents(t) {
		packed := pack(t, data, flate.DefaultCompression)
		for _, size := range []int{0, 1, 2, 257, 300, 65536, len(data)} {
			size = min(size, len(data))
			dst := make([]byte, size)
			if n, err := d.Fill(dst, packed); err != nil || n != size || !bytes.Equal(dst, data[:size]) {
				t.Errorf("%s, %d bytes of it: %d, %v", name, size, n, err)
			}
		}
	}
}

// A stream that is cut off says so, wherever that is.
func TestCutOff(t *testing.T) {
	var d inflate.Decoder
	for _, level := range levels {
		data := []byte("a text that is long enough for a copy: a text that is long enough")
		packed := pack(t, data, level)
		for n := range packed {
			dst := make([]byte, len(data))
			if _, _, err := d.Whole(dst, packed[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("level %d, %d of %d bytes: %v", level, n, len(packed), err)
			}
		}
	}
}

func TestZlib(t *testing.T) {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, err := w.Write([]byte("content"))
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	good := b.Bytes()
	edit := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[(at+len(b))%len(b)] ^= v
		return b
	}
	for name, c := range map[string]struct {
		data []byte
		room int
		err  error
	}{
		"right": {good, 7, nil}, "room": {good, 90, nil}, "too large": {good, 6, inflate.ErrTooLarge},
		"method": {edit(0, 1), 7, inflate.ErrHeader}, "window": {[]byte("\x88\x1c"), 7, inflate.ErrHeader}, "check": {edit(1, 1), 7, inflate.ErrHeader},
		"dictionary": {[]byte("\x78\xbb"), 7, inflate.ErrHeader}, "sum": {edit(-1, 1), 7, inflate.ErrChecksum},
		"no sum": {good[:len(good)-2], 7, io.ErrUnexpectedEOF}, "one byte": {good[:1], 7, io.ErrUnexpectedEOF},
	} {
		var d inflate.Decoder
		dst := make([]byte, c.room)
		n, err := d.Zlib(dst, c.data)
		if !errors.Is(err, c.err) || err == nil && string(dst[:n]) != "content" {
			t.Errorf("%s: %q, %v", name, dst[:n], err)
		}
	}
}

// What zlib refuses is refused: RFC 1951, section 3.2, and zlib's inflate.c.
func TestCorrupt(t *testing.T) {
	for name, stream := range map[string]string{
		"kind of block":             "\x07",
		"stored length":             "\x01\x05\x00\x05\x00hello",
		"too many lengths":          "\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"no code for the header":    "\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"before the first byte":     "\x03\x02\x00\x00\x00\x00",
		"length 286 of fixed codes": "\x1b\x03\x00\x00",
	} {
		var d inflate.Decoder
		if n, err := d.Fill(make([]byte, 100), []byte(stream)); !errors.Is(err, inflate.ErrCorrupt) {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
}

// FuzzInflate compares with Go's own decompressor: whatever it takes has the same
// bytes here, and what it refuses is refused.
func FuzzInflate(f *testing.F) {
	for _, data := range contents(f) {
		for _, level := range levels {
			f.Add(pack(f, data[:min(len(data), 3000)], level), uint16(2000))
		}
	}
	var d inflate.Decoder
	f.Fuzz(func(t *testing.T, packed []byte, room uint16) {
		src := bytes.NewReader(packed)
		want, refused := io.ReadAll(io.LimitReader(flate.NewReader(src), 1<<20))
		if len(want) == 1<<20 {
			return
		}
		dst := make([]byte, len(want))
		n, used, err := d.Whole(dst, packed)
		if (err == nil) != (refused == nil) {
			if refused == nil && errors.Is(err, inflate.ErrCorrupt) {
				return // a code without an end, which Go takes as long as it does not come up
			}
			t.Fatalf("%v here, %v there", err, refused)
		}
		if err == nil && (n != len(want) || !bytes.Equal(dst, want) || used != len(packed)-src.Len()) {
			t.Fatalf("%d bytes, %d used; want %d, %d used", n, used, len(want), len(packed)-src.Len())
		}
		if refused == nil && int(room) < len(want) {
			if n, err := d.Fill(dst[:room], packed); err != nil || n != int(room) || !bytes.Equal(dst[:room], want[:room]) {
				t.Fatalf("%d of %d bytes, %v", n, room, err)
			}
		}
	})
}

func BenchmarkFill(b *testing.B) {
	program := contents(b)["program"]
	var packed [][]byte
	const block = 64 << 10
	for at := 0; at+block <= len(program); at += block {
		packed = append(packed, pack(b, program[at:at+block], flate.DefaultCompression))
	}
	b.SetBytes(int64(block * len(packed)))
	dst := make([]byte, block)
	var d inflate.Decoder
	for b.Loop() {
		for _, p := range packed {
			if n, err := d.Fill(dst, p); err != nil || n != block {
				b.Fatal(n, err)
			}
		}
	}
}
