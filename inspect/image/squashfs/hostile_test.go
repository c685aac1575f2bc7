package squashfs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/squashfs"
	"github.com/assay-os/assay/report"
)

// readAll walks an image and reads what it shows, up to a bound for each file:
// a hostile size is the caller's to bound.
func readAll(ctx context.Context, data []byte) error {
	fs, err := squashfs.Open(ctx, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	var errs error
	names, read := 0, map[uint64]bool{}
	err = fs.Walk(ctx, func(n *fsys.Node) error {
		if names++; names > 100000 {
			return errors.New("a small image shows a hundred thousand names")
		}
		if n.Err != nil {
			errs = n.Err
		}
		if n.Type != report.File || n.Sys == nil || read[n.Inode] {
			return nil
		}
		read[n.Inode] = true
		if err := readFile(fs, n); err != nil {
			errs = err
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errs
}

func readFile(fs *squashfs.FS, n *fsys.Node) error {
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

// tiny makes an image of a few files that has every kind of metadata.
func tiny(t testing.TB, args string) []byte {
	t.Helper()
	dir := t.TempDir()
	kerneltest.Must(t, os.MkdirAll(filepath.Join(dir, "d/e"), 0o755),
		os.WriteFile(filepath.Join(dir, "d/f"), bytes.Repeat([]byte("some text "), 2000), 0o644),
		os.WriteFile(filepath.Join(dir, "small"), []byte("small"), 0o644),
		os.WriteFile(filepath.Join(dir, "sparse"), nil, 0o644), os.Truncate(filepath.Join(dir, "sparse"), 100<<10),
		unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600),
		unix.Setxattr(filepath.Join(dir, "small"), "user.a", []byte("b"), 0),
		unix.Setxattr(filepath.Join(dir, "d/f"), "user.a", bytes.Repeat([]byte("b"), 100), 0),
		unix.Setxattr(filepath.Join(dir, "d"), "user.a", bytes.Repeat([]byte("b"), 100), 0),
		os.Symlink("small", filepath.Join(dir, "link")))
	for i := range 300 {
		kerneltest.Must(t, os.Link(filepath.Join(dir, "small"), filepath.Join(dir, "d/e", fmt.Sprintf("another-name-%020d", i))))
	}
	path := filepath.Join(t.TempDir(), "img")
	variant{args: "-b 4096 -nopad -all-time 1700000000 -mkfs-time 1700000000 " + args}.pack(t, dir, path)
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	return data
}

// tinyVariants are plain, so that what is flipped is believed, and in each
// compression.
func tinyVariants() map[string]string {
	return map[string]string{
		"plain": "-noI -noD -noF -noX", "plain metadata": "-noI -noX -always-use-fragments", "gzip": "", "lzo": "-comp lzo",
		"lz4": "-comp lz4", "xz": "-comp xz -Xbcj x86", "zstd": "-comp zstd", "lzma": "-comp lzma",
	}
}

func TestFlippedBytesAreSurvived(t *testing.T) {
	t.Parallel()
	sweep(t, 43)
}

func TestEveryFlippedByteIsSurvived(t *testing.T) {
	fixtures.RequireFull(t)
	sweep(t, 1)
}

// sweep flips every step-th byte, in three ways.
func sweep(t *testing.T, step int) {
	for name, args := range tinyVariants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := tiny(t, args)
			kerneltest.Must(t, readAll(context.Background(), data))
			told := 0
			for at := 0; at < len(data); at += step {
				for _, v := range []byte{0x01, 0x80, 0xff} {
					data[at] ^= v
					if told += timed(t, data, fmt.Sprint("byte ", at)); t.Failed() {
						return
					}
					data[at] ^= v
				}
			}
			t.Logf("%d of %d flips were told", told, 3*len(data)/step)
		})
	}
}

// timed reads an image and fails when that takes long; 1 when an error was told.
func timed(t *testing.T, data []byte, what string) int {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := readAll(ctx, data)
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("%s: reading takes %v", what, took)
	}
	if err != nil {
		return 1
	}
	return 0
}

