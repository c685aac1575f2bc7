package squashfs_test

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

// BenchmarkWalk reads the metadata of 30,000 files, without contents.
func BenchmarkWalk(b *testing.B) {
	dir, path := b.TempDir(), filepath.Join(b.TempDir(), "img")
	for i := range 30000 {
		sub := filepath.Join(dir, fmt.Sprint("dir", i/100))
		if i%100 == 0 {
			kerneltest.Must(b, os.Mkdir(sub, 0o755))
		}
		kerneltest.Must(b, os.WriteFile(filepath.Join(sub, fmt.Sprint("file", i)), []byte{byte(i)}, 0o644))
	}
	variants()["zstd"].pack(b, dir, path)
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

// BenchmarkContent reads a program, the test itself, packed in each compression.
func BenchmarkContent(b *testing.B) {
	program, err := os.Executable()
	kerneltest.Must(b, err)
	for _, name := range []string{"plain", "gzip", "lzo", "lz4", "xz", "zstd"} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "img")
			variants()[name].pack(b, program, path)
			buf := make([]byte, 4<<20)
			for b.Loop() {
				fs, size := openImage(b, path), int64(0)
				kerneltest.Must(b, fs.Walk(context.Background(), func(n *fsys.Node) error {
					if n.Type != report.File {
						return n.Err
					}
					c, err := fs.Open(n)
					if err != nil {
						return err
					}
					size += c.Size()
					_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{io.NewSectionReader(c, 0, c.Size())}, buf)
					return err
				}))
				b.SetBytes(size)
			}
		})
	}
}
