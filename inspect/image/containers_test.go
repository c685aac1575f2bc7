package image_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/image/blockmap/blockmaptest"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

func TestContainersShowTheSameTree(t *testing.T) {
	fs := smallFS(t)
	want := fsystest.Contents(t, openImage(t, fs).Trees[0].Tree)
	if len(want) != 7 { // with lost+found
		t.Fatalf("the filesystem shows %d names: %q", len(want), want)
	}
	for name, make := range map[string]func(string) (string, int){
		"raw":      func(fs string) (string, int) { return fs, 0 },
		"gpt":      func(fs string) (string, int) { return disk(t, 16<<20, gptScript, map[int64]string{4096 * 512: fs}), 2 },
		"mbr":      func(fs string) (string, int) { return disk(t, 24<<20, mbrScript, map[int64]string{10240 * 512: fs}), 6 },
		"qcow2-v3": func(fs string) (string, int) { return convert(t, fs, "compat=1.1"), 0 },
		"qcow2-v2": func(fs string) (string, int) { return convert(t, fs, "compat=0.10"), 0 },
		"qcow2-c":  func(fs string) (string, int) { return convert(t, fs, "compat=1.1", "-c"), 0 },
		"qcow2-zstd": func(fs string) (string, int) {
			return convert(t, fs, "compat=1.1,compression_type=zstd", "-c"), 0
		},
		"qcow2-extended": func(fs string) (string, int) { return convert(t, fs, "extended_l2=on,cluster_size=128k"), 0 },
		"qcow2-small":    func(fs string) (string, int) { return convert(t, fs, "cluster_size=512"), 0 },
		"qcow2-large":    func(fs string) (string, int) { return convert(t, fs, "cluster_size=2M"), 0 },
		"qcow2-gpt": func(fs string) (string, int) {
			return convert(t, disk(t, 16<<20, gptScript, map[int64]string{4096 * 512: fs}), "compat=1.1", "-c"), 2
		},
		"vmdk": func(fs string) (string, int) { return blockmaptest.Convert(t, fs, "vmdk", ""), 0 },
		"vmdk-stream": func(fs string) (string, int) {
			return blockmaptest.Convert(t, fs, "vmdk", "subformat=streamOptimized"), 0
		},
		"vmdk-gpt": func(fs string) (string, int) {
			return blockmaptest.Convert(t, disk(t, 16<<20, gptScript, map[int64]string{4096 * 512: fs}), "vmdk", ""), 2
		},
		"vdi":        func(fs string) (string, int) { return blockmaptest.Convert(t, fs, "vdi", ""), 0 },
		"vdi-static": func(fs string) (string, int) { return blockmaptest.Convert(t, fs, "vdi", "static=on"), 0 },
		"vhd":        func(fs string) (string, int) { return blockmaptest.Convert(t, fs, "vpc", ""), 0 },
		"vhd-fixed":  func(fs string) (string, int) { return blockmaptest.Convert(t, fs, "vpc", "subformat=fixed"), 0 },
		"vhd-mbr": func(fs string) (string, int) {
			return blockmaptest.Convert(t, disk(t, 24<<20, mbrScript, map[int64]string{10240 * 512: fs}), "vpc", "force_size=on"), 6
		},
		"vhdx":       func(fs string) (string, int) { return blockmaptest.Convert(t, fs, "vhdx", ""), 0 },
		"vhdx-fixed": func(fs string) (string, int) { return blockmaptest.Convert(t, fs, "vhdx", "subformat=fixed"), 0 },
		"gzip":       func(fs string) (string, int) { return compress(t, fs, "gzip", "-1", "-k"), 0 },
		"xz":         func(fs string) (string, int) { return compress(t, fs, "xz", "-0", "-k"), 0 },
		"zst":        func(fs string) (string, int) { return compress(t, fs, "zstd", "-1", "-q"), 0 },
	} {
		t.Run(name, func(t *testing.T) {
			path, index := make(fs)
			img := openImage(t, path)
			if len(img.Trees) != 1 || img.Trees[0].Partition != index || img.Trees[0].Err != nil {
				t.Fatalf("volumes %+v", img.Trees)
			}
			fsystest.Compare(t, fsystest.Contents(t, img.Trees[0].Tree), want)
			if f := img.Trees[0].Filesystem; f.Type != "ext4" || f.Label != "small" || f.UUID != "6f1ed002-ab5a-4f4c-8d3b-7c5f0a1b2c3d" {
				t.Errorf("filesystem %+v", f)
			}
			if img.Problems != nil {
				t.Error(img.Problems)
			}
		})
	}
}

