package build_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/fixtures"
)

// fullManifest is crashManifest with content that takes room.
func fullManifest() string {
	more := shell("i=0; while [ $i -lt 20 ]; do head -c 20000 /dev/zero | tr '\\\\0' $i > n$i; i=$((i+1)); done")
	return strings.Replace(crashManifest(), shell("rm -r b; mkdir -p b/c; echo x > b/c/d"), more+", "+shell("rm -r b n1; mkdir -p b/c; echo x > b/c/d"), 1)
}

// onTmpfs gives a directory on a tmpfs of its own.
func onTmpfs(t *testing.T, options string) string {
	t.Helper()
	fixtures.RequireRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFullAtManyPoints runs a build in stores with less and less room, in
// inodes, of which every new file takes one, and in bytes. Each build says that
// the disk is full. With room again the same store gives the same digest.
func TestFullAtManyPoints(t *testing.T) {
	dir := onTmpfs(t, "size=64m")
	b := newBench(t, filepath.Join(dir, "store"))
	want, err := b.build(context.Background(), fullManifest())
	if err != nil {
		t.Fatal(err)
	}
	points := 3
	if os.Getenv("ASSAY_FULL") == "1" {
		points = 24
	}
	// Enough to hold what is left at the end is not enough on the way there.
	inodes, bytes := used(t, dir)
	for i := range points {
		nth := func(all uint64) uint64 { return all*uint64(2*i+1)/uint64(2*points) + 2 }
		for _, limit := range []string{fmt.Sprintf("size=64m,nr_inodes=%d", nth(inodes)), fmt.Sprintf("size=%dk", 8+nth(bytes)>>10)} {
			t.Run(limit, func(t *testing.T) { fullAt(t, limit, want.Trees["two"].Digest) })
		}
	}
}

// used is how many inodes and bytes the filesystem of dir holds.
func used(t *testing.T, dir string) (inodes, bytes uint64) {
	t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	return s.Files - s.Ffree, (s.Blocks - s.Bfree) * uint64(s.Bsize)
}

func fullAt(t *testing.T, limit, want string) {
	dir := onTmpfs(t, limit)
	err := buildAt(filepath.Join(dir, "store"), want)
	if err == nil || !strings.Contains(strings.ToLower(err.Error()), "no space left") {
		t.Errorf("with %s: got %v", limit, err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=64m,nr_inodes=0"); err != nil {
		t.Fatal(err)
	}
	if err := buildAt(filepath.Join(dir, "store"), want); err != nil {
		t.Errorf("with room again: %v", err)
	}
	s, err := store.Open(filepath.Join(dir, "store"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := s.Verify(t.Context(), nil); err != nil || len(problems) > 0 {
		t.Errorf("verify: %v, %v", problems, err)
	}
	noMounts(t, dir)
}

// buildAt builds in the store, which it opens anew, as a command does.
func buildAt(dir, want string) error {
	b, err := openBench(dir)
	if err != nil {
		return err
	}
	r, err := b.build(context.Background(), fullManifest())
	if err == nil && r.Trees["two"].Digest != want {
		err = fmt.Errorf("digest %s, want %s", r.Trees["two"].Digest, want)
	}
	return err
}
