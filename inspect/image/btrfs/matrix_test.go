package btrfs_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/btrfs"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// openImage opens an image with the reader under test.
func openImage(t testing.TB, path string) *btrfs.FS {
	t.Helper()
	f, err := os.Open(path)
	kerneltest.Must(t, err)
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	kerneltest.Must(t, err)
	fs, err := btrfs.Open(context.Background(), f, info.Size())
	kerneltest.Must(t, err)
	return fs
}

// makeImage makes an image by mkfs.btrfs with args.
func makeImage(t testing.TB, size int64, args string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fs.img")
	kerneltest.Must(t, os.WriteFile(path, nil, 0o644), os.Truncate(path, size))
	kerneltest.Run(t, "mkfs.btrfs", append(strings.Fields("-q -f "+args), path)...)
	return path
}

// populate mounts an image writable with options, separated by commas, and lets fill write into it.
func populate(t testing.TB, path, options string, fill func(dir string)) {
	t.Helper()
	fixtures.RequireRoot(t)
	o := kernel.Options{Type: "btrfs", Write: true}
	if options != "" {
		o.Flags = strings.Split(options, ",")
	}
	tree, err := kernel.Open(path, o)
	kerneltest.Must(t, err)
	open := true
	defer func() {
		if open { // fill ended the test
			t.Log(tree.Close())
		}
	}()
	fill(tree.Path())
	open = false
	kerneltest.Must(t, tree.Close())
}

// kernelShows is what the kernel shows of every entry.
func kernelShows(t testing.TB, path string, options ...string) map[string]string {
	t.Helper()
	oracle, err := kernel.Open(path, kernel.Options{Type: "btrfs", Flags: options})
	kerneltest.Must(t, err)
	defer oracle.Close()
	return fsystest.Contents(t, oracle)
}

// compareWithKernel requires the same of every entry from both readers.
func compareWithKernel(t testing.TB, path string) map[string]string {
	t.Helper()
	got := fsystest.Contents(t, openImage(t, path))
	fsystest.Compare(t, got, kernelShows(t, path))
	t.Logf("%d entries", len(got))
	return got
}

// compareWithBlkid requires the same of the filesystem itself.
func compareWithBlkid(t testing.TB, path string) {
	t.Helper()
	d := openImage(t, path).Describe()
	for tag, got := range map[string]string{"TYPE": d.Type, "UUID": d.UUID, "LABEL": d.Label, "UUID_SUB": d.Settings["device_uuid"]} {
		if want := strings.TrimSpace(kerneltest.Run(t, "blkid", "-p", "-o", "value", "-s", tag, path)); got != want {
			t.Errorf("%s is %q, blkid says %q", tag, got, want)
		}
	}
}

// A variant is a way to make and to fill a filesystem.
type variant struct{ mkfs, mount string }

func variants() map[string]variant {
	return map[string]variant{
		"default":    {},
		"zlib":       {"-n 4096", "compress-force=zlib:9"},
		"lzo":        {"-n 65536", "compress-force=lzo"},
		"zstd":       {"-m single", "compress-force=zstd:15"},
		"zstd-1":     {"-n 32768", "compress=zstd:1"},
		"xxhash":     {"--csum xxhash -m dup", "compress=lzo"},
		"sha256":     {"--csum sha256 -d dup", "compress=zlib"},
		"blake2b":    {"--csum blake2", "compress-force=zlib:1"},
		"mixed":      {"-M", "compress-force=zstd"},
		"holes":      {"-O ^no-holes", "compress=lzo"},
		"old":        {"-O ^no-holes,^extref,^skinny-metadata -R ^free-space-tree -n 8192", ""},
		"space-tree": {"-R free-space-tree", "compress=zstd:3"},
		"quota":      {"-R quota", ""},
		"no-sums":    {"", "nodatasum"},
		"no-cow":     {"", "nodatacow"},
		"inline-off": {"", "max_inline=0,compress-force=zlib"},
		"raid0":      {"-d raid0 -m raid0", ""},
	}
}

// sample are the variants of every day; the others run in the full tier.
const sample = " default zlib lzo zstd sha256 mixed old "

func TestMatrixAgreesWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(sample, " "+name+" ") {
				fixtures.RequireFull(t)
			}
			t.Parallel()
			path := makeImage(t, 300<<20, v.mkfs+" -L ümatrix")
			compareWithBlkid(t, path)
			populate(t, path, v.mount, func(dir string) {
				kerneltest.Hard(t, dir, 4096, 1500)
				squeezable(t, filepath.Join(dir, "squeezable"))
			})
			compareWithKernel(t, path)
		})
	}
}

// squeezable writes what compression makes smaller, at each border of its units.
func squeezable(t testing.TB, dir string) {
	t.Helper()
	kerneltest.Must(t, os.Mkdir(dir, 0o755))
	for _, n := range []int{1, 100, 2047, 2048, 4095, 4096, 4097, 10000, 128 << 10, 128<<10 + 1, 1 << 20, 3<<20 + 5} {
		var b []byte
		for i := 0; len(b) < n; i++ {
			b = fmt.Appendf(b, "line %d of %d, %x\n", i, n, i*i*2654435761)
		}
		kerneltest.Must(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(n)), b[:n], 0o644))
	}
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprint(1<<20)), os.O_WRONLY, 0)
	kerneltest.Must(t, err, f.Sync())
	for off := int64(5000); off < 1<<20; off += 100000 { // leaves parts of compressed extents
		_, err := f.WriteAt([]byte(strings.Repeat("over", 2000)), off)
		kerneltest.Must(t, err)
	}
	kerneltest.Must(t, f.Close())
}

// walkFiles gives the path and the place of every file.
func walkFiles(t testing.TB, fs *btrfs.FS, fn func(path string, physical int64)) {
	t.Helper()
	kerneltest.Must(t, fs.Walk(context.Background(), func(n *fsys.Node) error {
		if n.Type == report.File {
			fn(string(n.Path), n.Physical)
		}
		return n.Err
	}))
}
