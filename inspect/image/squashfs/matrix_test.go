package squashfs_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/squashfs"
)

// openImage opens an image with the reader under test.
func openImage(t testing.TB, path string) *squashfs.FS {
	t.Helper()
	f, err := os.Open(path)
	kerneltest.Must(t, err)
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	kerneltest.Must(t, err)
	fs, err := squashfs.Open(context.Background(), f, info.Size())
	kerneltest.Must(t, err)
	return fs
}

// compareWithKernel requires the same of every entry from both readers.
func compareWithKernel(t testing.TB, path string) map[string]string {
	t.Helper()
	oracle, err := kernel.Open(path, kernel.Options{Type: "squashfs"})
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
	for tag, got := range map[string]string{"TYPE": d.Type, "UUID": d.UUID, "LABEL": d.Label, "VERSION": d.Settings["version"]} {
		out, _ := exec.Command("blkid", "-p", "-o", "value", "-s", tag, path).Output() // an error for no such tag
		if want := strings.TrimSpace(string(out)); got != want {
			t.Errorf("%s is %q, blkid says %q", tag, got, want)
		}
	}
}

// A variant is a way to pack a tree: mksquashfs with arguments, or a shell's command
// with the tree as $1 and the image as $2.
type variant struct{ args, command string }

// variants are what changes how an image is read.
func variants() map[string]variant {
	return map[string]variant{
		"gzip":            {args: ""},
		"gzip-strategies": {args: "-comp gzip -Xcompression-level 1 -Xwindow-size 8 -Xstrategy huffman_only,fixed,filtered"},
		"lzo":             {args: "-comp lzo"},
		"lzma":            {args: "-comp lzma"},
		"lzo1x_1":         {args: "-comp lzo -Xalgorithm lzo1x_1"},
		"lz4":             {args: "-comp lz4"},
		"lz4-hc":          {args: "-comp lz4 -Xhc -b 1M"},
		"xz":              {args: "-comp xz"},
		"xz-filters":      {args: "-comp xz -Xbcj x86,arm,armthumb,powerpc,sparc,ia64 -b 1M -Xdict-size 100%"},
		"zstd":            {args: "-comp zstd"},
		"zstd-22":         {args: "-comp zstd -Xcompression-level 22 -b 1M"},
		"4k":              {args: "-b 4096"},
		"8k-lzo":          {args: "-b 8192 -comp lzo"},
		"1m":              {args: "-b 1M"},
		"no-fragments":    {args: "-no-fragments"},
		"tails":           {args: "-always-use-fragments -b 16384"},
		"plain":           {args: "-noI -noD -noF -noX"},
		"plain-ids":       {args: "-noId -noI"},
		"plain-data":      {args: "-noD -b 64K"},
		"duplicates":      {args: "-no-duplicates -no-hardlinks"},
		"no-exports":      {args: "-no-exports"},
		"no-xattrs":       {args: "-no-xattrs"},
		"no-sparse":       {args: "-no-sparse"},
		"ng":              {command: `gensquashfs -q -x -k -D "$1" "$2"`},
		"ng-xz":           {command: `gensquashfs -q -x -k -c xz -b 4096 -D "$1" "$2"`},
		"ng-zstd":         {command: `gensquashfs -q -x -k -e -T -c zstd -b 1048576 -D "$1" "$2"`},
		"ng-lz4":          {command: `gensquashfs -q -x -k -c lz4 -D "$1" "$2"`},
		"ng-lzo":          {command: `gensquashfs -q -x -k -c lzo -D "$1" "$2"`},
		"tar":             {command: `tar -C "$1" --exclude ./times -cf - . | mksquashfs - "$2" -tar -quiet -no-progress`},
		"tar2sqfs":        {command: `tar -C "$1" --xattrs --exclude ./attributes/huge -cf - . | tar2sqfs -q -c xz "$2"`},
	}
}

// sample are the variants of every day; the others run in the full tier.
const sample = "gzip 8k-lzo lzo1x_1 lz4 xz zstd 4k plain tails ng-zstd"

// pack makes an image of dir.
func (v variant) pack(t testing.TB, dir, image string) {
	t.Helper()
	if v.command != "" {
		kerneltest.Run(t, "sh", "-ec", v.command, "sh", dir, image)
		return
	}
	kerneltest.Run(t, "mksquashfs", append([]string{dir, image, "-noappend", "-quiet", "-no-progress"}, strings.Fields(v.args)...)...)
}

