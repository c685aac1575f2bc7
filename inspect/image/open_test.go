package image_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// openImage opens a subject that must open.
func openImage(t testing.TB, path string) *image.Image {
	t.Helper()
	img, err := image.Open(context.Background(), path, image.Options{})
	kerneltest.Must(t, err)
	t.Cleanup(func() { kerneltest.Must(t, img.Close()) })
	return img
}

// smallTree is a tree that every container can hold without root.
func smallTree(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	big := bytes.Repeat([]byte("0123456789abcdef"), 20000)
	kerneltest.Must(t, os.MkdirAll(filepath.Join(dir, "etc"), 0o755),
		os.WriteFile(filepath.Join(dir, "etc/hostname"), []byte("assay\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "big"), big, 0o600),
		os.Symlink("etc/hostname", filepath.Join(dir, "link")),
		os.Link(filepath.Join(dir, "big"), filepath.Join(dir, "etc/again")))
	return dir
}

// smallFS is an ext4 filesystem of 8 MiB with smallTree in it.
func smallFS(t testing.TB) string {
	t.Helper()
	return kerneltest.Make(t, 8<<20, "-t", "ext4", "-d", smallTree(t), "-L", "small", "-U", "6f1ed002-ab5a-4f4c-8d3b-7c5f0a1b2c3d")
}

// disk puts filesystems at the places of a partition table made by sfdisk.
func disk(t testing.TB, size int64, script string, at map[int64]string, flags ...string) string {
	t.Helper()
	fixtures.RequireTool(t, "sfdisk")
	path := filepath.Join(t.TempDir(), "disk.img")
	kerneltest.Must(t, os.WriteFile(path, nil, 0o644), os.Truncate(path, size))
	cmd := exec.Command("sfdisk", append(append([]string{"-q"}, flags...), path)...)
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	for offset, fs := range at {
		data, err := os.ReadFile(fs)
		kerneltest.Must(t, err)
		lay(t, path, offset, data)
	}
	return path
}

// lay writes data into a file of zeros, which keeps its holes.
func lay(t testing.TB, path string, offset int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	kerneltest.Must(t, err)
	for at := 0; at < len(data); at += 4096 {
		if b := data[at:min(at+4096, len(data))]; len(bytes.Trim(b, "\x00")) > 0 {
			_, err := f.WriteAt(b, offset+int64(at))
			kerneltest.Must(t, err)
		}
	}
	kerneltest.Must(t, f.Close())
}

const (
	gptScript = "label: gpt\nlabel-id: 11111111-2222-3333-4444-555555555555\n" +
		"start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649, name=\"bios ü\"\n" +
		"start=4096, size=16384, uuid=AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE, name=root, attrs=\"LegacyBIOSBootable\"\n"
	mbrScript = "label: dos\nlabel-id: 0x12345678\n" +
		"start=2048, size=2048, type=83, bootable\nstart=4096, size=40960, type=5\nstart=6144, size=2048, type=82\nstart=10240, size=16384, type=83\n"
)

// convert makes a qcow2 image.
func convert(t testing.TB, path, options string, flags ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "image")
	kerneltest.Run(t, "qemu-img", append(append([]string{"convert", "-O", "qcow2", "-o", options}, flags...), path, out)...)
	return out
}

// compress runs a program that writes to its standard output. The result has
// no ending that tells what it is.
func compress(t testing.TB, path, program string, flags ...string) string {
	t.Helper()
	fixtures.RequireTool(t, program)
	out := filepath.Join(t.TempDir(), "packed")
	f, err := os.Create(out)
	kerneltest.Must(t, err)
	cmd := exec.Command(program, append(flags, "-c", path)...)
	cmd.Stdout = f
	kerneltest.Must(t, cmd.Run(), f.Close())
	return out
}

func TestDiskTellsItsTable(t *testing.T) {
	img := openImage(t, disk(t, 16<<20, gptScript, map[int64]string{4096 * 512: smallFS(t)}))
	d := img.Disk
	if d.PartitionTable != "gpt" || d.ID != "11111111-2222-3333-4444-555555555555" || d.Format != "raw" || d.Size != 16<<20 || d.SectorSize != 512 {
		t.Errorf("%+v", d)
	}
	p := d.Partitions[1]
	if len(d.Partitions) != 2 || p.Start != 2<<20 || p.Size != 8<<20 || p.UUID != "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee" || p.Label != "root" || p.Attributes != 4 {
		t.Errorf("%+v", d.Partitions)
	}
	if d.Partitions[0].Label != "bios ü" || d.Partitions[0].Type != "21686148-6449-6e6f-744e-656564454649" || p.Filesystem.Type != "ext4" {
		t.Errorf("%+v", d.Partitions)
	}
}

func TestRegionsNameWhatNoFilesystemHolds(t *testing.T) {
	fs := smallFS(t)
	kerneltest.Run(t, "resize2fs", fs, "7M")
	path := disk(t, 16<<20, gptScript, map[int64]string{4096 * 512: fs})
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	kerneltest.Must(t, err)
	for _, off := range []int64{3, 1<<20 - 700, 1<<20 + 5000, 1<<20 + 9000, 2<<20 + 8, 10<<20 - 5, 11<<20 + 1} {
		_, err := f.WriteAt([]byte("code"), off)
		kerneltest.Must(t, err)
	}
	kerneltest.Must(t, f.Close())
	var got []string
	for _, r := range openImage(t, path).Disk.Regions {
		if r.Role != "partition table" {
			got = append(got, fmt.Sprintf("%s %d+%d", r.Role, r.Offset, r.Length))
		}
	}
	want := "boot code 0+440; gap 1047552+512; partition 1 1053184+4608; boot code of partition 2 2097152+512; after the filesystem of partition 2 10485248+512; after last partition 11534336+512"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf(" got %s\nwant %s", s, want)
	}
}

