package lzo_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/lzo"
)

// samples are contents with matches near and far, long and short, and without any.
func samples() map[string][]byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	var far, few bytes.Buffer
	for i := range 400 {
		far.Write(noise[:rnd.IntN(60)])
		far.Write(noise[i*200 : i*200+rnd.IntN(200)])
		fmt.Fprintf(&few, "%d %d|", i%7, i*i)
	}
	return map[string][]byte{
		"text":  []byte(strings.Repeat("the quick brown fox jumps over the lazy dog. ", 3000)),
		"zeros": make([]byte, 200000), "noise": noise, "far": far.Bytes(), "few": few.Bytes(),
		"tiny": []byte("abcabcabcabcabcabcabcabcabcabc"), "pages": bytes.Repeat(noise[:40000], 3),
	}
}

// lzopBlocks cuts what lzop(1) writes into its blocks: compressed, and how long they were.
func lzopBlocks(t testing.TB, b []byte) (blocks [][]byte, sizes []int) {
	t.Helper()
	const name = 33 // where its length stands, after the magic, versions, method, level, flags, mode and times
	flags := binary.BigEndian.Uint32(b[17:])
	b = b[name+1+int(b[name])+4:]
	for {
		size := int(binary.BigEndian.Uint32(b))
		if size == 0 {
			return blocks, sizes
		}
		packed := int(binary.BigEndian.Uint32(b[4:]))
		b = b[8:]
		if flags&1 != 0 { // of the content
			b = b[4:]
		}
		if flags&2 != 0 && packed < size {
			b = b[4:]
		}
		if packed < size {
			blocks, sizes = append(blocks, b[:packed]), append(sizes, size)
		} else {
			blocks, sizes = append(blocks, nil), append(sizes, size)
		}
		b = b[packed:]
	}
}

func TestDecompressAgreesWithLzop(t *testing.T) {
	fixtures.RequireTool(t, "lzop")
	for name, content := range samples() {
		for _, level := range []string{"-1", "-3", "-7", "-9"} {
			cmd := exec.Command("lzop", "-c", level)
			cmd.Stdin = bytes.NewReader(content)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			blocks, sizes := lzopBlocks(t, out)
			at := 0
			for i, block := range blocks {
				want := content[at : at+sizes[i]]
				at += sizes[i]
				if block == nil {
					continue // stored
				}
				got := make([]byte, sizes[i])
				n, err := lzo.Decompress(got, block)
				if err != nil || n != sizes[i] || !bytes.Equal(got, want) {
					t.Errorf("%s %s, block %d: %d of %d bytes, %v", name, level, i, n, sizes[i], err)
				}
				checkCuts(t, block, sizes[i])
			}
			if at != len(content) {
				t.Errorf("%s %s: %d of %d bytes", name, level, at, len(content))
			}
		}
	}
}

// checkCuts requires an error of a block that is cut, that goes on, and that has no room.
func checkCuts(t testing.TB, block []byte, size int) {
	t.Helper()
	dst := make([]byte, size)
	for _, n := range []int{0, 1, 2, len(block) / 2, len(block) - 3, len(block) - 1} {
		if _, err := lzo.Decompress(dst, block[:n]); !errors.Is(err, lzo.ErrTruncated) {
			t.Errorf("cut at %d of %d: %v", n, len(block), err)
		}
	}
	if _, err := lzo.Decompress(dst, append(bytes.Clone(block), 0)); !errors.Is(err, lzo.ErrTrailing) {
		t.Errorf("a byte more: %v", err)
	}
	if n, err := lzo.Decompress(dst[:size-1:size-1], block); !errors.Is(err, lzo.ErrOverrun) || n > size-1 {
		t.Errorf("room for a byte less: %d, %v", n, err)
	}
}

// The end is 17 0 0: a copy of the smallest far distance.
func TestInstructions(t *testing.T) {
	for _, c := range []struct {
		name, src, want string
		err             error
	}{
		{"nothing", "\x11\x00\x00", "", nil},
		{"first bytes", "\x15abcd\x11\x00\x00", "abcd", nil},
		{"long literals", "\x00\x01" + strings.Repeat("x", 19) + "\x11\x00\x00", strings.Repeat("x", 19), nil},
		{"copy of itself", "\x15abcd\x60\x00\x11\x00\x00", "abcddddd"[:8], nil},
		{"before the start", "\x15abcd\x60\x01\x11\x00\x00", "abcd", lzo.ErrDistance},
		{"far before the start", "\x15abcd\x12\x04\x00\x11\x00\x00", "abcd", lzo.ErrDistance},
		{"no end", "\x15abcd", "abcd", lzo.ErrTruncated},
		{"endless length", "\x15abcd\x20" + strings.Repeat("\x00", 100), "abcd", lzo.ErrOverrun},
	} {
		dst := make([]byte, 64)
		n, err := lzo.Decompress(dst, []byte(c.src))
		if string(dst[:n]) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v", c.name, dst[:n], err)
		}
	}
}

func FuzzDecompress(f *testing.F) {
	for _, s := range []string{"\x11\x00\x00", "\x15abcd\x60\x00\x11\x00\x00", "\x00\x01" + strings.Repeat("x", 19) + "\x20\x01\x04\x00\x11\x00\x00"} {
		f.Add([]byte(s), uint16(100))
	}
	f.Fuzz(func(t *testing.T, src []byte, room uint16) {
		dst := bytes.Repeat([]byte{0xa5}, int(room)+16)
		n, err := lzo.Decompress(dst[:room:room], src)
		if n > int(room) || err == nil && len(src) < 3 {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if !bytes.Equal(dst[room:], bytes.Repeat([]byte{0xa5}, 16)) {
			t.Fatal("written beyond the room")
		}
	})
}

func BenchmarkDecompress(b *testing.B) {
	fixtures.RequireTool(b, "lzop")
	content := samples()["few"]
	cmd := exec.Command("lzop", "-c", "-1")
	cmd.Stdin = bytes.NewReader(content)
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	blocks, sizes := lzopBlocks(b, out)
	dst := make([]byte, sizes[0])
	b.SetBytes(int64(sizes[0]))
	for b.Loop() {
		if _, err := lzo.Decompress(dst, blocks[0]); err != nil {
			b.Fatal(err)
		}
	}
}
