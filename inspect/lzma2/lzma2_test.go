package lzma2_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/ulikunitz/xz/lzma"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/lzma2"
)

const dict = 1 << 20

// contents are of each kind: none, noise, zeros, text, a program, long distances.
func contents(t testing.TB) map[string][]byte {
	t.Helper()
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	noise, few := make([]byte, 70_000), make([]byte, 40_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	for i := range few {
		few[i] = byte(rng.ExpFloat64() * 3)
	}
	return map[string][]byte{
		"none": {}, "one": {7}, "noise": noise, "few symbols": few, "zeros": make([]byte, 300_000), "far": bytes.Repeat(noise, 3),
		"program": program[:min(len(program), 250_000)], "text": bytes.Repeat([]byte("all that is compressed is text, or nearly all. "), 2000),
		"mixed": append(append(append([]byte{}, few...), noise...), few...),
	}
}

func pack(t testing.TB, data []byte, props lzma.Properties, dict int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := lzma.Writer2Config{Properties: &props, DictCap: dict}.NewWriter2(&b)
	if err == nil {
		_, err = w.Write(data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRead(t *testing.T) {
	r := new(lzma2.Reader)
	for name, data := range contents(t) {
		for _, props := range []lzma.Properties{{LC: 3, PB: 2}, {}, {LC: 4, PB: 4}, {LP: 4, PB: 1}, {LC: 2, LP: 2}} {
			packed := pack(t, data, props, dict)
			src := bufio.NewReader(bytes.NewReader(append(packed, "what follows"...)))
			r.Reset(src, dict)
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s, %v: %d of %d bytes, %v", name, props, len(got), len(data), err)
			}
			if rest, err := io.ReadAll(src); string(rest) != "what follows" {
				t.Errorf("%s: %d bytes follow, %v", name, len(rest), err)
			}
		}
	}
}

// What xz(1) writes, with each of its match finders and modes, is what it was.
func TestReadsWhatXzWrites(t *testing.T) {
	fixtures.RequireTool(t, "xz")
	for name, data := range contents(t) {
		for _, options := range []string{"preset=0", "preset=6", "preset=9e", "lc=0,lp=4,pb=4", "lc=4,lp=0,pb=0", "dict=4KiB", "nice=200,mf=bt2"} {
			got, err := io.ReadAll(lzma2.NewReader(bytes.NewReader(xz(t, data, options)), 64<<20))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s, %s: %d of %d bytes, %v", name, options, len(got), len(data), err)
			}
		}
	}
}

func xz(t *testing.T, data []byte, options string) []byte {
	t.Helper()
	c := exec.Command("xz", "--format=raw", "--lzma2="+options, "-c")
	c.Stdin = bytes.NewReader(data)
	packed, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// What is longer than the memory for it comes out whole: the dictionary moves on.
func TestLongContent(t *testing.T) {
	fixtures.RequireTool(t, "xz")
	var data []byte
	for n := range uint32(1 << 20) {
		data = binary.BigEndian.AppendUint32(append(data, "number "...), n)
	}
	for _, dict := range []int{4096, 1 << 20, 3 << 20} {
		got, err := io.ReadAll(lzma2.NewReader(bytes.NewReader(xz(t, data, fmt.Sprintf("preset=0,dict=%d", dict))), dict))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("dictionary of %d: %d of %d bytes, %v", dict, len(got), len(data), err)
		}
	}
}

func TestCutOff(t *testing.T) {
	packed := pack(t, bytes.Repeat([]byte("a text that is long enough for a copy: "), 4), lzma.Properties{LC: 3, PB: 2}, dict)
	for n := range packed {
		if _, err := io.ReadAll(lzma2.NewReader(bytes.NewReader(packed[:n]), dict)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d of %d bytes: %v", n, len(packed), err)
		}
	}
}

func TestCorrupt(t *testing.T) {
	good := pack(t, bytes.Repeat([]byte("abcdefgh"), 100), lzma.Properties{LC: 3, PB: 2}, dict)
	edit := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] ^= v
		return b
	}
	for name, data := range map[string][]byte{
		"no new dictionary":      {2, 0, 0, 'x', 0},
		"no such chunk":          {3, 0, 0, 'x', 0},
		"no properties":          {1, 0, 0, 'x', 0x80, 0, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0},
		"properties":             edit(5, 0xff),
		"longer than it says":    edit(2, 1),
		"first byte of the data": edit(6, 1),
		"packed size":            edit(4, 1),
	} {
		if _, err := io.ReadAll(lzma2.NewReader(bytes.NewReader(data), dict)); !errors.Is(err, lzma2.ErrCorrupt) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
	}
	far := pack(t, contents(t)["far"], lzma.Properties{LC: 3, PB: 2}, dict)
	if _, err := io.ReadAll(lzma2.NewReader(bytes.NewReader(far), 4096)); !errors.Is(err, lzma2.ErrCorrupt) {
		t.Errorf("a copy from beyond the dictionary: %v", err)
	}
}

// FuzzRead compares with another decompressor, which takes more: it does not look at
// the end of a chunk.
func FuzzRead(f *testing.F) {
	for _, data := range contents(f) {
		f.Add(pack(f, data[:min(len(data), 3000)], lzma.Properties{LC: 3, PB: 2}, dict))
	}
	r := new(lzma2.Reader)
	f.Fuzz(func(t *testing.T, packed []byte) {
		r.Reset(bytes.NewReader(packed), dict)
		got, err := io.ReadAll(io.LimitReader(r, 8<<20))
		if err != nil || len(got) == 8<<20 {
			return
		}
		other, err := lzma.Reader2Config{DictCap: dict}.NewReader2(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		if want, err := io.ReadAll(other); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes; the other has %d, %v", len(got), len(want), err)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	data := contents(b)["program"]
	packed := pack(b, data, lzma.Properties{LC: 3, PB: 2}, dict)
	b.SetBytes(int64(len(data)))
	r := new(lzma2.Reader)
	for b.Loop() {
		r.Reset(bytes.NewReader(packed), dict)
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
