package blockmap_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assay-os/assay/inspect/image/blockmap"
	"github.com/assay-os/assay/inspect/image/fsys"
)

// blocks is a map of blocks of ten bytes: 0 is zeros, a positive number the place of
// data, a negative one that of a packed block, which is one byte that stands for ten.
type blocks struct {
	places []int64
	medium []byte
}

func (b blocks) Find(off int64) (blockmap.Piece, error) {
	at := b.places[off/10]
	p := blockmap.Piece{Length: 10 - off%10}
	switch {
	case at == 99:
		return p, errors.New("test: no such block")
	case at > 0:
		p.Kind, p.Offset = blockmap.Data, at+off%10
	case at < 0:
		p.Kind, p.Offset, p.Within = blockmap.Packed, -at, off%10
	}
	return p, nil
}

func (b blocks) Unpack(p blockmap.Piece, _ int64, dst []byte) ([]byte, error) {
	n := 10
	if b.medium[p.Offset] == '!' {
		n = 5
	}
	if cap(dst) < 10 {
		dst = make([]byte, 10)
	}
	for i := range dst[:n] {
		dst[:n][i] = b.medium[p.Offset]
	}
	return dst[:n], nil
}

const medium = "-ABCDEFGHIJabcdefghij!xyz"

func device(places ...int64) *blockmap.Device {
	return blockmap.New("test", int64(len(places))*10-5, blocks{places, []byte(medium)}, blockmap.Medium{R: strings.NewReader(medium), Size: int64(len(medium))})
}

func TestRead(t *testing.T) {
	dev := device(11, 1, 0, -22, -23, 1)
	const want = "abcdefghijABCDEFGHIJ\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00xxxxxxxxxxyyyyyyyyyyABCDE"
	for from := range want {
		for to := from; to <= len(want); to++ {
			b := make([]byte, to-from)
			if n, err := dev.ReadAt(b, int64(from)); n != len(b) || string(b) != want[from:to] || err != nil {
				t.Fatalf("%d to %d: %q %v", from, to, b[:n], err)
			}
		}
	}
	b := make([]byte, 100)
	if n, err := dev.ReadAt(b, 40); n != 15 || err != io.EOF {
		t.Errorf("%d %v", n, err)
	}
	if _, err := dev.ReadAt(b, 55); err != io.EOF {
		t.Error(err)
	}
	if _, err := dev.ReadAt(b, -1); err == nil {
		t.Error("before the start")
	}
}

