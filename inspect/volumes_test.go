package inspect

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree/treetest"
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
			{Partition: 1, Filesystem: boot, Tree: &treetest.Map{Files: map[string]string{"/vmlinuz": "kernel", "/grub/grub.cfg": "", "/grub.x": ""}}},
			{Partition: 2, Filesystem: root, Tree: &treetest.Map{Files: map[string]string{
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

// What no line mounts, and what a mount covers, is in the report all the same.
func TestMountNot(t *testing.T) {
	const boot = " partition 1:/ partition 1:/grub partition 1:/grub.x partition 1:/grub/grub.cfg partition 1:/vmlinuz"
	const all = "/ /boot /boot.old /etc /etc/fstab /etc/os-release" + boot
	for name, c := range map[string]struct{ fstab, want string }{
		"no line":      {"", all},
		"another UUID": {"UUID=dddd /boot ext4\n", all},
		"label's case": {"LABEL=boot /boot ext4\n", all},
		"second disk":  {"/dev/sdb1 /boot ext4\n", all},
		"swap on it":   {"LABEL=BOOT none swap\n", all},
		"broken fstab": {"LABEL=BOOT\n", all},
		"hides entries": {"LABEL=BOOT /etc ext4\n",
			"/ /boot /boot.old /etc /etc/grub /etc/grub.x /etc/grub/grub.cfg /etc/vmlinuz partition 2:/etc/fstab partition 2:/etc/os-release"},
	} {
		t.Run(name, func(t *testing.T) {
			r := inspectOf(t, twoVolumes(c.fstab), Options{})
			status(t, r, "files", report.OK)
			if got := paths(r); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Without an fstab the types of the partitions tell.
func TestDiscoveredMounts(t *testing.T) {
	const root, esp, home = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "933ac7e1-2eb4-4f13-b844-0e14e2aef915"
	for name, c := range map[string]struct {
		table, first, second string
		attributes           uint64
		files                map[string]string
		want                 string
	}{
		"esp at /boot":       {"gpt", esp, root, 0, nil, "/ /boot /boot/x"},
		"esp at /efi":        {"gpt", esp, root, 0, map[string]string{"/efi/": "", "/boot/": ""}, "/ /boot /efi /efi/x"},
		"home":               {"gpt", home, root, 0, nil, "/ /boot /home /home/x"},
		"not by itself":      {"gpt", home, root, gptNoAuto, nil, "/ /boot partition 1:/ partition 1:/x"},
		"types of an MBR":    {"mbr", home, root, 0, nil, "/ /x partition 2:/ partition 2:/boot"},
		"second root":        {"gpt", root, root, 0, nil, "/ /x partition 2:/ partition 2:/boot"},
		"an fstab overrides": {"gpt", home, root, 0, map[string]string{"/etc/fstab": "LABEL=a /srv\n", "/boot/": ""}, "/ /boot /etc /etc/fstab /srv /srv/x"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.files == nil {
				c.files = map[string]string{"/boot/": ""}
			}
			a, b := report.Filesystem{Type: "vfat", Label: "a"}, report.Filesystem{Type: "ext4", Label: "b"}
			r := inspectOf(t, &image.Image{
				Disk: &report.Disk{PartitionTable: c.table, SectorSize: 512, Partitions: []report.Partition{
					{Index: 1, Type: c.first, Attributes: c.attributes, Filesystem: &a}, {Index: 2, Type: c.second, Filesystem: &b},
				}},
				Trees: []image.Volume{
					{Partition: 1, Filesystem: a, Tree: &treetest.Map{Files: map[string]string{"/x": ""}}},
					{Partition: 2, Filesystem: b, Tree: &treetest.Map{Files: c.files}},
				},
			}, Options{})
			if got := paths(r); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
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
	img.Trees = append(img.Trees, image.Volume{Partition: 3, Filesystem: efi, Tree: &treetest.Map{Files: map[string]string{"/EFI/x": "1"}}})
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
	img.Trees[1].Tree.(*treetest.Map).Files["/b"] = "-> /boot"
	if r := inspectOf(t, img, Options{}); !strings.Contains(paths(r), "/b /boot /boot.old /boot/grub") {
		t.Errorf("got %s", paths(r))
	}
}