// hardFS is an ext4 filesystem with everything in it.
func hardFS(t testing.TB) string {
	t.Helper()
	fs := kerneltest.Make(t, 64<<20, "-t", "ext4", "-b", "4096", "-N", "4096")
	kerneltest.Populate(t, fs, func(dir string) { kerneltest.Hard(t, dir, 4096, 100) })
	return fs
}

// What every container and table shows of a hard filesystem is what the kernel
// shows of that partition.
func TestContainersAgreeWithKernel(t *testing.T) {
	fixtures.RequireRoot(t)
	fs := hardFS(t)
	gpt := disk(t, 80<<20, "label: gpt\nstart=2048, size=2048\nstart=4096, size=131072\n", map[int64]string{2 << 20: fs})
	mbr := disk(t, 80<<20, "label: dos\nstart=2048, size=2048\nstart=4096, size=140000, type=f\nstart=6144, size=131072\n", map[int64]string{3 << 20: fs})
	for name, c := range map[string]struct {
		raw    string
		offset int64
		flags  []string // of qemu-img: a format, its options, others; none for the raw disk itself
	}{
		"gpt":      {gpt, 2 << 20, nil},
		"mbr":      {mbr, 3 << 20, nil},
		"gpt-v3-c": {gpt, 2 << 20, []string{"qcow2", "compat=1.1", "-c"}},
		"mbr-v2":   {mbr, 3 << 20, []string{"qcow2", "compat=0.10"}},
		"mbr-zstd": {mbr, 3 << 20, []string{"qcow2", "compression_type=zstd", "-c"}},
		"bare-v3":  {fs, 0, []string{"qcow2", "compat=1.1"}},
		"bare-ext": {fs, 0, []string{"qcow2", "extended_l2=on"}},
		"gpt-vmdk": {gpt, 2 << 20, []string{"vmdk", "subformat=streamOptimized"}},
		"mbr-vmdk": {mbr, 3 << 20, []string{"vmdk", ""}},
		"gpt-vhd":  {gpt, 2 << 20, []string{"vpc", ""}},
		"mbr-vhd":  {mbr, 3 << 20, []string{"vpc", "subformat=fixed"}},
		"gpt-vhdx": {gpt, 2 << 20, []string{"vhdx", ""}},
		"mbr-vhdx": {mbr, 3 << 20, []string{"vhdx", "subformat=fixed"}},
		"gpt-vdi":  {gpt, 2 << 20, []string{"vdi", ""}},
		"bare-vdi": {fs, 0, []string{"vdi", "static=on"}},
	} {
		t.Run(name, func(t *testing.T) {
			oracle, err := kernel.Open(c.raw, kernel.Options{Type: "ext4", Offset: c.offset, Size: 64 << 20})
			kerneltest.Must(t, err)
			defer oracle.Close()
			path := c.raw
			if c.flags != nil {
				path = blockmaptest.Convert(t, c.raw, c.flags[0], c.flags[1], c.flags[2:]...)
			}
			trees := openImage(t, path).Trees
			fsystest.Compare(t, fsystest.Contents(t, trees[len(trees)-1].Tree), fsystest.Contents(t, oracle))
		})
	}
}

// A common user reads the same of an image as root does.
func TestNobodyReadsTheSame(t *testing.T) {
	fixtures.RequireRoot(t)
	fs := hardFS(t)
	want := fsystest.Contents(t, openImage(t, fs).Trees[0].Tree)
	paths := []string{convert(t, fs, "compat=1.1", "-c"), compress(t, fs, "zstd", "-1", "-q", "-k")}
	for _, f := range []string{"vmdk", "vpc", "vhdx", "vdi"} {
		paths = append(paths, blockmaptest.Convert(t, fs, f, ""))
	}
	for _, path := range paths {
		for at := path; at != "/tmp" && len(at) > 1; at = filepath.Dir(at) {
			kerneltest.Must(t, os.Chmod(at, 0o755))
		}
		got := fsystest.AsNobody(t, func() map[string]string {
			img, err := image.Open(context.Background(), path, image.Options{})
			kerneltest.Must(t, err)
			defer img.Close()
			return fsystest.Contents(t, img.Trees[0].Tree)
		})
		fsystest.Compare(t, got, want)
	}
}

