package erofs_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/erofs"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

const uuid = "6f1ed002-ab5a-4f4c-8d3b-7c5f0a1b2c3d"

// openImage opens an image with the reader under test.
func openImage(t testing.TB, path string) *erofs.FS {
	t.Helper()
	f, err := os.Open(path)
	kerneltest.Must(t, err)
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	kerneltest.Must(t, err)
	fs, err := erofs.Open(context.Background(), f, info.Size())
	kerneltest.Must(t, err)
	return fs
}

// compareWithKernel requires the same of every entry from both readers.
func compareWithKernel(t testing.TB, path string) map[string]string {
	t.Helper()
	oracle, err := kernel.Open(path, kernel.Options{Type: "erofs"})
	kerneltest.Must(t, err)
	defer oracle.Close()
	got := fsystest.Contents(t, openImage(t, path))
	fsystest.Compare(t, got, fsystest.Contents(t, oracle))
	return got
}

// compareWithBlkid requires the same of the filesystem itself.
func compareWithBlkid(t testing.TB, path string) {
	t.Helper()
	d := openImage(t, path).Describe()
	for tag, got := range map[string]string{"TYPE": d.Type, "UUID": d.UUID, "LABEL": d.Label} {
		out, err := exec.Command("blkid", "-p", "-o", "value", "-s", tag, path).CombinedOutput()
		if want := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s is %q, blkid says %q, %v", tag, got, want, err)
		}
	}
}

// content is an ext4 image, which has all attributes and times, of a tree with
// what readers get wrong, and what compresses in every way. Debian's mkfs.erofs
// takes names up to a length of 254 only.
func content(t testing.TB, many, longest int) string {
	t.Helper()
	source := kerneltest.Make(t, 256<<20, "-t", "ext4", "-b", "4096", "-N", fmt.Sprint(many+8192))
	kerneltest.Populate(t, source, func(dir string) {
		kerneltest.Hard(t, dir, 4096, many)
		kerneltest.Must(t, os.Remove(filepath.Join(dir, "sizes/sparse")), os.Remove(filepath.Join(dir, "lost+found")))
		names := filepath.Join(dir, "names") + "/"
		kerneltest.Must(t, os.Rename(names+strings.Repeat("n", 255), names+strings.Repeat("n", longest)))
		compressible(t, filepath.Join(dir, "packed"))
	})
	return source
}