func TestTruncationIsTold(t *testing.T) {
	for name, args := range tinyVariants() {
		data := tiny(t, args)
		for n := 0; n < len(data); n += 61 {
			if readAll(context.Background(), data[:n]) == nil {
				t.Errorf("%s: an image cut at %d of %d bytes reads without an error", name, n, len(data))
			}
		}
	}
}

// TestLiesAreTold changes one field of an image without compression at a time.
func TestLiesAreTold(t *testing.T) {
	data := tiny(t, tinyVariants()["plain"])
	le := binary.LittleEndian
	inodes, names := int(le.Uint64(data[64:]))+2, int(le.Uint64(data[72:]))+2
	root := inodes + int(le.Uint64(data[32:])&0xffff)
	file := bytes.Index(data[inodes:], le.AppendUint64(nil, 20000)) + inodes - 8 // where its start stands
	for what, c := range map[string]struct {
		at    int
		bytes string
		want  string
	}{
		"version":            {28, "\x03\x00", "version 3.0 is not read"},
		"minor version":      {30, "\x01\x00", "version 4.1 is not read"},
		"block size":         {12, "\x01\x10\x00\x00", "block size 4097"},
		"block log":          {22, "\x0d", "block size 4096 (2^13)"},
		"compression":        {20, "\x09", "compression 9 is not known"},
		"size":               {40, "\x00\x00\x00\x00\x01", "it is truncated"},
		"negative size":      {47, "\xff", "impossible"},
		"no owners":          {26, "\x00\x00", "it has no owners"},
		"table of inodes":    {67, "\x7f", "the table of inodes"},
		"table of owners":    {48, "\x00\x00\x00\x00\x00\x00\x00\x00", "the table of owners"},
		"root":               {34, "\xff\xff\xff", "not within its table"},
		"root's offset":      {32, "\xff\xff", "offset 65535 of"},
		"metadata's size":    {inodes - 1, "\xff", "its size 32"},
		"type of the root":   {root, "\x02", "the root is a file"},
		"unknown type":       {root, "\x0f", "type 15 is not known"},
		"size of the root":   {root + 24, "\xff\xff", "inode"},
		"owner":              {root + 4, "\xff\xff", "owner 65535 of"},
		"a run of names":     {names + 1, "\x7f", "a run of"},
		"inode of a name":    {names + 8, "\x77", "the name says"},
		"a name with /":      {names + 20, "/", "the impossible name"},
		"type of a name":     {names + 16, "\x01", "the name says"},
		"start of a file":    {file, "\xff\xff\xff\x7f", "not within the filesystem"},
		"index of fragments": {int(le.Uint64(data[80:])), "\xff\xff\xff\xff", "out of place"},
		"index of owners":    {int(le.Uint64(data[48:])), "\xff\xff\xff\xff\xff", "out of place"},
		"index of attrs":     {int(le.Uint64(data[56:])), "\xff\xff\xff\xff\xff", "out of place"},
	} {
		changed := bytes.Clone(data)
		copy(changed[c.at:], c.bytes)
		if err := readAll(context.Background(), changed); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", what, err, c.want)
		}
	}
}

// A target is an image with the places where it is not all zero.
type target struct {
	data   []byte
	blocks []int
}

func newTarget(data []byte) target {
	const unit = 64
	out := target{data: data}
	for at := 0; at+unit <= len(data); at += unit {
		if len(bytes.Trim(data[at:at+unit], "\x00")) > 0 {
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
		block, off := int(patches[0])<<8|int(patches[1]), int(patches[2])%64
		data[g.blocks[block%len(g.blocks)]+off] = patches[3]
	}
	return data
}

// FuzzWalk changes bytes of real images. Whole images as input would spend the
// time on their zeros.
func FuzzWalk(f *testing.F) {
	var targets []target
	for _, name := range slices.Sorted(maps.Keys(tinyVariants())) {
		targets = append(targets, newTarget(tiny(f, tinyVariants()[name])))
	}
	for i := range targets {
		f.Add(uint8(i), []byte{0, 0, 0x28, 1, 0, 1, 0, 0xff})
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
