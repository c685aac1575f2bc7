package image_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// smallFAT is a FAT16 with one file; more are options of mkfs.vfat.
func smallFAT(t testing.TB, more ...string) string {
	t.Helper()
	dir := t.TempDir()
	path, file := filepath.Join(dir, "fat"), filepath.Join(dir, "file")
	kerneltest.Must(t, os.WriteFile(file, []byte("content"), 0o644), os.WriteFile(path, nil, 0o644), os.Truncate(path, 16<<20))
	kerneltest.Run(t, "mkfs.vfat", append(more, "-F", "16", "-n", "ESP", "-i", "1234abcd", path)...)
	kerneltest.Run(t, "mmd", "-i", path, "::/EFI")
	kerneltest.Run(t, "mcopy", "-i", path, file, "::/EFI/file")
	return path
}

// A FAT that takes the whole disk is no partition table, whatever its boot
// sector looks like.
func TestWholeDiskFAT(t *testing.T) {
	for _, more := range [][]string{nil, {"--mbr=y"}, {"--mbr=n"}} {
		img := openImage(t, smallFAT(t, more...))
		if img.Disk.PartitionTable != "none" || len(img.Trees) != 1 || img.Trees[0].Err != nil || img.Disk.Filesystem.UUID != "1234-ABCD" {
			t.Errorf("%q: %+v, %+v", more, img.Disk, img.Trees)
			continue
		}
		if got := fsystest.Contents(t, img.Trees[0].Tree); len(got) != 3 || !strings.HasPrefix(got["/EFI/file"], "file 0755 0:0 7 ") {
			t.Errorf("%q", got)
		}
	}
}

// Two filesystems with other boot code, or another OEM name, are told apart.
func TestBootCodeOfFATIsARegion(t *testing.T) {
	fs := smallFAT(t)
	path := disk(t, 32<<20, "label: gpt\nstart=4096, size=32768, type=U\n", map[int64]string{4096 * 512: fs})
	var roles []string
	for _, r := range openImage(t, path).Disk.Regions {
		if strings.HasPrefix(r.Role, "boot code of") {
			roles = append(roles, r.Role)
			if r.Offset < 2<<20 || r.Offset+r.Length > 2<<20+512*4 {
				t.Errorf("%+v", r)
			}
		}
	}
	if len(roles) < 2 || roles[0] != "boot code of partition 1" {
		t.Errorf("%q", roles)
	}
}

// An ISO image that is a disk as well shows its files, the partitions, and the
// EFI system partition that lies in it.
func TestHybridISO(t *testing.T) {
	fixtures.RequireTool(t, "grub-mkrescue", "xorriso")
	path := filepath.Join(t.TempDir(), "iso")
	kerneltest.Run(t, "grub-mkrescue", "-o", path, smallTree(t))
	img := openImage(t, path)
	if img.Disk.PartitionTable == "none" || img.Disk.Filesystem == nil || img.Disk.Filesystem.Type != "iso9660" || len(img.Problems) > 0 {
		t.Fatalf("%+v, problems %v", img.Disk, img.Problems)
	}
	if v := img.Trees[0]; v.Partition != 0 || v.Err != nil || !strings.HasPrefix(fsystest.Contents(t, v.Tree)["/etc/hostname"], "file 0") {
		t.Errorf("%+v", v)
	}
	var efi bool
	for _, v := range img.Trees[1:] {
		efi = efi || v.Filesystem.Type == "vfat" && v.Err == nil && strings.HasPrefix(fsystest.List(t, v.Tree)["/efi/boot"], "directory")
	}
	for _, r := range img.Disk.Regions {
		for _, o := range img.Disk.Regions {
			if r.Role == "partition table" && o.Role == "boot code" && o.Offset < r.Offset+r.Length && r.Offset < o.Offset+o.Length {
				t.Errorf("%+v is boot code and %+v", o, r)
			}
		}
	}
	if !efi {
		t.Logf("no EFI image: is grub-efi-amd64-bin missing? %+v", img.Trees)
	}
}

// A disk that had an ISO image before it was partitioned is a disk.
func TestStaleISO(t *testing.T) {
	fixtures.RequireTool(t, "xorriso")
	iso := filepath.Join(t.TempDir(), "iso")
	kerneltest.Run(t, "xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", iso, smallTree(t))
	path := disk(t, 16<<20, gptScript, map[int64]string{4096 * 512: smallFS(t)})
	data, err := os.ReadFile(iso)
	kerneltest.Must(t, err)
	patch(t, path, 32<<10, data[32<<10:64<<10])
	img := openImage(t, path)
	if len(img.Trees) != 1 || img.Trees[0].Filesystem.Type != "ext4" || img.Disk.Filesystem != nil {
		t.Errorf("%+v", img.Trees)
	}
}
