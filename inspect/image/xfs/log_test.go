package xfs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// copySparse copies a file with its holes.
func copySparse(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.img")
	kerneltest.Run(t, "cp", "--sparse=always", from, to)
	return to
}

// shutdown stops a filesystem as a crash does: what the log has is all that there will be.
func shutdown(t testing.TB, dir string, flags int) {
	t.Helper()
	const goingDown = 0x8004587d // XFS_IOC_GOINGDOWN
	f, err := os.Open(dir)
	kerneltest.Must(t, err, unix.IoctlSetPointerInt(int(f.Fd()), goingDown, flags), f.Close())
}

func syncFS(t testing.TB, dir string) {
	t.Helper()
	f, err := os.Open(dir)
	kerneltest.Must(t, err, unix.Syncfs(int(f.Fd())), f.Close())
}

// churn makes, changes and frees inodes, directories, attributes and extents.
func churn(t testing.TB, dir string, rounds int) {
	t.Helper()
	kept := filepath.Join(dir, "kept")
	kerneltest.Must(t, os.Mkdir(kept, 0o755))
	for round := range rounds {
		gone := filepath.Join(dir, fmt.Sprint("gone", round))
		kerneltest.Must(t, os.Mkdir(gone, 0o755))
		for i := range 400 {
			name := fmt.Sprintf("a-rather-long-name-for-a-file-%d-%d", round, i)
			kerneltest.Must(t, os.WriteFile(filepath.Join(gone, name), []byte{byte(i)}, 0o644))
			if i%3 == 0 {
				kerneltest.Must(t, os.Rename(filepath.Join(gone, name), filepath.Join(kept, name)),
					unix.Setxattr(filepath.Join(kept, name), "user.value", []byte(strings.Repeat("v", i*10)), 0))
			}
		}
		if round%2 == 0 {
			syncFS(t, dir)
		}
		if round > 0 {
			kerneltest.Must(t, os.RemoveAll(filepath.Join(dir, fmt.Sprint("gone", round-1))))
		}
	}
}

// dirty makes an image whose log was not replayed. Of a filesystem that was
// shut down everything is in the image; the others are copied while they are in use.
func dirty(t testing.TB, stop bool, rounds, many int, args ...string) string {
	t.Helper()
	path := makeImage(t, roomy, args...)
	copied := ""
	kerneltest.PopulateAs(t, "xfs", path, func(dir string) {
		kerneltest.Must(t, os.Mkdir(filepath.Join(dir, "hard"), 0o755))
		kerneltest.Hard(t, filepath.Join(dir, "hard"), blockSize(strings.Join(args, " ")), many)
		churn(t, dir, rounds)
		if stop {
			shutdown(t, dir, 1)
			return
		}
		syncFS(t, dir)
		copied = copySparse(t, path)
	})
	if stop {
		return path
	}
	return copied
}

// compareReplayed requires what the kernel shows after its own replay.
func compareReplayed(t testing.TB, path string) {
	t.Helper()
	got := fsystest.Contents(t, openImage(t, path))
	copied := copySparse(t, path)
	oracle, err := kernel.Open(copied, kernel.Options{Type: "xfs", Replay: true})
	kerneltest.Must(t, err)
	defer oracle.Close()
	fsystest.Compare(t, got, fsystest.Contents(t, oracle))
	t.Logf("%d entries", len(got))
}

func TestDirtyLogAgreesWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	for name, args := range map[string]string{
		"default": "", "1k": "-b size=1024 -n size=16384", "64k": "-b size=65536", "nrext64": "-i nrext64=1 -m rmapbt=1",
		"no-bigtime": "-m bigtime=0", "big-records": "-l su=256k", "inode-2048": "-i size=2048", "sector-4096": "-s size=4096",
	} {
		for _, stop := range []bool{true, false} {
			t.Run(fmt.Sprint(name, " stopped=", stop), func(t *testing.T) {
				if name != "default" && name != "1k" || stop != (name == "1k") {
					fixtures.RequireFull(t)
				}
				t.Parallel()
				path := dirty(t, stop, 4, 500, strings.Fields(args)...)
				if out := kerneltest.Run(t, "xfs_logprint", "-t", path); !strings.Contains(out, "DIRTY") {
					t.Fatalf("the log is clean: the test tests nothing\n%s", out)
				}
				compareReplayed(t, path)
			})
		}
	}
}
