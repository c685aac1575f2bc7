package ext4

import (
	"math/rand/v2"
	"testing"
)

// Of each block the last run tells, however they overlap.
func TestLaterWins(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		want := map[uint64]uint64{}
		var runs []run
		for range r.IntN(9) {
			x := run{r.Uint64N(40), r.Uint64N(3) * (100 + r.Uint64N(900)), r.Uint64N(12)}
			runs = append(runs, x)
			for i := range x.length {
				if want[x.logical+i] = x.physical + i; x.physical == 0 {
					delete(want, x.logical+i)
				}
			}
		}
		next := uint64(0)
		got := map[uint64]uint64{}
		for _, x := range below(1000, laterWins(runs)) {
			if x.logical < next || x.length == 0 {
				t.Fatalf("%v: not in order", runs)
			}
			next = x.logical + x.length
			for i := range x.length {
				got[x.logical+i] = x.physical + i
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%v: %d blocks, want %d", runs, len(got), len(want))
		}
		for block, at := range want {
			if got[block] != at {
				t.Fatalf("%v: block %d is at %d, want %d", runs, block, got[block], at)
			}
		}
	}
}

// Broken tags are refused, not read beyond their end.
func TestShortFastCommitTags(t *testing.T) {
	for tag := uint16(fastAddRange); tag <= fastHead; tag++ {
		for size := range 140 {
			log, err := newFastLog([]fastTagValue{{tag, make([]byte, size)}})
			if err == nil && log == nil {
				t.Errorf("tag %d of %d bytes", tag, size)
			}
		}
	}
}
