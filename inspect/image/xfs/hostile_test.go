package xfs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/xfs"
	"github.com/assay-os/assay/report"
)

// An edited image is one with bytes changed, without a copy of it.
type edited struct {
	base  []byte
	edits map[int64]byte
}

// ReadAt implements io.ReaderAt.
func (e edited) ReadAt(p []byte, off int64) (int, error) {
	n, err := bytes.NewReader(e.base).ReadAt(p, off)
	for at, v := range e.edits {
		if at >= off && at < off+int64(n) {
			p[at-off] = v
		}
	}
	return n, err
}

// opener is Open, or the same without checksums.
type opener func(context.Context, io.ReaderAt, int64) (*xfs.FS, error)

// readAll walks an image and reads what it shows, up to a bound for each file:
// a hostile size is the caller's to bound.
func readAll(ctx context.Context, open opener, r io.ReaderAt, size int64) error {
	fs, err := open(ctx, r, size)
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

func readFile(fs *xfs.FS, n *fsys.Node) error {
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

// tiny makes an image of version 5 that has every kind of metadata, clean
// and with a log to replay.
func tiny(t testing.TB) (clean, dirty []byte) {
	t.Helper()
	path := makeImage(t, 16<<20, "-b", "size=1024")
	kerneltest.PopulateAs(t, "xfs", path, func(dir string) {
		fillTiny(t, dir)
		syncFS(t, dir)
		data, err := os.ReadFile(path)
		kerneltest.Must(t, err)
		dirty = data
	})
	clean, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	return clean, dirty
}

func fillTiny(t testing.TB, dir string) {
	at := func(name string) string { return filepath.Join(dir, name) }
	kerneltest.Must(t, os.MkdirAll(at("d/e"), 0o755), os.WriteFile(at("small"), []byte("small"), 0o644),
		os.Symlink("small", at("link")), os.Symlink(strings.Repeat("l", 1000), at("long")), unix.Mknod(at("node"), unix.S_IFCHR|0o600, 0x103))
	for i := range 120 { // a directory of leaves and a tree of extents
		kerneltest.Must(t, os.Link(at("small"), at(fmt.Sprintf("d/e/another-name-%0100d", i))))
		f, err := os.OpenFile(at("fragments"), os.O_CREATE|os.O_WRONLY, 0o644)
		kerneltest.Must(t, err)
		_, err = f.WriteAt([]byte("x"), int64(i)*4096)
		kerneltest.Must(t, err, f.Close())
	}
	for name, size := range map[string]int{"user.far": 3000, "user.a": 1, "trusted.b": 900, "security.c": 500} {
		kerneltest.Must(t, unix.Setxattr(at("small"), name, bytes.Repeat([]byte("v"), size), 0))
	}
	for i := range 60 { // a tree of leaves
		kerneltest.Must(t, unix.Setxattr(at("d"), fmt.Sprintf("user.%060d", i), bytes.Repeat([]byte("w"), 40), 0))
	}
	acl := []byte("\x02\x00\x00\x00\x01\x00\x07\x00\xff\xff\xff\xff\x02\x00\x05\x00\x07\x00\x00\x00\x04\x00\x04\x00\xff\xff\xff\xff\x10\x00\x07\x00\xff\xff\xff\xff\x20\x00\x00\x00\xff\xff\xff\xff")
	kerneltest.Must(t, unix.Setxattr(at("d/e"), "system.posix_acl_default", acl, 0))
}

// A target is an image with the places of 64 bytes where it is not all zero.
type target struct {
	name   string
	data   []byte
	open   opener
	places []int64
}

func newTarget(name string, data []byte, open opener) target {
	const unit = 64
	out := target{name: name, data: data, open: open}
	start, size := place(data)
	for at := 0; at+unit <= len(data); at += unit {
		if old := int64(at) >= start+8192 && int64(at) < start+size; old && !strings.HasPrefix(name, "dirty") {
			continue // the log is not read but for its end
		}
		if len(bytes.Trim(data[at:at+unit], "\x00")) > 0 {
			out.places = append(out.places, int64(at))
		}
	}
	return out
}

// targets believe what is changed, but for the first.
func targets(t testing.TB) []target {
	fixtures.RequireRoot(t)
	clean, dirty := tiny(t)
	return []target{
		newTarget("checked", clean, xfs.Open), newTarget("unchecked", clean, xfs.OpenUnchecked),
		newTarget("dirty", dirty, xfs.OpenUnchecked), newTarget("version 4", tinyV4(t), xfs.Open),
		newTarget("dirty version 4", fsystest.Unpack(t, "testdata/log1.img.gz"), xfs.OpenUnchecked),
	}
}

func (g target) read(ctx context.Context, edits map[int64]byte) error {
	return readAll(ctx, g.open, edited{g.data, edits}, int64(len(g.data)))
}

// timed reads an image with one byte changed and fails when that takes long; 1 when an
// error was told.
func (g target) timed(t *testing.T, at int64, v byte) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := g.read(ctx, map[int64]byte{at: g.data[at] ^ v})
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("byte %d: reading does not end", at)
	}
	if err != nil {
		return 1
	}
	return 0
}

