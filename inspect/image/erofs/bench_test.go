package erofs_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// benchImage makes an image of what fill writes.
func benchImage(b *testing.B, args string, fill func(dir string)) string {
	b.Helper()
	dir, image := b.TempDir(), filepath.Join(b.TempDir(), "fs")
	fill(dir)
	if out, err := exec.Command("mkfs.erofs", append(strings.Fields(args), image, dir)...).CombinedOutput(); err != nil {
		b.Skipf("%s: %.200s", args, out)
	}
	return image
}

// BenchmarkWalk reads the metadata of 30,000 files, without contents.
func BenchmarkWalk(b *testing.B) {
	image := benchImage(b, "", func(dir string) {
		for i := range 30000 {
			sub := filepath.Join(dir, fmt.Sprint("dir", i/100))
			if i%100 == 0 {
				kerneltest.Must(b, os.Mkdir(sub, 0o755))
			}
			kerneltest.Must(b, os.WriteFile(filepath.Join(sub, fmt.Sprint("file", i)), []byte("x"), 0o644))
		}
	})
	b.ReportAllocs()
	for b.Loop() {
		names := 0
		err := openImage(b, image).Walk(context.Background(), func(n *fsys.Node) error {
			names++
			return n.Err
		})
		if err != nil || names < 30000 {
			b.Fatal(names, err)
		}
	}
}

// BenchmarkContent reads one file of 24 MiB; the image is in the page cache. What
// this machine's mkfs.erofs cannot compress is left out.
func BenchmarkContent(b *testing.B) {
	for name, args := range map[string]string{
		"plain": "", "lz4": "-zlz4 -C65536", "lzma": "-zlzma,level=1 -C65536", "deflate": "-zdeflate -C65536", "zstd": "-zzstd -C65536",
	} {
		b.Run(name, func(b *testing.B) {
			const size = 24 << 20
			fs := openImage(b, benchImage(b, args, func(dir string) {
				kerneltest.Must(b, os.WriteFile(filepath.Join(dir, "big"), text(size, 1), 0o644))
			}))
			b.SetBytes(size)
			buf := make([]byte, 1<<20)
			for b.Loop() {
				kerneltest.Must(b, fs.Walk(context.Background(), func(n *fsys.Node) error {
					if n.Type != report.File {
						return n.Err
					}
					c, err := fs.Open(n)
					if err != nil {
						return err
					}
					_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{io.NewSectionReader(c, 0, c.Size())}, buf)
					return err
				}))
			}
		})
	}
}
