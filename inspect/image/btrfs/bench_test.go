package btrfs_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// manyFiles makes an image of n small files, a hundred in each directory.
func manyFiles(t testing.TB, n int) string {
	t.Helper()
	path := makeImage(t, int64(n)*6<<10+256<<20, "-m single")
	populate(t, path, "", func(dir string) {
		for i := range n {
			sub := filepath.Join(dir, fmt.Sprint("dir", i/100))
			if i%100 == 0 {
				kerneltest.Must(t, os.Mkdir(sub, 0o755))
			}
			kerneltest.Must(t, os.WriteFile(filepath.Join(sub, fmt.Sprint("file", i)), []byte("x"), 0o644))
		}
	})
	return path
}

// BenchmarkWalk reads the metadata of 30,000 files, without contents.
func BenchmarkWalk(b *testing.B) {
	path := manyFiles(b, 30000)
	b.ReportAllocs()
	for b.Loop() {
		names := 0
		err := openImage(b, path).Walk(context.Background(), func(n *fsys.Node) error {
			names++
			return n.Err
		})
		if err != nil || names < 30000 {
			b.Fatal(names, err)
		}
	}
}

// BenchmarkContent reads one file of 256 MiB and verifies it; the image is in the page cache.
func BenchmarkContent(b *testing.B) {
	for _, v := range []struct{ name, mkfs, mount string }{
		{"unverified", "", "nodatasum"}, {"crc32c", "", ""}, {"xxhash", "--csum xxhash", ""},
		{"sha256", "--csum sha256", ""}, {"blake2b", "--csum blake2", ""},
		{"zlib", "", "compress-force=zlib"}, {"lzo", "", "compress-force=lzo"}, {"zstd", "", "compress-force=zstd"},
	} {
		b.Run(v.name, func(b *testing.B) { benchmarkContent(b, v.mkfs, v.mount) })
	}
}

func benchmarkContent(b *testing.B, mkfs, mount string) {
	const size = 256 << 20
	path := makeImage(b, size+256<<20, mkfs)
	chunk := make([]byte, 1<<20)
	populate(b, path, mount, func(dir string) {
		f, err := os.Create(filepath.Join(dir, "big"))
		kerneltest.Must(b, err)
		for i := range size / len(chunk) {
			for at := 0; at < len(chunk); at += 64 { // half text, half noise
				copy(chunk[at:], fmt.Sprintf("%032d", i*at))
				copy(chunk[at+32:], fmt.Sprintf("%x", at*at*7919+i))
			}
			_, err := f.Write(chunk)
			kerneltest.Must(b, err)
		}
		kerneltest.Must(b, f.Close())
	})
	fs := openImage(b, path)
	b.SetBytes(size)
	for b.Loop() {
		kerneltest.Must(b, fs.Walk(context.Background(), func(n *fsys.Node) error {
			if n.Type != report.File {
				return n.Err
			}
			c, err := fs.Open(n)
			if err != nil {
				return err
			}
			_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{io.NewSectionReader(c, 0, c.Size())}, chunk)
			return err
		}))
	}
}

// The memory of a walk must not grow with the image beyond what the nodes take.
func TestWalkOfManyFilesNeedsLittleMemory(t *testing.T) {
	fixtures.RequireFull(t)
	fs := openImage(t, manyFiles(t, 200000))
	nodes := make([]*fsys.Node, 0, 210000)
	kerneltest.Must(t, fs.Walk(context.Background(), func(n *fsys.Node) error {
		nodes = append(nodes, n)
		return n.Err
	}))
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d nodes kept, %d MB live, %d MB from the system", len(nodes), m.HeapAlloc>>20, m.Sys>>20)
	if m.HeapAlloc > 300<<20 {
		t.Error("more than 300 MB for 200,000 files")
	}
	runtime.KeepAlive(nodes)
}
