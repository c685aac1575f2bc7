package xfs_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/xfs"
)

// roomy is the size of images with hard content.
const roomy = 320 << 20

// makeImage makes an image by mkfs.xfs with args, smaller ones than it supports too.
func makeImage(t testing.TB, size int64, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fs.img")
	kerneltest.Must(t, os.WriteFile(path, nil, 0o644), os.Truncate(path, size))
	kerneltest.Run(t, "mkfs.xfs", append(append([]string{"-q", "-f", "--unsupported"}, args...), path)...)
	return path
}

// openImage opens an image with the reader under test.
func openImage(t testing.TB, path string) *xfs.FS {
	t.Helper()
	f, err := os.Open(path)
	kerneltest.Must(t, err)
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	kerneltest.Must(t, err)
	fs, err := xfs.Open(context.Background(), f, info.Size())
	kerneltest.Must(t, err)
	return fs
}

// compareWithKernel requires the same of every entry from both readers.
func compareWithKernel(t testing.TB, path string) map[string]string {
	t.Helper()
	oracle, err := kernel.Open(path, kernel.Options{Type: "xfs"})
	kerneltest.Must(t, err)
	defer oracle.Close()
	got := fsystest.Contents(t, openImage(t, path))
	fsystest.Compare(t, got, fsystest.Contents(t, oracle))
	t.Logf("%d entries", len(got))
	return got
}

// compareWithBlkid requires the same of the filesystem itself.
func compareWithBlkid(t testing.TB, path string) {
	t.Helper()
	d := openImage(t, path).Describe()
	for tag, got := range map[string]string{"TYPE": d.Type, "UUID": d.UUID, "LABEL": d.Label} {
		if want := strings.TrimSpace(kerneltest.Run(t, "blkid", "-p", "-o", "value", "-s", tag, path)); got != want {
			t.Errorf("%s is %q, blkid says %q", tag, got, want)
		}
	}
}

// variants are the options of mkfs.xfs that change how an image is read.
func variants() map[string]string {
	return map[string]string{
		"default":     "",
		"1k":          "-b size=1024",
		"2k":          "-b size=2048",
		"8k":          "-b size=8192",
		"16k":         "-b size=16384",
		"32k":         "-b size=32768",
		"64k":         "-b size=65536",
		"inode-1024":  "-i size=1024",
		"inode-2048":  "-i size=2048",
		"sector-4096": "-s size=4096",
		"dir-8k":      "-n size=8192",
		"dir-64k-1k":  "-n size=65536 -b size=1024",
		"nrext64":     "-i nrext64=1",
		"no-bigtime":  "-m bigtime=0",
		"rmapbt":      "-m rmapbt=1",
		"no-reflink":  "-m reflink=0",
		"no-finobt":   "-m finobt=0,inobtcount=0 -i sparse=0",
		"many-groups": "-d agcount=17",
		"stripes":     "-d sunit=128,swidth=512 -l sunit=64",
		"uuid":        "-m uuid=6f1ed002-ab5a-4f4c-8d3b-7c5f0a1b2c3d",
	}
}

// sample are the variants of every day; the others run in the full tier.
const sample = " default 1k 64k nrext64 no-bigtime dir-64k-1k "

func TestMatrixAgreesWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	for name, args := range variants() {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(sample, " "+name+" ") {
				fixtures.RequireFull(t)
			}
			t.Parallel()
			path := makeImage(t, roomy, strings.Fields(args+" -L ümatrix")...)
			compareWithBlkid(t, path)
			kerneltest.PopulateAs(t, "xfs", path, func(dir string) { kerneltest.Hard(t, dir, blockSize(args), 1500) })
			got := compareWithKernel(t, path)
			if huge := strings.Contains(got["/attributes/huge"], "user.huge65536="); !huge {
				t.Error("no attribute of 64 KiB")
			}
		})
	}
}

// blockSize is what args say.
func blockSize(args string) int {
	for size := 1024; size <= 65536; size *= 2 {
		if strings.Contains(args, fmt.Sprint("-b size=", size)) {
			return size
		}
	}
	return 4096
}

func TestReadsAsNobody(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	path := makeImage(t, roomy)
	kerneltest.PopulateAs(t, "xfs", path, func(dir string) { kerneltest.Hard(t, dir, 4096, 100) })
	kerneltest.Must(t, os.Chmod(path, 0o644))
	fs := openImage(t, path)
	got := fsystest.AsNobody(t, func() map[string]string { return fsystest.Contents(t, fs) })
	fsystest.Compare(t, got, fsystest.Contents(t, fs))
}

func TestCrowdedDirectory(t *testing.T) {
	fixtures.RequireFull(t)
	fixtures.RequireRoot(t)
	for _, args := range []string{"", "-b size=1024", "-b size=1024 -n size=32768 -i nrext64=1"} {
		path := makeImage(t, roomy, strings.Fields(args)...)
		kerneltest.PopulateAs(t, "xfs", path, func(dir string) { kerneltest.Hard(t, dir, 1024, 70000) })
		compareWithKernel(t, path)
	}
}
