package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestExportRefusesAndLeavesNothing(t *testing.T) {
	d := openTest(t, t.TempDir(), Auto)
	base, _ := step(t, d, EmptyTree(), "k", write("f", "one\n"))
	dir := t.TempDir()
	if err := d.Export(t.Context(), base, dir); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("export over a directory gave %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Export(ctx, base, filepath.Join(dir, "x")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled export gave %v", err)
	}
	if names, _ := os.ReadDir(dir); len(names) > 0 {
		t.Errorf("left %v", names)
	}
}

func TestExportKeepsHoles(t *testing.T) {
	bothModes(t, func(t *testing.T, d *Dir) {
		const size = 64<<20 + 1234
		base, l := step(t, d, EmptyTree(), "k", func(dir string) error {
			f, err := os.Create(filepath.Join(dir, "disk.raw"))
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte("middle"), 32<<20)
			return errors.Join(err, f.Truncate(size), f.Close())
		})
		base, _ = step(t, d, base, "k2", nothing)
		dst := filepath.Join(t.TempDir(), "out")
		if err := d.Export(t.Context(), base, dst); err != nil {
			t.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(dst, "disk.raw"), &st); err != nil || st.Size != size || st.Blocks*512 > 1<<20 {
			t.Errorf("the copy has %d bytes in %d blocks (%v)", st.Size, st.Blocks, err)
		}
		if sum, err := hashFile(t.Context(), filepath.Join(dst, "disk.raw")); err != nil || !strings.Contains(tree(t, d, base)["/disk.raw"], sum[:8]) {
			t.Errorf("the copy has SHA-256 %s (%v)", sum, err)
		}
		if out, err := command("sha256sum", filepath.Join(dst, "disk.raw")); err != nil || !strings.Contains(tree(t, d, base)["/disk.raw"], out[:8]) {
			t.Errorf("sha256sum tells %s (%v)", out, err)
		}
		if l.Bytes != size {
			t.Errorf("the layer has %d bytes", l.Bytes)
		}
	})
}
