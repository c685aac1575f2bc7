package mapper_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/mapper"
)

// memory is a device of bytes; its runs are what is not zero, in units of 16.
type memory []byte

func (m memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m).ReadAt(p, off)
}
func (m memory) Size() int64 { return int64(len(m)) }
func (m memory) Extents() ([]fsys.Extent, error) {
	var out []fsys.Extent
	for at := 0; at < len(m); at += 16 {
		if part := m[at:min(at+16, len(m))]; len(bytes.Trim(part, "\x00")) > 0 {
			out = append(out, fsys.Extent{Offset: int64(at), Length: int64(len(part))})
		}
	}
	return out, nil
}

// noise is n bytes, about half of its units of 16 zero.
func noise(rng *rand.Rand, n int) *memory {
	m := make(memory, n)
	for at := 0; at < n; at += 16 {
		if rng.IntN(2) == 0 {
			for i := at; i < min(at+16, n); i++ {
				m[i] = byte(rng.IntN(255) + 1)
			}
		}
	}
	return &m
}

// expand says what a table of targets means, a byte at a time.
func expand(targets []mapper.Target) []byte {
	var out []byte
	for _, t := range targets {
		for off := range t.Length {
			if len(t.Legs) == 0 {
				out = append(out, 0)
				continue
			}
			leg, at := t.Legs[0], off
			if n := int64(len(t.Legs)); n > 1 {
				row, in := off/(t.Chunk*n), off%(t.Chunk*n)
				leg, at = t.Legs[in/t.Chunk], row*t.Chunk+in%t.Chunk
			}
			out = append(out, (*leg.Device.(*memory))[leg.Offset+at])
		}
	}
	return out
}

func TestReadsWhatTheTableSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		a, b := noise(rng, 4096), noise(rng, 4096)
		var targets []mapper.Target
		for range 1 + rng.IntN(4) {
			switch chunk := int64(8 << rng.IntN(4)); rng.IntN(3) {
			case 0:
				targets = append(targets, mapper.Target{Length: int64(1 + rng.IntN(500)), Legs: []mapper.Leg{{Device: a, Offset: int64(rng.IntN(3500))}}})
			case 1:
				targets = append(targets, mapper.Target{Length: int64(1 + rng.IntN(100))})
			default:
				targets = append(targets, mapper.Target{Length: chunk * 2 * int64(1+rng.IntN(10)), Chunk: chunk,
					Legs: []mapper.Leg{{Device: a, Offset: int64(rng.IntN(2000))}, {Device: b, Offset: int64(rng.IntN(2000))}}})
			}
		}
		d, err := mapper.New(targets)
		if err != nil {
			t.Fatal(err)
		}
		check(t, fmt.Sprint("table ", i), rng, d, expand(targets))
	}
}

// check reads a device whole and in pieces, and holds that nothing outside of
// its extents is other than zero.
func check(t *testing.T, name string, rng *rand.Rand, d fsys.Device, want []byte) {
	t.Helper()
	got, err := io.ReadAll(io.NewSectionReader(d, 0, 1<<20))
	if err != nil || !bytes.Equal(got, want) || d.Size() != int64(len(want)) {
		t.Fatalf("%s: %d bytes, %d wanted, size %d, equal %v, %v", name, len(got), len(want), d.Size(), bytes.Equal(got, want), err)
	}
	for range 20 {
		off := rng.IntN(len(want))
		p := make([]byte, rng.IntN(len(want)-off)+1)
		n, err := d.ReadAt(p, int64(off))
		if left := len(want) - off; n != min(len(p), left) || err != nil && err != io.EOF || !bytes.Equal(p[:n], want[off:off+n]) {
			t.Fatalf("%s: %d bytes at %d: %d, %v", name, len(p), off, n, err)
		}
	}
	runs, err := d.Extents()
	if err != nil {
		t.Fatal(err)
	}
	end := int64(0)
	for _, x := range append(runs, fsys.Extent{Offset: int64(len(want))}) {
		if x.Offset < end || len(bytes.Trim(want[end:x.Offset], "\x00")) > 0 {
			t.Fatalf("%s: data before byte %d is in no extent of %v", name, x.Offset, runs)
		}
		end = x.Offset + x.Length
	}
}

func TestHolesOfADeviceBelowStay(t *testing.T) {
	m := make(memory, 1<<20)
	m[700<<10] = 1
	d, err := mapper.Section(&m, 512<<10, 512<<10)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := d.Extents()
	if err != nil || len(runs) != 1 || runs[0].Offset != 188<<10 || runs[0].Length != 16 {
		t.Errorf("%v, %v", runs, err)
	}
}

func TestImpossibleTablesAreRefused(t *testing.T) {
	m := make(memory, 100)
	leg := mapper.Leg{Device: &m}
	for name, targets := range map[string][]mapper.Target{
		"empty piece":     {{Length: 0}},
		"negative":        {{Length: -1}},
		"overflow":        {{Length: 1 << 62}, {Length: 1 << 62}},
		"beyond the end":  {{Length: 101, Legs: []mapper.Leg{leg}}},
		"offset":          {{Length: 1, Legs: []mapper.Leg{{Device: &m, Offset: 100}}}},
		"negative offset": {{Length: 1, Legs: []mapper.Leg{{Device: &m, Offset: -1}}}},
		"no chunk":        {{Length: 100, Legs: []mapper.Leg{leg, leg}}},
		"half a chunk":    {{Length: 100, Chunk: 20, Legs: []mapper.Leg{leg, leg}}},
	} {
		if _, err := mapper.New(targets); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestErrorTargetFails(t *testing.T) {
	broken := errors.New("no such place")
	d, err := mapper.New([]mapper.Target{{Length: 10}, {Length: 10, Err: broken}})
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 20)
	if n, err := d.ReadAt(p, 0); n != 10 || !errors.Is(err, broken) {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := d.ReadAt(p, -1); err == nil {
		t.Error("a negative offset is read")
	}
}
