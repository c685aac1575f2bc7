package btrfs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/btrfs"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// readAll walks all subvolumes and reads what they show, up to a bound for each file:
// a hostile size is the caller's to bound.
func readAll(ctx context.Context, r io.ReaderAt, size int64) error {
	fs, err := btrfs.Open(ctx, r, size)
	if err != nil {
		return err
	}
	_ = fs.Describe()
	_ = fs.Reserved()
	errs := readTree(ctx, fs)
	all, err := fs.Subvolumes()
	if err != nil {
		return err
	}
	for _, s := range all[:min(len(all), 10)] {
		sub, err := fs.SubvolumeByID(s.ID)
		if err != nil {
			return err
		}
		if err := readTree(ctx, sub); err != nil {
			errs = err
		}
	}
	return errs
}

func readTree(ctx context.Context, fs *btrfs.FS) error {
	var errs error
	names := 0
	err := fs.Walk(ctx, func(n *fsys.Node) error {
		if names++; names > 1000000 {
			return errors.New("a small image shows a million names")
		}
		if n.Err != nil {
			errs = n.Err
		}
		if n.Type == report.File && n.Sys != nil {
			if err := readFile(fs, n); err != nil {
				errs = err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errs
}

func readFile(fs *btrfs.FS, n *fsys.Node) error {
	c, err := fs.Open(n)
	if err != nil {
		return err
	}
	defer c.Close()
	extents, err := c.Extents()
	if err != nil {
		return err
	}
	if len(extents) > 0 { // the last may lie far away
		if _, err := c.ReadAt(make([]byte, 1), extents[len(extents)-1].Offset); err != nil && err != io.EOF {
			return err
		}
	}
	_, err = io.Copy(io.Discard, io.LimitReader(io.NewSectionReader(c, 0, c.Size()), 1<<20))
	return err
}

func TestChangedBytesAreSurvived(t *testing.T) {
	t.Parallel()
	sweep(t, 151)
}

func TestEveryChangedByteIsSurvived(t *testing.T) {
	fixtures.RequireFull(t)
	sweep(t, 11)
}

// sweep changes every step-th byte of every node, which gets the right checksum.
func sweep(t *testing.T, step int) {
	for _, g := range targets(t) {
		told, tried := 0, 0
		for n, pageNumber := range g.nodes {
			for at := 32 + n%step; at < page; at += step {
				old := g.pages[pageNumber][at]
				if old == 0 && at > 1024 {
					continue
				}
				for _, v := range []byte{old ^ 1, old ^ 0x80, ^old} {
					tried++
					told += timed(t, g.patched([]byte{byte(n), byte(at >> 8), byte(at), v}), fmt.Sprintf("page %d byte %d", pageNumber, at))
				}
			}
		}
		t.Logf("%d of %d changes were told", told, tried)
	}
}

// timed reads an image and fails when that takes long; 1 when an error was told.
func timed(t *testing.T, p *picture, what string) int {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := readAll(ctx, p, p.size)
	if took := time.Since(start); took > 3*time.Second {
		t.Fatalf("%s: reading takes %v", what, took)
	}
	if err != nil {
		return 1
	}
	return 0
}

// No flip in a node may go unnoticed where its checksum stays the old one.
func TestFlippedNodeIsAlwaysTold(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	g := newTarget(t, tiny(t, "compress-force=lzo"))
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range g.nodes {
		for range 20 {
			at := rnd.IntN(page-32) + 32
			p := &picture{size: g.size, pages: maps.Clone(g.pages)}
			p.pages[n] = bytes.Clone(p.pages[n])
			p.pages[n][at] ^= 1 << rnd.IntN(8)
			if readAll(context.Background(), p, p.size) == nil {
				t.Errorf("a flip in byte %d of the node at %d is not told", at, n*page)
			}
		}
	}
}

// A dirEntryAt is where an entry of a directory stands.
type dirEntryAt struct {
	page int64
	at   int
}

// dirEntries finds all entries for a name: that which is listed, then that which is found: the later item lies first.
func (g target) dirEntries(name string) []dirEntryAt {
	const header = 30
	var out []dirEntryAt
	for _, n := range g.nodes {
		b := g.pages[n]
		for at := header; at+len(name) <= page; at++ {
			if string(b[at:at+len(name)]) == name && int(binary.LittleEndian.Uint16(b[at-3:])) == len(name) && b[at-header+8] == 1 {
				out = append(out, dirEntryAt{n, at - header})
			}
		}
	}
	return out
}

// changed is a copy in which change changed one entry, with the right checksum.
func (g target) changed(e dirEntryAt, change func(entry []byte)) target {
	g.picture = &picture{size: g.size, pages: maps.Clone(g.pages)}
	b := bytes.Clone(g.pages[e.page])
	change(b[e.at:])
	binary.LittleEndian.PutUint32(b, crc32.Checksum(b[32:], crc32.MakeTable(crc32.Castagnoli)))
	g.pages[e.page] = b
	return g
}

// A directory that contains itself, names that only one of both lists has, and names that
// lead to another file than they say.
func TestWrongNamesAreTold(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	path := makeImage(t, 16<<20, tinyArgs)
	populate(t, path, "", func(dir string) {
		kerneltest.Must(t, os.MkdirAll(filepath.Join(dir, "outer/inner"), 0o755), os.WriteFile(filepath.Join(dir, "plain-file"), nil, 0o644))
	})
	g := newTarget(t, path)
	outer, inner, file := g.dirEntries("outer"), g.dirEntries("inner"), g.dirEntries("plain-file")
	if len(outer) != 2 || len(inner) != 2 || len(file) != 2 {
		t.Fatalf("entries: %v %v %v", outer, inner, file)
	}
	into := func(number uint64) func([]byte) { return func(e []byte) { binary.LittleEndian.PutUint64(e, number) } }
	first := binary.LittleEndian.Uint64(g.pages[outer[0].page][outer[0].at:])
	for want, changed := range map[string]target{
		"has more than one name: not read again": g.changed(inner[0], into(first)).changed(inner[1], into(first)),
		"leads to two files":                     g.changed(inner[0], into(first)),
		"can be opened, but is not listed":       g.changed(file[0], func(e []byte) { e[30] = 'P' }),
		"is not where its hash says":             g.changed(file[1], func(e []byte) { e[30] = 'P' }),
		`its directory says "directory"`:         g.changed(file[0], func(e []byte) { e[29] = 2 }).changed(file[1], func(e []byte) { e[29] = 2 }),
		"there is no such item":                  g.changed(file[0], into(99999)).changed(file[1], into(99999)),
		`the name "plain/file" is impossible`:    g.changed(file[1], func(e []byte) { e[35] = '/' }),
		"leads to an item of kind 108":           g.changed(file[1], func(e []byte) { e[8] = 108 }),
	} {
		var told []string
		fs, err := btrfs.Open(context.Background(), changed.picture, changed.size)
		kerneltest.Must(t, err)
		kerneltest.Must(t, fs.Walk(context.Background(), func(n *fsys.Node) error {
			if n.Err != nil {
				told = append(told, n.Err.Error())
			}
			return nil
		}))
		if !strings.Contains(strings.Join(told, "; "), want) {
			t.Errorf("%s: %q", want, told)
		}
	}
}

func TestTruncationIsTold(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	p := takePicture(t, tiny(t, ""))
	for whole := p.size; p.size > 0; p.size -= 64 << 10 {
		if err := readAll(context.Background(), p, p.size); (err == nil) != (p.size == whole) {
			t.Errorf("an image cut at %d of %d bytes: %v", p.size, whole, err)
		}
	}
}

// FuzzWalk changes bytes of the nodes of real images.
func FuzzWalk(f *testing.F) {
	all := targets(f)
	for i := range all {
		for n := range all[i].nodes {
			f.Add(uint8(i), []byte{byte(n), 0, 0x60, 1})
			f.Add(uint8(i), []byte{byte(n), 0, 0x75, 0x80, byte(n), 0x0f, 0xf0, 0xff, byte(n + 1), 0x0e, 0x30, 2})
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, patches []byte) {
		p := all[int(which)%len(all)].patched(patches)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := readAll(ctx, p, p.size); errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("reading does not end")
		}
	})
}
