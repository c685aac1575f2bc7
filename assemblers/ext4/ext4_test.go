package ext4

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assay-os/assay/assemblers/treetest"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
	"golang.org/x/sys/unix"
)

const (
	testUUID   = "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75"
	testOffset = 1 << 20
	testSize   = 64 << 20
)

var testEpoch = time.Unix(1579910400, 0)

// build makes a filesystem of a tree in a new image file.
func build(t *testing.T, source string, entries []report.Entry) (string, error) {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, testOffset+testSize); err != nil {
		t.Fatal(err)
	}
	return image, Make(context.Background(), Spec{
		Image: image, Offset: testOffset, Size: testSize, UUID: testUUID, Label: "root",
		Source: source, Entries: entries, Epoch: testEpoch, Scratch: t.TempDir(), Step: &step.Context{},
	})
}

func requireTools(t *testing.T) {
	t.Helper()
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "mke2fs", "debugfs", "e2fsck", "mount")
}

func TestHoldsTheTree(t *testing.T) {
	requireTools(t)
	source := t.TempDir()
	treetest.Make(t, source, false)
	want := treetest.Scan(t, source)
	image, err := build(t, source, want)
	if err != nil {
		t.Fatal(err)
	}
	treetest.Run(t, "e2fsck", "-fn", image+"?offset=1048576")
	got := treetest.Mounted(t, image, testOffset, testSize)
	for _, d := range treetest.Diff(want, got) {
		t.Error(d)
	}
	head, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Trim(string(head[:testOffset]), "\x00") != "" {
		t.Error("bytes before the filesystem were written")
	}
	info, err := os.Stat(image)
	if err != nil {
		t.Fatal(err)
	}
	// The tree has about 2 MiB of data, and the filesystem its bitmaps and directories.
	if used := info.Sys().(*syscall.Stat_t).Blocks * 512; used > 6<<20 {
		t.Errorf("the image takes %d bytes on disk", used)
	}
}

func TestRepeats(t *testing.T) {
	requireTools(t)
	a, b, c := t.TempDir(), tmpfs(t), filepath.Join(t.TempDir(), "dense")
	treetest.Make(t, a, false)
	treetest.Make(t, b, true)
	treetest.Run(t, "cp", "-a", "--sparse=never", a, c)
	entries := treetest.Scan(t, a)
	first := ""
	for _, source := range []string{a, b, c} {
		if d := treetest.Diff(entries, treetest.Scan(t, source)); len(d) > 0 {
			t.Fatalf("the copies differ: %v", d)
		}
		image, err := build(t, source, entries)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := treetest.Sum(image)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = sum
		}
		if sum != first {
			t.Errorf("two copies of one tree gave %s and %s", first, sum)
		}
		time.Sleep(1100 * time.Millisecond) // another second on the clock, which must not show
	}
}

// e2fsprogs reads the clock when it is told that the time is zero.
func TestEpochZero(t *testing.T) {
	env := Spec{Epoch: time.Unix(0, 0)}.env()
	if env[0] != "E2FSPROGS_FAKE_TIME=1" {
		t.Errorf("got %s", env[0])
	}
}

// tmpfs is a directory on another kind of filesystem than t.TempDir.
func tmpfs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	treetest.Run(t, "mount", "-t", "tmpfs", "tmpfs", dir)
	t.Cleanup(func() { treetest.Run(t, "umount", dir) })
	return dir
}

// Space that reads as zeros, written or reserved, is given back; content stays.
func TestDig(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, 16<<20); err != nil {
		t.Skipf("no space can be reserved here: %v", err)
	}
	for at, text := range map[int64]string{0: "before", 1<<20 + 5: "inside", 2 << 20: strings.Repeat("\x00", 1<<20), 16<<20 - 5: "after"} {
		if _, err := f.WriteAt([]byte(text), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	before, err := treetest.Sum(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := dig(name, 1<<20, 14<<20); err != nil {
		t.Fatal(err)
	}
	after, err := treetest.Sum(name)
	if err != nil || before != after {
		t.Errorf("the content was changed: %s, then %s, %v", before, after, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	if used := st.Blocks * 512; used < 2<<20 || used > 3<<20 {
		t.Errorf("%d bytes are in use; the 2 MiB outside must stay, the rest become holes", used)
	}
}
