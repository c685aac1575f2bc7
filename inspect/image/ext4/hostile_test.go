package ext4_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/ext4"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// readAll walks an image and reads what it shows, up to a bound for each file:
// a hostile size is the caller's to bound.
func readAll(ctx context.Context, data []byte) error {
	fs, err := ext4.Open(ctx, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	var errs error
	names := 0
	err = fs.Walk(ctx, func(n *fsys.Node) error {
		if names++; names > 1000000 {
			return errors.New("a small image shows a million names")
		}
		if n.Err != nil {
			errs = n.Err
		}
		if n.Type != report.File || n.Sys == nil {
			return nil
		}
		c, err := fs.Open(n)
		if err != nil {
			errs = err
			return nil
		}
		defer c.Close()
		if _, err := c.Extents(); err != nil {
			errs = err
		}
		_, err = io.Copy(io.Discard, io.LimitReader(io.NewSectionReader(c, 0, c.Size()), 1<<20))
		if err != nil {
			errs = err
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errs
}

// tiny makes an image of a few files that has every kind of metadata.
func tiny(t testing.TB, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	kerneltest.Must(t, os.MkdirAll(filepath.Join(dir, "d/e"), 0o755),
		os.WriteFile(filepath.Join(dir, "d/f"), bytes.Repeat([]byte("x"), 20000), 0o644),
		os.WriteFile(filepath.Join(dir, "small"), []byte("small"), 0o644),
		os.Symlink("small", filepath.Join(dir, "link")))
	for i := range 40 {
		kerneltest.Must(t, os.Link(filepath.Join(dir, "small"), filepath.Join(dir, "d/e", fmt.Sprintf("another-name-%040d", i))))
	}
	size := int64(300 << 10)
	if slices.Contains(args, "-J") {
		size = 3 << 20
	}
	path := kerneltest.Make(t, size, append([]string{"-b", "1024", "-N", "16", "-d", dir, "-E", "hash_seed=6f1ed002-ab5a-4f4c-8d3b-7c5f0a1b2c3d", "-U", "6f1ed002-ab5a-4f4c-8d3b-7c5f0a1b2c3d"}, args...)...)
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	return data
}

// tinyVariants have no checksums, so that what is flipped is not caught at once.
func tinyVariants() map[string][]string {
	return map[string][]string{
		"extents": {"-t", "ext4", "-O", "^metadata_csum,^has_journal,^resize_inode"},
		"maps":    {"-t", "ext2", "-O", "^resize_inode"},
		"inline":  {"-t", "ext4", "-O", "inline_data,^metadata_csum,^has_journal,^resize_inode"},
		"checked": {"-t", "ext4", "-O", "^has_journal,^resize_inode"},
	}
}

// metadata are the bytes of an image that are not content: the superblock, the
// descriptors, the inodes, directories. In an image this small they all lie in the first blocks.
const metadata = 24 << 10

func TestFlippedBytesAreSurvived(t *testing.T) {
	t.Parallel()
	sweep(t, 11)
}

func TestEveryFlippedByteIsSurvived(t *testing.T) {
	fixtures.RequireFull(t)
	sweep(t, 1)
}

// sweep flips every step-th byte of the metadata.
func sweep(t *testing.T, step int) {
	values := []byte{0x01, 0x80, 0xff}
	for name, args := range tinyVariants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := tiny(t, args...)
			if err := readAll(context.Background(), data); err != nil {
				t.Fatal(err)
			}
			told := 0
			for at := 1024; at < metadata; at += step {
				if allZero(data[at&^15 : at&^15+16]) {
					continue // bitmaps and empty blocks
				}
				for _, v := range values {
					data[at] ^= v
					if told += timed(t, data, fmt.Sprint("byte ", at)); t.Failed() {
						return
					}
					data[at] ^= v
				}
			}
			t.Logf("%d flips were told", told)
		})
	}
}

// timed reads an image and fails when that takes long; 1 when an error was told.
func timed(t *testing.T, data []byte, what string) int {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := readAll(ctx, data)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("%s: reading takes %v", what, took)
	}
	if err != nil {
		return 1
	}
	return 0
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// With checksums, no flip in a structure that has one may go unnoticed.
func TestFlippedInodeIsAlwaysTold(t *testing.T) {
	fixtures.RequireTool(t, "debugfs")
	data := tiny(t, tinyVariants()["checked"]...)
	path := filepath.Join(t.TempDir(), "img")
	kerneltest.Must(t, os.WriteFile(path, data, 0o600))
	var block, offset int
	out := kerneltest.Run(t, "debugfs", "-R", "imap /d/f", path)
	at := bytes.Index([]byte(out), []byte("located at block "))
	if _, err := fmt.Sscanf(out[at:], "located at block %d, offset 0x%x", &block, &offset); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i := range 160 {
		data[block*1024+offset+i] ^= 0x10
		if readAll(context.Background(), data) == nil {
			t.Errorf("a flip in byte %d of the inode is not told", i)
		}
		data[block*1024+offset+i] ^= 0x10
	}
}

func TestTruncationIsTold(t *testing.T) {
	data := tiny(t, tinyVariants()["extents"]...)
	for n := 0; n < len(data); n += 1024 {
		if readAll(context.Background(), data[:n]) == nil {
			t.Errorf("an image cut at %d of %d bytes reads without an error", n, len(data))
		}
	}
}

// A directory that contains itself, and an extent tree whose node is its own child.
func TestCyclesEnd(t *testing.T) {
	fixtures.RequireTool(t, "debugfs")
	data := tiny(t, tinyVariants()["extents"]...)
	path := filepath.Join(t.TempDir(), "img")
	kerneltest.Must(t, os.WriteFile(path, data, 0o600))
	kerneltest.Run(t, "debugfs", "-w", "-R", "link /d /d/e/loop", path)
	looped, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	if err := readAll(context.Background(), looped); err == nil {
		t.Error("a directory within itself is not told")
	}
}

// dirtyTiny is an image whose journal holds two transactions, made by debugfs
// without a mount: one writes blocks of a directory and of inodes, one revokes.
func dirtyTiny(t testing.TB) []byte {
	t.Helper()
	fixtures.RequireTool(t, "debugfs")
	data := tiny(t, "-t", "ext4", "-O", "^metadata_csum,^resize_inode", "-J", "size=1")
	path, block := filepath.Join(t.TempDir(), "img"), filepath.Join(t.TempDir(), "block")
	script := filepath.Join(t.TempDir(), "script")
	kerneltest.Must(t, os.WriteFile(path, data, 0o600), os.WriteFile(block, []byte("\xc0\x3b\x39\x98"+string(bytes.Repeat([]byte("log "), 511))), 0o600),
		os.WriteFile(script, []byte("jo\njw -b 1200,1201 "+block+"\njw -r 1200\njc\n"), 0o600))
	kerneltest.Run(t, "debugfs", "-w", "-f", script, path)
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	if bytes.Count(data, []byte("log log ")) == 0 || data[1024+0x60]&4 == 0 {
		t.Fatal("the image is clean: nothing would be replayed")
	}
	return data
}

func TestTinyJournalIsReplayed(t *testing.T) {
	if err := readAll(context.Background(), dirtyTiny(t)); err != nil {
		t.Error(err)
	}
}

// A target is an image with the places where it is not all zero.
type target struct {
	data   []byte
	blocks []int
}

func newTarget(data []byte) target {
	const unit = 256
	out := target{data: data}
	for at := 0; at+unit <= len(data); at += unit {
		if !allZero(data[at : at+unit]) {
			out.blocks = append(out.blocks, at)
		}
	}
	return out
}

// patched is a copy with bytes changed: three bytes of a patch say where among
// what is not zero, one what.
func (g target) patched(patches []byte) []byte {
	data := bytes.Clone(g.data)
	for ; len(patches) >= 4; patches = patches[4:] {
		block, off := int(patches[0])<<8|int(patches[1]), int(patches[2])
		data[g.blocks[block%len(g.blocks)]+off] = patches[3]
	}
	return data
}

// FuzzWalk changes bytes of real images. Whole images as input would spend the
// time on their zeros.
func FuzzWalk(f *testing.F) {
	targets := []target{newTarget(dirtyTiny(f))}
	for _, name := range slices.Sorted(maps.Keys(tinyVariants())) {
		targets = append(targets, newTarget(tiny(f, tinyVariants()[name]...)))
	}
	for i := range targets {
		f.Add(uint8(i), []byte{0, 0, 0x48, 1, 0, 8, 0, 0xff})
		f.Add(uint8(i), []byte{0, 40, 0x8, 1, 0, 42, 5, 0x80, 0, 44, 8, 8})
	}
	f.Fuzz(func(t *testing.T, which uint8, patches []byte) {
		data := targets[int(which)%len(targets)].patched(patches)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := readAll(ctx, data); errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("reading does not end")
		}
	})
}