func TestBrokenPrimaryTableUsesBackup(t *testing.T) {
	for name, off := range map[string]int64{"header": 512 + 20, "entries": 1024 + 5} {
		t.Run(name, func(t *testing.T) {
			path := disk(t, 16<<20, gptScript, map[int64]string{4096 * 512: smallFS(t)})
			patch(t, path, off, []byte("broken"))
			img := openImage(t, path)
			if len(img.Disk.Partitions) != 2 || img.Trees[0].Err != nil || len(img.Problems) == 0 || !strings.Contains(img.Problems[0].Error(), "backup") {
				t.Errorf("%+v, problems %v", img.Disk, img.Problems)
			}
		})
	}
}

func TestMBRLists(t *testing.T) {
	img := openImage(t, disk(t, 24<<20, mbrScript, map[int64]string{10240 * 512: smallFS(t)}))
	var got []string
	for _, p := range img.Disk.Partitions {
		got = append(got, fmt.Sprintf("%d %s %d+%d %s %v", p.Index, p.Type, p.Start/512, p.Size/512, p.UUID, p.Bootable))
	}
	want := "1 0x83 2048+2048 12345678-01 true; 2 0x05 4096+40960 12345678-02 false; 5 0x82 6144+2048 12345678-05 false; 6 0x83 10240+16384 12345678-06 false"
	if s := strings.Join(got, "; "); s != want || img.Disk.ID != "0x12345678" {
		t.Errorf(" got %s\nwant %s", s, want)
	}
}

func patch(t testing.TB, path string, off int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	kerneltest.Must(t, err)
	_, err = f.WriteAt(data, off)
	kerneltest.Must(t, err, f.Close())
}

