package inspect

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// twoDisks is a disk with a boot and a root partition.
func twoVolumes(fstab string) *image.Image {
	boot := report.Filesystem{Type: "ext4", UUID: "aaaa-1111", Label: "BOOT"}
	root := report.Filesystem{Type: "ext4", UUID: "bbbb-2222", Label: "ROOT"}
	return &image.Image{
		Subject: report.Subject{Kind: "disk", Format: "raw"},
		Disk: &report.Disk{PartitionTable: "mbr", ID: "0xDEADBEEF", SectorSize: 512, Partitions: []report.Partition{
			{Index: 1, Label: "boot", Filesystem: &boot}, {Index: 2, UUID: "Cccc-3333", Label: "root", Filesystem: &root},
		}},
		Trees: []image.Volume{
			{Partition: 1, Filesystem: boot, Tree: &memTree{files: map[string]string{"/vmlinuz": "kernel", "/grub/grub.cfg": "", "/grub.x": ""}}},
			{Partition: 2, Filesystem: root, Tree: &memTree{files: map[string]string{
				"/etc/fstab": fstab, "/etc/os-release": "ID=x\n", "/boot/": "", "/boot.old": "file",
			}}},
		},
	}
}

func paths(r *report.Report) string {
	var list []string
	for _, e := range r.Files {
		list = append(list, string(e.Path))
	}
	return strings.Join(list, " ")
}

func TestMount(t *testing.T) {
	const want = "/ /boot /boot.old /boot/grub /boot/grub.x /boot/grub/grub.cfg /boot/vmlinuz /etc /etc/fstab /etc/os-release"
	for _, spec := range []string{
		"UUID=aaaa-1111", "UUID=AAAA-1111", `UUID="aaaa-1111"`, "LABEL=BOOT", "PARTLABEL=boot", "PARTUUID=deadbeef-01",
		"/dev/sda1", "/dev/vda1", "/dev/nvme0n1p1", "/dev/disk/by-uuid/aaaa-1111",
	} {
		t.Run(spec, func(t *testing.T) {
			r := inspectOf(t, twoVolumes("UUID=bbbb-2222 / ext4 defaults 0 1\nproc /proc proc\n"+spec+" /boot ext4 ro 0 2\n"), Options{})
			if got := paths(r); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			status(t, r, "files", report.OK)
			for i, dir := range []string{"/boot", "/"} {
				if got := r.Disk.Partitions[i].Filesystem.Mountpoint; got != dir {
					t.Errorf("partition %d is mounted at %q, want %q", i+1, got, dir)
				}
			}
		})
	}
}

func TestMountNot(t *testing.T) {
	for name, c := range map[string]struct{ fstab, words string }{
		"no line":       {"", "partition 1 (ext4)"},
		"another UUID":  {"UUID=dddd /boot ext4\n", "partition 1 (ext4)"},
		"label's case":  {"LABEL=boot /boot ext4\n", "partition 1 (ext4)"},
		"second disk":   {"/dev/sdb1 /boot ext4\n", "partition 1 (ext4)"},
		"swap on it":    {"LABEL=BOOT none swap\n", "partition 1 (ext4)"},
		"broken fstab":  {"LABEL=BOOT\n", "partition 1 (ext4)"},
		"hides entries": {"LABEL=BOOT /etc ext4\n", "hidden under the mount point"},
	} {
		t.Run(name, func(t *testing.T) {
			status(t, inspectOf(t, twoVolumes(c.fstab), Options{}), "files", report.Unread, c.words)
		})
	}
}

func TestUnreadableVolume(t *testing.T) {
	img := twoVolumes("UUID=aaaa-1111 /boot ext4\n")
	img.Trees[0] = image.Volume{Partition: 1, Filesystem: report.Filesystem{Type: "xfs"}, Err: errors.New("partition 1: xfs is not read")}
	r := inspectOf(t, img, Options{})
	status(t, r, "files", report.Unread, "partition 1: xfs is not read")
	status(t, r, "packages", report.Unread, "partition 1 (xfs)")
	status(t, r, "os-release", report.OK)

	img.Trees = img.Trees[:1]
	r = inspectOf(t, img, Options{})
	status(t, r, "files", report.Unread)
	status(t, r, "os-release", report.Unread)
}

// TestNestedMounts has the child's line before the parent's.
func TestNestedMounts(t *testing.T) {
	img := twoVolumes("LABEL=EFI /boot/efi vfat\nLABEL=BOOT /boot ext4\n")
	efi := report.Filesystem{Type: "vfat", UUID: "1234-ABCD", Label: "EFI"}
	img.Trees = append(img.Trees, image.Volume{Partition: 3, Filesystem: efi, Tree: &memTree{files: map[string]string{"/EFI/x": "1"}}})
	r := inspectOf(t, img, Options{})
	status(t, r, "files", report.OK)
	if !strings.Contains(paths(r), "/boot/efi /boot/efi/EFI /boot/efi/EFI/x /boot/grub") {
		t.Errorf("got %s", paths(r))
	}
	if !slices.IsSortedFunc(r.Files, func(a, b report.Entry) int { return strings.Compare(string(a.Path), string(b.Path)) }) {
		t.Error("the files are not sorted")
	}
}

// TestMountThroughLink mounts at a name that is a link in the root volume.
func TestMountThroughLink(t *testing.T) {
	img := twoVolumes("LABEL=BOOT /b ext4\n")
	img.Trees[1].Tree.(*memTree).files["/b"] = "-> /boot"
	if r := inspectOf(t, img, Options{}); !strings.Contains(paths(r), "/b /boot /boot.old /boot/grub") {
		t.Errorf("got %s", paths(r))
	}
}
