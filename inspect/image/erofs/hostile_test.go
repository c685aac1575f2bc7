package erofs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/erofs"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// readAll walks an image and reads what it shows, up to a bound for each file:
// a hostile size is the caller's to bound.
func readAll(ctx context.Context, data []byte) error {
	fs, err := erofs.Open(ctx, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	var errs error
	names := 0
	err = fs.Walk(ctx, func(n *fsys.Node) error {
		if names++; names > 1000000 {
			return errors.New("a small image shows a million names")
		}
		errs = errors.Join(errs, n.Err)
		if n.Type == report.File && n.Sys != nil {
			errs = errors.Join(errs, readSome(fs, n))
		}
		return nil
	})
	return errors.Join(err, errs)
}

func readSome(fs *erofs.FS, n *fsys.Node) error {
	c, err := fs.Open(n)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Extents(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(io.NewSectionReader(c, 0, c.Size()), 1<<20))
	return err
}

// littleTree has every kind of content in a few files.
func littleTree(t testing.TB, dir string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	kerneltest.Must(t, os.MkdirAll(at("d/e"), 0o755),
		os.WriteFile(at("d/text"), text(24000, 3), 0o644),
		os.WriteFile(at("d/again"), append([]byte("before "), text(24000, 3)[:15000]...), 0o644),
		os.WriteFile(at("noise"), noise(4500, 3), 0o600),
		os.WriteFile(at("both"), append(text(5000, 5), noise(1500, 6)...), 0o600),
		os.WriteFile(at("zeros"), make([]byte, 20000), 0o600),
		os.WriteFile(at("small"), []byte("small"), 0o644),
		os.Symlink("small", at("link")))
	for i := range 40 {
		kerneltest.Must(t, os.Link(at("small"), at(fmt.Sprintf("d/e/another-name-%040d", i))))
	}
	for _, name := range []string{"d", "both", "noise"} {
		for attr, value := range map[string]string{"user.long.prefix.one": "shared by several", "user.long.prefix.own": name} {
			kerneltest.Must(t, unix.Setxattr(at(name), attr, []byte(value), 0))
		}
	}
	old := time.Unix(1700000000, 0)
	kerneltest.Must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Type() == os.ModeSymlink {
			return err
		}
		return os.Chtimes(path, old, old)
	}))
}

// tiny makes an image of a few files.
func tiny(t testing.TB, args string) []byte {
	t.Helper()
	fixtures.RequireTool(t, "mkfs.erofs")
	dir, image := t.TempDir(), filepath.Join(t.TempDir(), "fs")
	littleTree(t, dir)
	argv := append(strings.Fields(args), "-U"+uuid, image, dir)
	if out, err := exec.Command("mkfs.erofs", argv...).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.erofs %v: %v: %s", argv, err, out)
	}
	data, err := os.ReadFile(image)
	kerneltest.Must(t, err)
	return unsummed(data)
}

// unsummed takes the checksum out of the superblock, so that what is flipped is
// believed.
func unsummed(data []byte) []byte {
	data[1024+8] &^= 1
	return data
}

// targets are small images of every layout: those that this machine's
// mkfs.erofs makes, and those of a newer one.
func targets(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{
		"plain":   tiny(t, ""),
		"chunks":  tiny(t, "--chunksize=4096"),
		"lz4":     tiny(t, "-zlz4"),
		"big":     tiny(t, "-zlz4hc -C16384"),
		"legacy":  tiny(t, "-zlz4 -Elegacy-compress"),
		"tail":    tiny(t, "-zlz4hc -Eztailpacking"),
		"outline": tiny(t, "-x1 -Enoinline_data -Eforce-inode-extended"),
	}
	for name, data := range newerImages(t) {
		out["newer-"+name] = unsummed(data)
	}
	return out
}

func TestFlippedBytesAreSurvived(t *testing.T) {
	t.Parallel()
	sweep(t, 401)
}

func TestEveryFlippedByteIsSurvived(t *testing.T) {
	fixtures.RequireFull(t)
	sweep(t, 1)
}

// sweep flips every step-th byte.
func sweep(t *testing.T, step int) {
	for name, data := range targets(t) {
		t.Run(name, func(t *testing.T) {
			if err := readAll(context.Background(), data); err != nil {
				t.Fatal(err)
			}
			told := 0
			for at := 1024; at < len(data); at += step {
				if allZero(data[at&^15 : min(len(data), at&^15+16)]) {
					continue
				}
				for _, v := range []byte{0x01, 0x80, 0xff} {
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

func TestTruncatedImagesAreTold(t *testing.T) {
	for name, data := range targets(t) {
		for size := 0; size < len(data); size += 4096 {
			if err := readAll(context.Background(), data[:size]); err == nil {
				t.Errorf("%s: %d of %d bytes read without an error", name, size, len(data))
			}
		}
	}
}

// With its checksum, no flip in the superblock goes unnoticed.
func TestFlippedSuperblockIsTold(t *testing.T) {
	data := tiny(t, "-zlz4")
	data[1024+8] |= 1
	for i := range 128 {
		data[1024+i] ^= 0x10
		if err := readAll(context.Background(), data); err == nil {
			t.Errorf("a flip in byte %d of the superblock is not told", i)
		}
		data[1024+i] ^= 0x10
	}
	if err := readAll(context.Background(), data); err != nil {
		t.Error(err)
	}
}

func TestUnreadFeaturesAreNamed(t *testing.T) {
	plain := tiny(t, "")
	for name, c := range map[string]struct {
		at   int
		with byte
		want string
	}{
		"incompatible":     {80 + 1, 0x06, "FEATURE_I9, FEATURE_I10"},
		"directory blocks": {90, 1, "directories in blocks of their own size"},
		"block size":       {12, 17, "block size 2^17"},
		"blocks":           {36 + 2, 1, "truncated"},
		"nanoseconds":      {32 + 3, 0xff, "nanoseconds"},
		"compressions":     {84, 0x40, "compressions that are not read: bits 0x40"},
	} {
		data := bytes.Clone(plain)
		data[1024+80] |= 2 // with configurations of compressions
		data[1024+c.at] = c.with
		if err := readAll(context.Background(), data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// FuzzWalk changes bytes of real images. Whole images as input would spend the
// time on their zeros.
func FuzzWalk(f *testing.F) {
	all := targets(f)
	var data [][]byte
	for _, name := range slices.Sorted(maps.Keys(all)) {
		data = append(data, all[name])
	}
	for i := range data {
		f.Add(uint8(i), []byte{4, 0, 80, 1, 4, 0, 12, 9})
		f.Add(uint8(i), []byte{5, 0, 0x8, 1, 6, 16, 5, 0x80})
	}
	f.Fuzz(func(t *testing.T, which uint8, patches []byte) {
		b := bytes.Clone(data[int(which)%len(data)])
		for ; len(patches) >= 4; patches = patches[4:] {
			b[(int(patches[0])<<8|int(patches[1])<<4|int(patches[2]))%len(b)] = patches[3]
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := readAll(ctx, b); errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("reading does not end")
		}
	})
}