// makeFrom runs mkfs.erofs over the content of an ext4 image, mounted where
// nobody else sees it.
func makeFrom(t testing.TB, source string, args ...string) (image string, err error) {
	t.Helper()
	image, dir := filepath.Join(t.TempDir(), "fs"), t.TempDir()
	argv := append([]string{"--mount", "--propagation=private", "sh", "-c",
		`mount -o loop,ro,noload "$1" "$2" && from=$2 && shift 2 && exec mkfs.erofs -U` + uuid + ` "$@" "$from"`, "sh", source, dir}, args...)
	out, err := exec.Command("unshare", append(argv, image)...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("mkfs.erofs %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return image, err
}

// compressible writes files that compress by much, by little, not at all, and
// by turns; and files that share parts.
func compressible(t testing.TB, dir string) {
	t.Helper()
	kerneltest.Must(t, os.Mkdir(dir, 0o755))
	file := func(name string, data []byte) {
		kerneltest.Must(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
	for _, n := range []int{1, 100, 4095, 4096, 4097, 8191, 40000, 300000} {
		file(fmt.Sprint("text", n), text(n, n))
	}
	file("zeros", make([]byte, 2<<20+17))
	file("noise", noise(700001, 1))
	var turns []byte
	for i := range 120 {
		turns = append(turns, text(i*97%9000, i)...)
		turns = append(turns, noise(i*131%7000, i)...)
	}
	file("turns", turns)
	file("turns-again", turns)
	file("turns-later", append(noise(3000, 9), turns[5000:]...))
	file("text-long", text(700<<10, 7))
	file("text-inside", text(700<<10, 7)[100000:500001])
}

// text is words in an order that a seed chooses.
func text(n, seed int) []byte {
	words := strings.Fields("filesystem image reader block cluster index compress extent directory inode attribute the of and a to in is")
	var b bytes.Buffer
	x := uint32(seed)*2654435761 + 12345
	for b.Len() < n {
		x = x*1664525 + 1013904223
		b.WriteString(words[x>>16%uint32(len(words))])
		if x>>28 == 0 {
			fmt.Fprintf(&b, "%08x\n", x)
		} else {
			b.WriteByte(' ')
		}
	}
	return b.Bytes()[:n]
}

// noise does not compress.
func noise(n, seed int) []byte {
	b := make([]byte, n)
	x := uint64(seed)*0x9e3779b97f4a7c15 + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x >> 32)
	}
	return b
}

// variants are the options of mkfs.erofs that change how an image is read.
func variants() map[string]string {
	return map[string]string{
		"plain":        "",
		"no-inline":    "-Enoinline_data",
		"extended":     "-Eforce-inode-extended",
		"legacy":       "-zlz4 -Elegacy-compress",
		"no-xattr":     "-x-1",
		"few-shared":   "-x1",
		"chunks":       "--chunksize=4096",
		"big-chunks":   "--chunksize=65536",
		"chunk-map":    "--chunksize=4096 -Eforce-inode-blockmap",
		"ignore-mtime": "-T1700000000 --ignore-mtime",
		"no-checksum":  "-Enosbcrc",
		"lz4":          "-zlz4",
		"lz4-extended": "-zlz4 -Eforce-inode-extended",
		"lz4hc":        "-zlz4hc,1",
		"lz4-big":      "-zlz4 -C65536",
		"lz4-1M":       "-zlz4 -C1048576",
		"lz4-tail":     "-zlz4hc,1 -Eztailpacking",
		"lz4-big-tail": "-zlz4 -C16384 -Eztailpacking",
		"max-extent":   "-zlz4 --max-extent-bytes=8192",
	}
}

// newerVariants are those that Debian's mkfs.erofs does not know: each is tried
// and passed over where it is refused. Images of theirs are in testdata.
func newerVariants() map[string]string {
	return map[string]string{
		"fragments":     "-zlz4hc -Efragments",
		"all-fragments": "-zlz4 -Eall-fragments",
		"big-fragments": "-zlz4hc -C65536 -Efragments,ztailpacking",
		"dedupe":        "-zlz4 -Ededupe",
		"dedupe-big":    "-zlz4 -C65536 -Ededupe,all-fragments",
		"fragdedupe":    "-zlz4 -C65536 -Efragments,fragdedupe=inode",
		"lzma":          "-zlzma,level=1",
		"lzma-big":      "-zlzma,3 -C65536 -Efragments",
		"lzma-tail":     "-zlzma,level=1 -C65536 -Eztailpacking",
		"lzma-literal":  "-zlzma,level=1,lc=0,lp=2,pb=0 -C16384",
		"deflate":       "-zdeflate,9",
		"deflate-big":   "-zlibdeflate,6 -C65536 -Eztailpacking,dedupe,fragments",
		"zstd":          "-zzstd",
		"zstd-big":      "-zzstd,5 -C1048576 -Eall-fragments,dedupe",
		"two":           "-zlz4hc:lzma -C32768",
		"prefix":        "--xattr-prefix=user. --xattr-prefix=trusted.mo --xattr-prefix=security.se -zlz4",
		"plain-prefix":  "--xattr-prefix=user. -Eplain-xattr-prefixes,fragments -zlz4",
		"no-filter":     "-E^xattr-name-filter",
		"chunk-indexes": "--chunksize=4096 -Eforce-chunk-indexes",
		"512":           "-b512",
		"512-lz4":       "-b512 -zlz4 -C4096 -Eztailpacking",
		"1k-zstd":       "-b1024 -zzstd -Efragments",
		"2k-lzma":       "-b2048 -zlzma,level=1 -C8192 -Ededupe",
		"48bit":         "-zlz4 -E48bit",
		"48bit-zstd":    "-zzstd -C65536 -E48bit,fragments",
		"48bit-dedupe":  "-zlz4 -C65536 -E48bit,dedupe,all-fragments",
		"48bit-max":     "-zlz4 -C65536 -E48bit --max-extent-bytes=65536",
		"48bit-plain":   "-E48bit",
		"48bit-chunks":  "-E48bit --chunksize=4096",
		"metabox":       "-m4096 -zlz4 -x-1",
		"metabox-zstd":  "-m65536:zstd -zlz4:zstd -C65536 -Efragments,ztailpacking -x100",
		"directories":   "-zlz4 --zD -C16384",
		"dot-omitted":   "-Edot-omitted",
		"metazone":      "--MZ=id -zlz4",
	}
}

// sample are the variants of every day; the others run in the full tier.
const sample = " plain lz4 lz4-big-tail legacy chunks "

func TestMatrixAgreesWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "mkfs.erofs", "blkid", "unshare")
	source := content(t, 1500, 254)
	for name, args := range variants() {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(sample, " "+name+" ") {
				fixtures.RequireFull(t)
			}
			image, err := makeFrom(t, source, strings.Fields(args)...)
			kerneltest.Must(t, err)
			compare(t, image)
		})
	}
}

func TestNewerVariantsAgreeWithKernel(t *testing.T) {
	fixtures.RequireFull(t)
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "mkfs.erofs", "blkid", "unshare")
	source := content(t, 1500, 255)
	for name, args := range newerVariants() {
		image, err := makeFrom(t, source, strings.Fields(args)...)
		if err != nil {
			t.Logf("%s: not made: %.200v", name, err)
			continue
		}
		t.Run(name, func(t *testing.T) { compare(t, image) })
	}
}

func compare(t *testing.T, image string) {
	t.Helper()
	compareWithBlkid(t, image)
	if n := len(compareWithKernel(t, image)); n < 1600 {
		t.Errorf("%d entries", n)
	}
}