// packAll makes an ext4 filesystem with hard content, and packs it in each
// variant. Other filesystems, or a mount's flags, would take out what is hard.
func packAll(t testing.TB, many int, names []string) map[string]string {
	t.Helper()
	fixtures.RequireTool(t, "mksquashfs", "gensquashfs", "tar2sqfs")
	source := kerneltest.Make(t, 400<<20, "-t", "ext4", "-b", "4096", "-N", fmt.Sprint(many+8192), "-O", "ea_inode")
	out, images := t.TempDir(), map[string]string{}
	kerneltest.Populate(t, source, func(dir string) {
		kerneltest.Hard(t, dir, 4096, many)
		program, err := os.ReadFile("/bin/sh")
		kerneltest.Must(t, err, os.WriteFile(filepath.Join(dir, "sizes/program"), program, 0o755))
		gaps, err := os.Create(filepath.Join(dir, "sizes/gaps"))
		kerneltest.Must(t, err)
		for i := range int64(9) {
			_, err := gaps.WriteAt(program[:1000*(i+1)], i*i*1000001)
			kerneltest.Must(t, err)
		}
		kerneltest.Must(t, gaps.Close())
		kerneltest.Must(t, os.WriteFile(filepath.Join(dir, "sizes/text"), []byte(strings.Repeat("a line of text that repeats\n", 100000)), 0o600))
		if os.Getenv("ASSAY_FULL") != "1" {
			// mksquashfs reads all zeros of its 4 GiB.
			kerneltest.Must(t, os.Remove(filepath.Join(dir, "sizes/sparse")))
		}
		// Another program sees this process's files by its number alone.
		seen := strings.Replace(dir, "/proc/self", fmt.Sprint("/proc/", os.Getpid()), 1) + "/"
		for i, name := range names {
			if i == 1 { // once is enough, and gensquashfs refuses access lists
				kerneltest.Must(t, os.RemoveAll(filepath.Join(dir, "sizes/sparse")), os.RemoveAll(filepath.Join(dir, "attributes/acl")))
			}
			images[name] = filepath.Join(out, name+".sqfs")
			variants()[name].pack(t, seen, images[name])
		}
	})
	return images
}

func TestMatrixAgreesWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	names := slices.Sorted(maps.Keys(variants()))
	names = append([]string{"gzip"}, slices.DeleteFunc(names, func(name string) bool { return name == "gzip" })...)
	if os.Getenv("ASSAY_FULL") != "1" {
		names = strings.Fields(sample)
	}
	images := packAll(t, 1500, names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compareWithBlkid(t, images[name])
			if name == "lzma" { // which the kernel does not read
				fsystest.Compare(t, fsystest.Contents(t, openImage(t, images[name])), fsystest.Contents(t, openImage(t, images["zstd"])))
				return
			}
			got := compareWithKernel(t, images[name])
			if name == "gzip" && os.Getenv("ASSAY_FULL") == "1" && !strings.Contains(got["/sizes/sparse"], " 4294967297 ") {
				t.Errorf("the large file is %q", got["/sizes/sparse"])
			}
		})
	}
}

func TestCrowdedDirectory(t *testing.T) {
	fixtures.RequireFull(t)
	fixtures.RequireRoot(t)
	for name, path := range packAll(t, 70000, []string{"gzip", "4k"}) {
		t.Run(name, func(t *testing.T) { compareWithKernel(t, path) })
	}
}

func TestReadsAsNobody(t *testing.T) {
	fixtures.RequireRoot(t)
	source := t.TempDir()
	kerneltest.Must(t, os.WriteFile(filepath.Join(source, "secret"), []byte("text"), 0o400), os.Chown(filepath.Join(source, "secret"), 7, 8))
	path := filepath.Join(t.TempDir(), "img")
	variants()["zstd"].pack(t, source, path)
	fs := openImage(t, path)
	want := fsystest.Contents(t, fs)
	got := fsystest.AsNobody(t, func() map[string]string { return fsystest.Contents(t, fs) })
	fsystest.Compare(t, got, want)
	if !strings.HasPrefix(got["/secret"], "file 0400 7:8 4 ") {
		t.Errorf("%q", got)
	}
}

// TestExtents: holes are told, and where a block is not compressed, its place.
func TestExtents(t *testing.T) {
	source := t.TempDir()
	data := make([]byte, 50000)
	copy(data[8192:], strings.Repeat("one", 3000))
	copy(data[40000:], "two")
	data[49999] = 3
	kerneltest.Must(t, os.WriteFile(filepath.Join(source, "f"), data, 0o600))
	for name, compressed := range map[string]bool{"-noD -noF": false, "": true} {
		path := filepath.Join(t.TempDir(), "img")
		variant{args: "-b 4096 -always-use-fragments " + name}.pack(t, source, path)
		raw, err := os.ReadFile(path)
		kerneltest.Must(t, err)
		fs := openImage(t, path)
		var extents []fsys.Extent
		kerneltest.Must(t, fs.Walk(context.Background(), func(n *fsys.Node) error {
			if n.Path != "/f" {
				return n.Err
			}
			c, err := fs.Open(n)
			kerneltest.Must(t, err)
			extents, err = c.Extents()
			return err
		}))
		var got []string
		for _, e := range extents {
			got = append(got, fmt.Sprintf("%d+%d", e.Offset, e.Length))
			if compressed != (e.Physical < 0) {
				t.Errorf("%q: %+v", name, e)
			}
			if !compressed && !bytes.Equal(raw[e.Physical:][:e.Length], data[e.Offset:][:e.Length]) {
				t.Errorf("%q: %+v leads to other bytes", name, e)
			}
		}
		// The tail has a place of its own, among other tails.
		want := "8192+12288 36864+4096 49152+848"
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: %s; want %s", name, s, want)
		}
	}
}