func TestExtents(t *testing.T) {
	for name, c := range map[string]struct {
		dev  *blockmap.Device
		want []fsys.Extent
		err  string
	}{
		"joined":       {device(1, 11, 0, -21, -22), []fsys.Extent{{Length: 20, Physical: 1}, {Offset: 30, Length: 15, Physical: -1}}, ""},
		"apart":        {device(11, 1), []fsys.Extent{{Length: 10, Physical: 11}, {Offset: 10, Length: 5, Physical: 1}}, ""},
		"twice":        {device(1, 0, 1), nil, "byte 1: it is used for two blocks"},
		"overlap":      {device(1, 0, 5), nil, "two blocks"},
		"packed twice": {device(-22, -22), nil, "two blocks"},
		"packed in it": {device(1, -5), nil, "two blocks"},
		"error":        {device(1, 99), nil, "no such block"},
	} {
		got, err := c.dev.Extents()
		if !slices.Equal(got, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

func TestTruncation(t *testing.T) {
	dev := device(1, 20, 0, -40)
	p := dev.Problems()
	if len(p) != 1 || !strings.Contains(p[0].Error(), "byte 25 and in 5 more") {
		t.Errorf("%v", p)
	}
	b := make([]byte, 10)
	if n, err := dev.ReadAt(b, 10); n != 5 || err == nil || !strings.Contains(err.Error(), "byte 25: the file ends before it") {
		t.Errorf("%d %v", n, err)
	}
	if _, err := device(-21, -22).ReadAt(b, 0); err == nil || !strings.Contains(err.Error(), "5 bytes only") {
		t.Errorf("a block that is too short: %v", err)
	}
}

// A map that has no end of blocks is given up early.
func TestBomb(t *testing.T) {
	const size = 1 << 40
	dev := blockmap.New("test", size, endless{}, blockmap.Medium{R: strings.NewReader(medium), Size: int64(len(medium))})
	if _, err := dev.Extents(); err == nil || !strings.Contains(err.Error(), "more than the file has") {
		t.Errorf("%v", err)
	}
}

type endless struct{ blocks }

func (endless) Find(off int64) (blockmap.Piece, error) {
	return blockmap.Piece{Kind: blockmap.Data, Length: 4096 - off%4096}, nil
}

// holey is a medium with a hole in it.
type holey struct{ *strings.Reader }

func (holey) Extents() ([]fsys.Extent, error) {
	return []fsys.Extent{{Length: 4}, {Offset: 14, Length: 5}}, nil
}

func TestHolesOfTheMedium(t *testing.T) {
	dev := blockmap.New("test", 20, blocks{[]int64{11, 1}, []byte(medium)}, blockmap.Medium{R: holey{strings.NewReader(medium)}, Size: int64(len(medium))})
	got, err := dev.Extents()
	want := []fsys.Extent{{Offset: 3, Length: 5, Physical: 14}, {Offset: 10, Length: 3, Physical: 1}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v", got, err)
	}
}

func TestTable(t *testing.T) {
	data := make([]byte, 300000)
	for n := range 37000 {
		binary.BigEndian.PutUint64(data[100+8*n:], uint64(n)<<33)
	}
	r := bytes.NewReader(data)
	table, err := blockmap.NewTable("test", r, r.Size(), 100, 37000, 8, binary.BigEndian)
	if err != nil || table.Len() != 37000 {
		t.Fatal(err)
	}
	for _, n := range []int64{0, 1, 8191, 8192, 36999} {
		if v, err := table.At(n); err != nil || v != uint64(n)<<33 {
			t.Errorf("%d: %d %v", n, v, err)
		}
	}
	for _, n := range []int64{-1, 37000} {
		if _, err := table.At(n); err == nil {
			t.Errorf("entry %d is there", n)
		}
	}
	for _, c := range [][2]int64{{-8, 1}, {8, -1}, {299993, 1}, {0, 1 << 62}, {1 << 62, 1}} {
		if _, err := blockmap.NewTable("test", r, r.Size(), c[0], c[1], 8, binary.BigEndian); err == nil || !strings.Contains(err.Error(), "truncated") {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	var c blockmap.Cache
	for n := range int64(100) {
		c.Put(blockmap.Key{Offset: n}, make([]byte, 1<<20))
	}
	if c.Get(blockmap.Key{Offset: 80}) != nil || c.Get(blockmap.Key{Offset: 99}) == nil {
		t.Error("the oldest go, the newest stay")
	}
}

// What is kept is decompressed once, and reads the same; a file that cannot be made
// keeps nothing.
func TestKeep(t *testing.T) {
	for name, open := range map[string]func() (*os.File, error){
		"kept":     func() (*os.File, error) { return os.CreateTemp(t.TempDir(), "") },
		"no room":  func() (*os.File, error) { return nil, errors.New("no room") },
		"readonly": func() (*os.File, error) { return os.Open(os.DevNull) },
	} {
		t.Run(name, func(t *testing.T) {
			counted := &counter{blocks: blocks{[]int64{-22, 0, -23}, []byte(medium)}}
			dev := blockmap.New("test", 30, counted, blockmap.Medium{R: strings.NewReader(medium), Size: int64(len(medium))})
			dev.Keep(open)
			for range 3 {
				got := ""
				for at := 0; at < 30; at += 6 { // never a whole block
					b := make([]byte, 6)
					if _, err := dev.ReadAt(b, int64(at)); err != nil {
						t.Fatal(err)
					}
					got += string(b)
				}
				if want := "xxxxxxxxxx\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00yyyyyyyyyy"; got != want {
					t.Fatalf("%q", got)
				}
				dev.Forget()
			}
			want := int32(6)
			if name == "kept" {
				want = 2
			}
			if got := counted.unpacked.Load(); got != want {
				t.Errorf("%d blocks were decompressed, want %d", got, want)
			}
		})
	}
}

// A counter counts what is decompressed.
type counter struct {
	blocks
	unpacked atomic.Int32
}

func (c *counter) Unpack(p blockmap.Piece, start int64, dst []byte) ([]byte, error) {
	c.unpacked.Add(1)
	return c.blocks.Unpack(p, start, dst)
}
