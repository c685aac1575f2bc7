package xfs_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// manyFiles makes an image of n small files, a hundred in each directory.
func manyFiles(t testing.TB, n int) string {
	t.Helper()
	path := makeImage(t, int64(n)*8<<10+roomy)
	kerneltest.PopulateAs(t, "xfs", path, func(dir string) {
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

// BenchmarkContent reads one file of 256 MiB; the image is in the page cache.
func BenchmarkContent(b *testing.B) {
	const size = 256 << 20
	path := makeImage(b, size+roomy)
	chunk := make([]byte, 1<<20)
	kerneltest.PopulateAs(b, "xfs", path, func(dir string) {
		f, err := os.Create(filepath.Join(dir, "big"))
		kerneltest.Must(b, err)
		for i := range size / len(chunk) {
			chunk[0] = byte(i + 1)
			chunk[4096*(i%256)] = 1
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
