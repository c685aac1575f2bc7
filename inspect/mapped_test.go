package inspect

import (
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// twoMapped is a disk with a root on a logical volume, and an encrypted /home
// that the crypttab calls safe.
func twoMapped(fstab string) *image.Image {
	root := report.Filesystem{Type: "ext4", UUID: "aaaa-1111"}
	home := report.Filesystem{Type: "ext4", UUID: "bbbb-2222"}
	return &image.Image{
		Subject: report.Subject{Kind: "disk", Format: "raw"},
		Disk: &report.Disk{PartitionTable: "gpt", SectorSize: 512, Partitions: []report.Partition{{Index: 1}, {Index: 2}}, Mapped: []report.MappedDevice{
			{Name: "vg-a/root-x", Type: "lvm2", Members: []string{"partition 1"}, Filesystem: &root},
			{Name: "luks-cccc-3333", Type: "crypt", UUID: "cccc-3333", Members: []string{"partition 2"}, Filesystem: &home},
		}},
		Trees: []image.Volume{
			{Mapped: "vg-a/root-x", Filesystem: root, Tree: &treetest.Map{Files: map[string]string{
				"/etc/fstab": fstab, "/etc/crypttab": "# names\nsafe UUID=CCCC-3333 none luks\nother UUID=dddd none\n", "/home/": "",
			}}},
			{Mapped: "luks-cccc-3333", Filesystem: home, Tree: &treetest.Map{Files: map[string]string{"/bob/": ""}}},
		},
	}
}

func TestMountMapped(t *testing.T) {
	for _, root := range []string{"/dev/mapper/vg--a-root--x", "/dev/vg-a/root-x", "/dev/disk/by-id/dm-name-vg--a-root--x", "UUID=aaaa-1111"} {
		for _, home := range []string{"/dev/mapper/luks-cccc-3333", "/dev/mapper/safe", "UUID=bbbb-2222"} {
			r := inspectOf(t, twoMapped(home+" /home ext4 defaults 0 2\n"+root+" / ext4 defaults 0 1\n"), Options{})
			if got, want := paths(r), "/ /etc /etc/crypttab /etc/fstab /home /home/bob"; got != want {
				t.Errorf("%s, %s: got %s, want %s", root, home, got, want)
			}
			status(t, r, "files", report.OK)
			if a, b := r.Disk.Mapped[0].Filesystem.Mountpoint, r.Disk.Mapped[1].Filesystem.Mountpoint; a != "/" || b != "/home" {
				t.Errorf("%s, %s: mounted at %q and %q", root, home, a, b)
			}
		}
	}
}

func TestMountMappedNot(t *testing.T) {
	for _, spec := range []string{"/dev/mapper/other", "/dev/mapper/vg-a-root-x", "/dev/vg/root-x", "/dev/luks-cccc-3333"} {
		r := inspectOf(t, twoMapped("UUID=aaaa-1111 / ext4\n"+spec+" /home ext4\n"), Options{})
		if got, want := paths(r), "/ /etc /etc/crypttab /etc/fstab /home luks-cccc-3333:/ luks-cccc-3333:/bob"; got != want {
			t.Errorf("%s: got %s, want %s", spec, got, want)
		}
	}
}