func TestBackingFileOnlyWhenAllowed(t *testing.T) {
	dir := t.TempDir()
	base := filepath.Join(dir, "base.img")
	data, err := os.ReadFile(smallFS(t))
	kerneltest.Must(t, err, os.WriteFile(base, data, 0o644))
	middle, top := filepath.Join(dir, "middle"), filepath.Join(dir, "top")
	create := func(args ...string) {
		kerneltest.Run(t, "qemu-img", append([]string{"create", "-q", "-f", "qcow2"}, args...)...)
	}
	create("-F", "raw", "-b", "base.img", middle, "12M")
	create("-F", "qcow2", "-b", "middle", top)
	kerneltest.Run(t, "qemu-io", "-c", "write -P 7 9M 70000", middle)
	kerneltest.Run(t, "qemu-io", "-c", "write -z 9M 4096", "-c", "write -P 9 10M 512", top)
	if _, err := image.Open(context.Background(), top, image.Options{}); err == nil || !strings.Contains(err.Error(), "backing") {
		t.Errorf("without permission: %v", err)
	}
	img, err := image.Open(context.Background(), top, image.Options{AllowBacking: true})
	kerneltest.Must(t, err)
	defer img.Close()
	want := filepath.Join(dir, "flat")
	kerneltest.Run(t, "qemu-img", "convert", "-O", "raw", top, want)
	sameBytes(t, img.Device, want)

	outside := filepath.Join(t.TempDir(), "evil")
	create("-F", "raw", "-b", base, outside)
	if _, err := image.Open(context.Background(), outside, image.Options{AllowBacking: true}); err == nil || !strings.Contains(err.Error(), "same directory") {
		t.Errorf("a backing file elsewhere: %v", err)
	}
	circle := filepath.Join(dir, "circle")
	create("-F", "qcow2", "-b", "top", circle)
	kerneltest.Run(t, "qemu-img", "rebase", "-u", "-F", "qcow2", "-b", "circle", circle)
	if _, err := image.Open(context.Background(), circle, image.Options{AllowBacking: true}); err == nil || !strings.Contains(err.Error(), "stand on each other") {
		t.Errorf("a circle: %v", err)
	}
}

