package image_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
