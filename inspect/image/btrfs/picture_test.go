package btrfs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

const (
	page      = 4096
	superByte = 64 << 10
)

// A picture is a sparse image in memory, in pages; what it has none of is zero.
type picture struct {
	size  int64
	pages map[int64][]byte
	// touched are the pages that were read, when it is not nil.
	touched map[int64]bool
}

func takePicture(t testing.TB, path string) *picture {
	t.Helper()
	f, err := os.Open(path)
	kerneltest.Must(t, err)
	defer f.Close()
	p := &picture{pages: map[int64][]byte{}}
	buf := make([]byte, 1<<20)
	for {
		n, err := io.ReadFull(f, buf)
		for at := 0; at+page <= n; at += page {
			if b := buf[at : at+page]; len(bytes.Trim(b, "\x00")) > 0 {
				p.pages[(p.size+int64(at))/page] = bytes.Clone(b)
			}
		}
		p.size += int64(n)
		if err != nil {
			return p
		}
	}
}

// ReadAt implements io.ReaderAt.
func (p *picture) ReadAt(b []byte, off int64) (int, error) {
	done := 0
	for done < len(b) && off < p.size {
		if p.touched != nil {
			p.touched[off/page] = true
		}
		n := int(min(page-off%page, int64(len(b)-done), p.size-off))
		if data, ok := p.pages[off/page]; ok {
			copy(b[done:done+n], data[off%page:])
		} else {
			clear(b[done : done+n])
		}
		done, off = done+n, off+int64(n)
	}
	if done < len(b) {
		return done, io.EOF
	}
	return done, nil
}

// A target is an image whose nodes, of one page, and superblock can be changed and get
// right checksums, so that what is changed is believed.
type target struct {
	*picture
	nodes []int64 // pages
}

// newTarget finds the nodes that reading needs.
func newTarget(t testing.TB, path string) target {
	t.Helper()
	g := target{picture: takePicture(t, path)}
	g.touched = map[int64]bool{}
	kerneltest.Must(t, readAll(context.Background(), g.picture, g.size))
	super := g.pages[superByte/page]
	for n := range g.touched {
		if b := g.pages[n]; b != nil && (n == superByte/page || bytes.Equal(b[0x20:0x30], super[0x20:0x30])) {
			g.nodes = append(g.nodes, n)
		}
	}
	g.touched = nil
	slices.Sort(g.nodes)
	if len(g.nodes) < 4 {
		t.Fatalf("only %d nodes were read", len(g.nodes))
	}
	return g
}

// patched is a copy with bytes changed: one byte of a patch chooses the node, two the place, one
// is the value.
func (g target) patched(patches []byte) *picture {
	p := &picture{size: g.size, pages: maps.Clone(g.pages)}
	changed := map[int64]bool{}
	for ; len(patches) >= 4; patches = patches[4:] {
		n := g.nodes[int(patches[0])%len(g.nodes)]
		if !changed[n] {
			p.pages[n], changed[n] = bytes.Clone(p.pages[n]), true
		}
		p.pages[n][int(binary.BigEndian.Uint16(patches[1:]))%page] = patches[3]
	}
	for n := range changed {
		binary.LittleEndian.PutUint32(p.pages[n], crc32.Checksum(p.pages[n][32:], crc32.MakeTable(crc32.Castagnoli)))
	}
	return p
}

const tinyArgs = "-M -n 4096 -m single -d single"

// tiny makes a small image that has every kind of item.
func tiny(t testing.TB, mount string) string {
	t.Helper()
	path := makeImage(t, 16<<20, tinyArgs)
	populate(t, path, mount, func(dir string) { tinyContent(t, dir) })
	return path
}

func tinyContent(t testing.TB, dir string) {
	at := func(name string) string { return filepath.Join(dir, name) }
	text := []byte(strings.Repeat("text that can be squeezed ", 1000))
	kerneltest.Must(t, os.MkdirAll(at("d/e"), 0o755), os.WriteFile(at("d/f"), text, 0o644),
		os.WriteFile(at("small"), []byte("small"), 0o644), os.WriteFile(at("squeezed"), text[:2000], 0o644),
		os.Symlink("small", at("link")), os.Truncate(at("d/f"), 1<<20),
		unix.Setxattr(at("small"), "user.a", []byte("b"), 0), unix.Mknod(at("null"), unix.S_IFCHR|0o600, 0x103))
	within(t, dir, "btrfs", "subvolume", "create", "vol")
	kerneltest.Must(t, os.WriteFile(at("vol/f"), text[:5000], 0o644))
	within(t, dir, "btrfs", "subvolume", "snapshot", ".", "vol/snap")
	for i := range 30 {
		kerneltest.Must(t, os.Link(at("small"), at(fmt.Sprintf("d/e/another-name-%040d", i))))
	}
}

// tinyLogged is an image with a log.
func tinyLogged(t testing.TB) string {
	t.Helper()
	path := makeImage(t, 16<<20, tinyArgs)
	copied := filepath.Join(t.TempDir(), "logged.img")
	populate(t, path, "commit=300", func(dir string) {
		d := logged{t, dir}
		tinyContent(t, dir)
		d.sync("d")
		f, err := os.Open(dir)
		kerneltest.Must(t, err, unix.Syncfs(int(f.Fd())), f.Close())
		d.write("new", 2000)
		d.overwrite("d/f", 8192, strings.Repeat("over", 2000))
		d.must(os.Link(d.at("small"), d.at("d/linked")), os.Remove(d.at("d/e/another-name-"+strings.Repeat("0", 40))), unix.Removexattr(d.at("small"), "user.a"))
		d.sync("new", "d/f", "d/e", "small")
		kerneltest.Run(t, "cp", "--sparse=always", path, copied)
	})
	if strings.Contains(kerneltest.Run(t, "btrfs", "inspect-internal", "dump-super", copied), "log_root\t\t0\n") {
		t.Fatal("there is no log")
	}
	return copied
}

// targets are the images that are changed.
func targets(t testing.TB) []target {
	t.Helper()
	fixtures.RequireRoot(t)
	return []target{newTarget(t, tiny(t, "")), newTarget(t, tiny(t, "compress-force=zstd")), newTarget(t, tinyLogged(t))}
}