func TestFlippedBytesAreSurvived(t *testing.T) {
	t.Parallel()
	sweep(t, 311)
}

func TestEveryFlippedByteIsSurvived(t *testing.T) {
	fixtures.RequireFull(t)
	sweep(t, 19)
}

// sweep flips every step-th byte of what is not zero.
func sweep(t *testing.T, step int) {
	for _, g := range targets(t) {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			if err := g.read(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			step := step
			if strings.HasPrefix(g.name, "dirty") { // most of it is the log
				step *= 31
			}
			told := 0
			for n := 0; n < len(g.places)*64 && !t.Failed(); n += step {
				for _, v := range []byte{0x01, 0x80, 0xff} {
					told += g.timed(t, g.places[n/64]+int64(n%64), v)
				}
			}
			t.Logf("%d of %d flips were told", told, len(g.places)*64/step*3)
		})
	}
}

// With checksums, no flip in an inode may go unnoticed.
func TestFlippedInodeIsAlwaysTold(t *testing.T) {
	t.Parallel()
	g := targets(t)[0]
	inodes := 0
	for at := int64(0); at < int64(len(g.data)); at += 512 {
		in := g.data[at : at+512]
		number, links := binary.BigEndian.Uint64(in[152:]), binary.BigEndian.Uint32(in[16:])
		if string(in[:2]) != "IN" || links == 0 || number*512 != uint64(at) || bytes.Contains(g.data[64:80], in[152:160]) {
			continue // none, or of the realtime device: no name leads there
		}
		inodes++
		for i := range int64(512) {
			if i%7 == int64(inodes)%7 && g.timed(t, at+i, 0x10) == 0 {
				t.Errorf("a flip in byte %d of inode %d is not told", i, number)
			}
		}
	}
	if inodes < 5 {
		t.Errorf("only %d inodes were found", inodes)
	}
}

func TestTruncationIsTold(t *testing.T) {
	t.Parallel()
	g := targets(t)[1]
	for n := 0; n < len(g.data); n += 128 << 10 {
		if readAll(context.Background(), g.open, bytes.NewReader(g.data[:n]), int64(n)) == nil {
			t.Errorf("an image cut at %d of %d bytes reads without an error", n, len(g.data))
		}
		// The size may be claimed, and the bytes missing.
		err := readAll(context.Background(), g.open, bytes.NewReader(g.data[:n]), int64(len(g.data)))
		if err == nil && n < 1<<20 {
			t.Errorf("an image that ends at %d of %d bytes reads without an error", n, len(g.data))
		}
	}
}

// FuzzWalk changes bytes of real images. Three bytes of a patch say where among
// what is not zero, one what.
func FuzzWalk(f *testing.F) {
	all := targets(f)
	for i := range all {
		f.Add(uint8(i), []byte{0, 0, 0x8, 1, 0, 1, 0, 0xff})
		f.Add(uint8(i), []byte{0, 40, 0x8, 1, 1, 42, 5, 0x80, 2, 44, 8, 8})
	}
	f.Fuzz(func(t *testing.T, which uint8, patches []byte) {
		g := all[int(which)%len(all)]
		edits := map[int64]byte{}
		for ; len(patches) >= 4 && len(edits) < 64; patches = patches[4:] {
			place := int(patches[0])<<8 | int(patches[1])
			edits[g.places[place%len(g.places)]+int64(patches[2]%64)] = patches[3]
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := g.read(ctx, edits); errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("reading does not end")
		}
	})
}