func TestBadSubjectsSaySo(t *testing.T) {
	dir := t.TempDir()
	fs := smallFS(t)
	file := func(name string, data []byte) string {
		p := filepath.Join(dir, name)
		kerneltest.Must(t, os.WriteFile(p, data, 0o644))
		return p
	}
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		kerneltest.Must(t, err)
		return b
	}
	qcow := read(convert(t, fs, "compat=1.1"))
	packed := read(compress(t, fs, "gzip", "-1", "-k"))
	for name, c := range map[string]struct{ path, want string }{
		"missing":        {filepath.Join(dir, "absent"), "no such file"},
		"empty":          {file("empty", nil), "is empty"},
		"text":           {file("text", bytes.Repeat([]byte("some text\n"), 500)), "no image"},
		"short":          {file("short", []byte("x")), "no image"},
		"zeros":          {file("zeros", make([]byte, 1<<20)), "no image"},
		"device":         {"/dev/null", "neither a directory"},
		"vmdk":           {file("vmdk", append([]byte("KDMV"), make([]byte, 4096)...)), "vmdk"},
		"qcow2 header":   {file("qcow2", qcow[:60]), "truncated"},
		"qcow2 tables":   {file("qcow2t", qcow[:150000]), "truncated"},
		"gzip truncated": {file("gz", packed[:len(packed)/2]), "unexpected EOF"},
		"gzip of text":   {compress(t, file("plain", []byte("hello")), "gzip", "-k"), "no image"},
	} {
		t.Run(name, func(t *testing.T) {
			img, err := image.Open(context.Background(), c.path, image.Options{})
			if err == nil {
				img.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
				t.Errorf("%v, want %q and the path", err, c.want)
			}
		})
	}
}

func TestTruncatedFilesystemIsAVolumeWithError(t *testing.T) {
	fs := smallFS(t)
	kerneltest.Must(t, os.Truncate(fs, 5<<20))
	img := openImage(t, fs)
	if img.Trees[0].Tree != nil || img.Trees[0].Err == nil || !strings.Contains(img.Trees[0].Err.Error(), "truncated") {
		t.Errorf("%+v", img.Trees[0])
	}
	path := disk(t, 16<<20, gptScript, map[int64]string{4096 * 512: smallFS(t)})
	kerneltest.Must(t, os.Truncate(path, 9<<20))
	img = openImage(t, path)
	if len(img.Trees) != 1 || !strings.Contains(img.Trees[0].Err.Error(), "truncated") || len(img.Problems) == 0 {
		t.Errorf("%+v, problems %v", img.Trees, img.Problems)
	}
}

func TestOtherFilesystemsAreNamed(t *testing.T) {
	fixtures.RequireTool(t, "mkswap", "blkid")
	for _, argv := range []string{"mkswap -q -L sw -U 6f1ed002-ab5a-4f4c-8d3b-7c5f0a1b2c3d"} {
		path := filepath.Join(t.TempDir(), "fs")
		kerneltest.Must(t, os.WriteFile(path, nil, 0o600), os.Truncate(path, 320<<20))
		words := strings.Fields(argv)
		kerneltest.Run(t, words[0], append(words[1:], path)...)
		v := openImage(t, path).Trees[0]
		got := v.Filesystem.Type + "\n" + v.Filesystem.UUID + "\n"
		want := kerneltest.Run(t, "blkid", "-p", "-o", "value", "-s", "TYPE", path) + kerneltest.Run(t, "blkid", "-p", "-o", "value", "-s", "UUID", path)
		if got != want || v.Err == nil {
			t.Errorf("%s: got %q, blkid says %q; %v", argv, got, want, v.Err)
		}
	}
}

func TestTarAndLimits(t *testing.T) {
	tree := smallTree(t)
	plain := filepath.Join(t.TempDir(), "x")
	kerneltest.Run(t, "tar", "-cf", plain, "-C", tree, ".")
	want := fsystest.Contents(t, openImage(t, plain).Trees[0].Tree)
	for program, format := range map[string]string{"gzip": "gzip+tar", "xz": "xz+tar", "zstd": "zstd+tar", "bzip2": "bzip2+tar"} {
		img := openImage(t, compress(t, plain, program, "-q"))
		if img.Subject.Format != format || img.Subject.Kind != "tar" {
			t.Errorf("%+v", img.Subject)
		}
		fsystest.Compare(t, fsystest.Contents(t, img.Trees[0].Tree), want)
	}
	_, err := image.Open(context.Background(), compress(t, plain, "gzip", "-q"), image.Options{MaxSize: 1000})
	if err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("a bomb: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := image.Open(ctx, plain, image.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
