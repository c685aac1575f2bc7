package ext4_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
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
func compareWithKernel(t testing.TB, path string) map[string]string {
	t.Helper()
	oracle, err := kernel.Open(path, kernel.Options{Type: "ext4"})
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

// sample are the variants of every day; the others run in the full tier.
const sample = " default ext2 ext3-1k 1k inline ea_inode bigalloc-1k no-csum inode-128 meta_bg no-filetype "

func TestMatrixAgreesWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	for name, args := range variants() {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(sample, " "+name+" ") {
				fixtures.RequireFull(t)
			}
			t.Parallel()
			size, args := blockSize(args)
			// 300 MiB are three groups of descriptors for meta_bg.
			path := kerneltest.Make(t, 300<<20, strings.Fields(args+" -N 8192 -L ümatrix")...)
			compareWithBlkid(t, path)
			kerneltest.Populate(t, path, func(dir string) { kerneltest.Hard(t, dir, size, 1500) })
			got := compareWithKernel(t, path)
			if huge := strings.Contains(got["/attributes/huge"], "user.huge65536="); huge != (name == "ea_inode") {
				t.Errorf("an attribute of 64 KiB: %v", huge)
			}
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

// What this machine's kernel cannot mount is compared with what mke2fs was given.
func TestVariantsThatTheKernelMayLack(t *testing.T) {
	source := t.TempDir()
	kerneltest.Must(t, os.Mkdir(filepath.Join(source, "Dir"), 0o750),
		os.WriteFile(filepath.Join(source, "Dir/File"), bytes.Repeat([]byte("content "), 100000), 0o640),
		os.Symlink(strings.Repeat("t", 200), filepath.Join(source, "link")),
		os.Link(filepath.Join(source, "Dir/File"), filepath.Join(source, "hard")))
	for i := range 1000 { // a directory of several blocks, whatever their size
		kerneltest.Must(t, os.WriteFile(filepath.Join(source, "Dir", fmt.Sprintf("%060d", i)), nil, 0o600))
	}
	tree, err := dir.Open(source)
	kerneltest.Must(t, err)
	defer tree.Close()
	want := withoutFractions(fsystest.Contents(t, tree))
	for name, args := range map[string]string{
		"casefold": "-t ext4 -O casefold -E encoding=utf8",
		"8k":       "-t ext4 -b 8192", "16k-inline": "-t ext4 -b 16384 -O inline_data", "64k": "-t ext4 -b 65536", "64k-ext2": "-t ext2 -b 65536",
		"quota": "-t ext4 -O quota,project -E quotatype=usrquota:grpquota:prjquota", "mmp": "-t ext4 -O mmp", "orphan_file": "-t ext4 -O orphan_file",
	} {
		t.Run(name, func(t *testing.T) {
			path := kerneltest.Make(t, 200<<20, append(strings.Fields(args), "-N", "1500", "-d", source)...)
			got := withoutFractions(fsystest.Contents(t, openImage(t, path)))
			delete(got, "/lost+found")
			got["/"], want["/"] = "", ""
			fsystest.Compare(t, got, want)
		})
	}
}

// withoutFractions cuts times to seconds, as mke2fs -d does.
func withoutFractions(list map[string]string) map[string]string {
	fraction := regexp.MustCompile(`(T\d\d:\d\d:\d\d)\.\d+Z`)
	for path, line := range list {
		list[path] = fraction.ReplaceAllString(line, "${1}Z")
	}
	return list
}

func TestEncryptedIsUnread(t *testing.T) {
	fixtures.RequireTool(t, "debugfs")
	source := t.TempDir()
	kerneltest.Must(t, os.WriteFile(filepath.Join(source, "f"), []byte("cipher"), 0o644), os.Mkdir(filepath.Join(source, "d"), 0o755),
		os.WriteFile(filepath.Join(source, "d/x"), nil, 0o644))
	path := kerneltest.Make(t, 16<<20, "-t", "ext4", "-O", "encrypt", "-d", source)
	for name, flags := range map[string]string{"f": "0x80800", "d": "0x80800"} {
		kerneltest.Run(t, "debugfs", "-w", "-R", "set_inode_field /"+name+" flags "+flags, path)
	}
	got := fsystest.Contents(t, openImage(t, path))
	if _, shown := got["/d/x"]; shown || !strings.Contains(got["/d"], "!it is encrypted") || !strings.Contains(got["/f"], "!it is encrypted") {
		t.Errorf("%q", got)
	}
}

func TestCrowdedDirectory(t *testing.T) {
	fixtures.RequireFull(t)
	fixtures.RequireRoot(t)
	for _, args := range []string{"-t ext4 -b 1024 -O large_dir", "-t ext4 -b 4096"} {
		path := kerneltest.Make(t, 256<<20, strings.Fields(args+" -N 80000")...)
		kerneltest.Populate(t, path, func(dir string) { kerneltest.Hard(t, dir, 1024, 70000) })
		compareWithKernel(t, path)
	}
}
