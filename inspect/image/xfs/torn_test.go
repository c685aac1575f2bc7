package xfs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/xfs"
)

// stages copies a filesystem in use at several moments. Its log is small, and
// goes round.
func stages(t testing.TB, count int, args ...string) []string {
	t.Helper()
	path := makeImage(t, 64<<20, append([]string{"-d", "agcount=2"}, args...)...)
	var out []string
	kerneltest.PopulateAs(t, "xfs", path, func(dir string) {
		for i := range count {
			sub := filepath.Join(dir, fmt.Sprint("stage", i))
			kerneltest.Must(t, os.Mkdir(sub, 0o755))
			churn(t, sub, 8)
			syncFS(t, dir)
			out = append(out, copySparse(t, path))
			kerneltest.Must(t, os.RemoveAll(filepath.Join(sub, "kept")))
		}
	})
	return out
}

// logKinds are what changes the form of the log.
func logKinds() []string {
	return []string{"-l size=6m", "-b size=1024 -n size=8192", "-i size=2048 -m rmapbt=1", "-l su=128k", "-s size=4096"}
}

func TestRoundLogsAgreeWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	for i, args := range logKinds() {
		t.Run(args, func(t *testing.T) {
			count := 8
			if os.Getenv("ASSAY_FULL") != "1" {
				count = 2
			}
			if i > 0 {
				fixtures.RequireFull(t)
			}
			t.Parallel()
			round := uint32(0)
			for _, path := range stages(t, count, strings.Fields(args)...) {
				data, err := os.ReadFile(path)
				kerneltest.Must(t, err)
				start, _ := place(data)
				round = cycleOf(data[start:])
				compareReplayed(t, path)
			}
			if round < 2 {
				t.Errorf("the log is in turn %d: it did not go round", round)
			}
		})
	}
}

// place finds the log: its first byte and its size.
func place(data []byte) (int64, int64) {
	u32 := func(at int) int64 { return int64(binary.BigEndian.Uint32(data[at:])) }
	start, groupBits := u32(52), data[124]
	return ((start>>groupBits)*u32(84) + start&(1<<groupBits-1)) * u32(4), u32(96) * u32(4)
}

// cycleOf is the turn in which a block of the log was written.
func cycleOf(block []byte) uint32 {
	if binary.BigEndian.Uint32(block) == 0xfeedbabe {
		block = block[4:]
	}
	return binary.BigEndian.Uint32(block)
}

// headOf is the first block whose cycle is less than that of the one before.
func headOf(log []byte) int {
	for at := 512; at < len(log); at += 512 {
		if cycleOf(log[at:]) < cycleOf(log[at-512:]) {
			return at / 512
		}
	}
	return 0
}

// tear spoils some of the blocks that were written last, as a crash may.
func tear(data []byte, r *rand.Rand) string {
	start, size := place(data)
	log := data[start : start+size]
	head := headOf(log)
	var what strings.Builder
	for range 1 + r.Intn(3) {
		back := r.Intn([]int{4, 60, 600}[r.Intn(3)])
		at := (head - 1 - back + len(log)/512) % (len(log) / 512) * 512
		block := log[at : at+512]
		how := []string{"unwritten", "flipped", "zero"}[r.Intn(3)]
		fmt.Fprintf(&what, " %s -%d", how, back)
		switch how {
		case "unwritten": // it is what the turn before left
			cycle := cycleOf(block) - 1
			clear(block)
			binary.BigEndian.PutUint32(block, cycle)
		case "flipped":
			block[8+r.Intn(500)] ^= 0xff
		default:
			clear(block)
		}
	}
	return what.String()
}

// Of a log with a spoiled end the reader makes what the kernel makes.
func TestTornLogsAgreeWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	kinds, count, each := logKinds()[:1], 1, 3
	if os.Getenv("ASSAY_FULL") == "1" {
		kinds, count, each = logKinds(), 4, 8
	}
	for seed, args := range kinds {
		t.Run(args, func(t *testing.T) {
			r := rand.New(rand.NewSource(int64(seed)))
			read, refused := 0, 0
			for _, path := range stages(t, count, strings.Fields(args)...) {
				data, err := os.ReadFile(path)
				kerneltest.Must(t, err)
				for range each {
					torn := bytes.Clone(data)
					what := tear(torn, r)
					if compareTorn(t, torn, what) {
						read++
					} else {
						refused++
					}
				}
			}
			t.Logf("%d read, %d refused", read, refused)
		})
	}
}

// compareTorn requires that both readers read an image, with the same result, or
// none does. It tells whether they do.
func compareTorn(t *testing.T, data []byte, what string) bool {
	t.Helper()
	name := filepath.Join(t.TempDir(), "torn")
	kerneltest.Must(t, os.WriteFile(name, data, 0o600))
	defer os.Remove(name)
	fs, ours := xfs.Open(context.Background(), bytes.NewReader(data), int64(len(data)))
	oracle, theirs := kernel.Open(name, kernel.Options{Type: "xfs", Replay: true})
	if (ours == nil) != (theirs == nil) {
		t.Errorf("%s: ours %v, the kernel %v", what, ours, theirs)
	}
	if theirs != nil {
		return false
	}
	defer func() { kerneltest.Must(t, oracle.Close()) }()
	if ours == nil {
		fsystest.Compare(t, withoutReasons(fsystest.Contents(t, fs)), withoutReasons(fsystest.Contents(t, oracle)))
	}
	return true
}

// withoutReasons leaves of an error that there is one.
func withoutReasons(list map[string]string) map[string]string {
	for path, line := range list {
		before, _, failed := strings.Cut(line, "!")
		if failed {
			list[path] = before + "!"
		}
	}
	return list
}