// What lies beside an image is read only when that is allowed, and from its own
// directory alone.
func TestExtentsOnlyWhenAllowed(t *testing.T) {
	path := blockmaptest.Convert(t, smallFS(t), "vmdk", "subformat=monolithicFlat")
	if _, err := image.Open(context.Background(), path, image.Options{}); err == nil || !strings.Contains(err.Error(), "--allow-backing") {
		t.Errorf("without permission: %v", err)
	}
	img, err := image.Open(context.Background(), path, image.Options{AllowBacking: true})
	kerneltest.Must(t, err)
	kerneltest.Must(t, img.Trees[0].Err, img.Close())
	text, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	dir := filepath.Dir(path)
	kerneltest.Must(t, os.Symlink("/etc/hostname", filepath.Join(dir, "link")), os.Mkdir(filepath.Join(dir, "dir"), 0o755))
	kerneltest.Run(t, "mkfifo", filepath.Join(dir, "fifo"))
	for name, want := range map[string]string{"../x": "same directory", "/etc/hostname": "same directory", "..": "same directory", "link": "regular", "dir": "regular", "fifo": "regular", "none": "no such file"} {
		kerneltest.Must(t, os.WriteFile(path, bytes.Replace(text, []byte(`"image-flat.vmdk"`), []byte(`"`+name+`"`), 1), 0o644))
		if _, err := image.Open(context.Background(), path, image.Options{AllowBacking: true}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	packed := compress(t, blockmaptest.Convert(t, smallFS(t), "vmdk", "subformat=twoGbMaxExtentFlat"), "gzip", "-1")
	if _, err := image.Open(context.Background(), packed, image.Options{AllowBacking: true}); err == nil || !strings.Contains(err.Error(), "no file beside") {
		t.Errorf("out of a compressed file: %v", err)
	}
}

// A backing file whose format is not said would be taken for whatever its
// content says.
func TestBackingFormatMustBeSaid(t *testing.T) {
	dir := t.TempDir()
	base, top := filepath.Join(dir, "base.img"), filepath.Join(dir, "top")
	kerneltest.Must(t, os.WriteFile(base, make([]byte, 1<<20), 0o644))
	kerneltest.Run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "base.img", top)
	data, err := os.ReadFile(top) // qemu-img writes none without a format any more
	kerneltest.Must(t, err)
	at := bytes.Index(data, []byte{0xe2, 0x79, 0x2a, 0xca})
	copy(data[at:], "what") // another kind of extension
	kerneltest.Must(t, os.WriteFile(top, data, 0o644))
	if _, err := image.Open(context.Background(), top, image.Options{AllowBacking: true}); err == nil || !strings.Contains(err.Error(), "does not say its format") {
		t.Errorf("%v", err)
	}
}

// Containers without a reader are named.
func TestUnreadContainersAreNamed(t *testing.T) {
	raw, _ := blockmaptest.Disk(t, 1<<20)
	path := filepath.Join(t.TempDir(), "x")
	for want, make := range map[string]func(){
		"QED":        func() { kerneltest.Run(t, "qemu-img", "convert", "-f", "raw", "-O", "qed", raw, path) },
		"version 1 ": func() { kerneltest.Run(t, "qemu-img", "convert", "-f", "raw", "-O", "qcow", raw, path) },
		"Parallels":  func() { kerneltest.Run(t, "qemu-img", "convert", "-f", "raw", "-O", "parallels", raw, path) },
		"by LUKS": func() { // the header alone: making the key takes long
			kerneltest.Run(t, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path)
			patch(t, path, 32, []byte{0, 0, 0, 2})
		},
		"external file": func() {
			kerneltest.Run(t, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", "data_file="+path+".data", raw, path)
		},
		"cloop": func() {
			kerneltest.Must(t, os.WriteFile(path, []byte("#!/bin/sh\n#V2.0 Format\nmodprobe cloop\n"), 0o644))
		},
		"dmg": func() {
			kerneltest.Must(t, os.WriteFile(path, append(bytes.Repeat([]byte("data"), 1024), append([]byte("koly\x00\x00\x00\x04"), bytes.Repeat([]byte{0}, 504)...)...), 0o644))
		},
		"COWD": func() {
			kerneltest.Must(t, os.WriteFile(path, append([]byte("COWD"), bytes.Repeat([]byte{1}, 4096)...), 0o644))
		},
		"Bochs": func() {
			kerneltest.Must(t, os.WriteFile(path, append([]byte("Bochs Virtual HD Image"), bytes.Repeat([]byte{1}, 4096)...), 0o644))
		},
	} {
		kerneltest.Must(t, os.RemoveAll(path))
		make()
		if _, err := image.Open(context.Background(), path, image.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A raw disk that ends like a fixed VHD of another size is a raw disk, and that is
// told.
func TestRawDiskWithAFooter(t *testing.T) {
	fixed, err := os.ReadFile(blockmaptest.Convert(t, smallFS(t), "vpc", "subformat=fixed,force_size=on"))
	kerneltest.Must(t, err)
	path := filepath.Join(t.TempDir(), "x")
	kerneltest.Must(t, os.WriteFile(path, append(fixed[:8<<20:8<<20], append(bytes.Repeat([]byte{0}, 4096), fixed[8<<20:]...)...), 0o644))
	img := openImage(t, path)
	if img.Disk.Format != "raw" || len(img.Problems) != 1 || !strings.Contains(img.Problems[0].Error(), "footer of a VHD") {
		t.Errorf("%+v, problems %v", img.Disk, img.Problems)
	}
}

// sameBytes compares a device with a file, and its extents with what is not zero.
func sameBytes(t testing.TB, dev image.Device, path string) {
	t.Helper()
	want, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	got, err := io.ReadAll(io.NewSectionReader(dev, 0, dev.Size()))
	kerneltest.Must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes differ from qemu's %d", len(got), len(want))
	}
	runs, err := dev.Extents()
	kerneltest.Must(t, err)
	at := int64(0)
	for _, r := range append(runs, image.Extent{Offset: dev.Size()}) {
		if r.Offset < at || len(bytes.Trim(want[at:r.Offset], "\x00")) > 0 {
			t.Errorf("bytes %d to %d are in no extent, but not zero", at, r.Offset)
		}
		at = r.Offset + r.Length
	}
}
