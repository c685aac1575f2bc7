package ext4_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/ext4"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// openImage opens an image with the reader under test.
func openImage(t testing.TB, path string) *ext4.FS {
	t.Helper()
	f, err := os.Open(path)
	kerneltest.Must(t, err)
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	kerneltest.Must(t, err)
	fs, err := ext4.Open(context.Background(), f, info.Size())
	kerneltest.Must(t, err)
	return fs
}

// compareWithKernel requires the same of every entry from both readers.
func compareWithKernel(t testing.TB, path string) {
	t.Helper()
	oracle, err := kernel.Open(path, kernel.Options{Type: "ext4"})
	kerneltest.Must(t, err)
	defer oracle.Close()
	got := fsystest.Contents(t, openImage(t, path))
	fsystest.Compare(t, got, fsystest.Contents(t, oracle))
	t.Logf("%d entries", len(got))
}

// variants are the features of mke2fs that change how an image is read.
func variants() map[string]string {
	return map[string]string{
		"default":       "-t ext4",
		"ext2":          "-t ext2",
		"ext3":          "-t ext3",
		"ext3-1k":       "-t ext3 -b 1024",
		"1k":            "-t ext4 -b 1024",
		"2k":            "-t ext4 -b 2048",
		"inline":        "-t ext4 -O inline_data -I 256",
		"inline-1k-512": "-t ext4 -O inline_data -I 512 -b 1024",
		"ea_inode":      "-t ext4 -O ea_inode",
		"bigalloc":      "-t ext4 -O bigalloc -C 65536",
		"bigalloc-1k":   "-t ext4 -O bigalloc -b 1024 -C 8192",
		"no-csum":       "-t ext4 -O ^metadata_csum",
		"uninit_bg":     "-t ext4 -O ^metadata_csum,uninit_bg",
		"inode-128":     "-t ext4 -I 128",
		"inode-1024":    "-t ext4 -I 1024",
		"no-extents":    "-t ext4 -O ^extents,^64bit",
		"32bit":         "-t ext4 -O ^64bit",
		"csum-seed":     "-t ext4 -O metadata_csum_seed",
		"meta_bg":       "-t ext4 -O meta_bg,^resize_inode -b 1024",
		"sparse_super2": "-t ext4 -O sparse_super2",
		"no-sparse":     "-t ext4 -O ^sparse_super,^resize_inode -b 1024",
		"no-journal":    "-t ext4 -O ^has_journal",
		"no-filetype":   "-t ext4 -O ^filetype",
		"large_dir":     "-t ext4 -O large_dir -b 1024",
		"verity":        "-t ext4 -O verity,encrypt,stable_inodes",
		"no-flex":       "-t ext4 -O ^flex_bg,^dir_index,^huge_file,^extra_isize",
		"rev-0":         "-t ext2 -r 0 -O none",
	}
}

func TestMatrixAgreesWithKernel(t *testing.T) {
	fixtures.RequireRoot(t)
	for name, args := range variants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			size, args := blockSize(args)
			path := kerneltest.Make(t, 96<<20, strings.Fields(args+" -N 8192")...)
			kerneltest.Populate(t, path, func(dir string) { kerneltest.Hard(t, dir, size, 1500) })
			compareWithKernel(t, path)
		})
	}
}

// blockSize is what args say, and the size that they lead to.
func blockSize(args string) (int, string) {
	for _, size := range []int{1024, 2048} {
		if strings.Contains(args, fmt.Sprint("-b ", size)) {
			return size, args
		}
	}
	return 4096, args + " -b 4096" // a small image would get blocks of 1 KiB
}
