package inspect

import (
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// The places of two deployments of one system.
const (
	firstRoot  = "/ostree/deploy/fedora/deploy/1111111111111111111111111111111111111111111111111111111111111111.0"
	secondRoot = "/ostree/deploy/fedora/deploy/2222222222222222222222222222222222222222222222222222222222222222.0"
)

// deployed is a disk with a boot partition, whose entry boots one deployment, and
// a root with two.
func deployed(entries map[string]string) *image.Image {
	boot := report.Filesystem{Type: "ext4", Label: "boot"}
	root := report.Filesystem{Type: "xfs", Label: "root"}
	files := map[string]string{
		"/boot/": "", "/ostree/repo/objects/11/x": "object", "/ostree/deploy/fedora/var/lib/data": "kept",
		"/ostree/boot.1/fedora/abc/0": "-> ../../../.." + firstRoot, "/ostree/boot.1/fedora/abc/1": "-> ../../../.." + secondRoot,
	}
	for _, dir := range []string{firstRoot, secondRoot} {
		files[dir+"/usr/lib/os-release"] = "ID=" + dir[30:31] + "\n"
		files[dir+"/etc/fstab"] = "LABEL=boot /boot ext4 ro 0 0\n"
		files[dir+"/var/"], files[dir+"/sysroot/"], files[dir+"/boot/"] = "", "", ""
	}
	return &image.Image{
		Disk: &report.Disk{PartitionTable: "gpt", SectorSize: 512, Partitions: []report.Partition{{Index: 1, Filesystem: &boot}, {Index: 2, Filesystem: &root}}},
		Trees: []image.Volume{
			{Partition: 1, Filesystem: boot, Tree: &treetest.Map{Files: entries}},
			{Partition: 2, Filesystem: root, Tree: &treetest.Map{Files: files}},
		},
	}
}

func TestDeployment(t *testing.T) {
	r := inspectOf(t, deployed(map[string]string{
		"/loader/entries/ostree-2.conf": "title two\nversion 2\noptions root=LABEL=root ostree=/ostree/boot.1/fedora/abc/1\n",
		"/loader/entries/ostree-1.conf": "title one\nversion 1\noptions root=LABEL=root ostree=/ostree/boot.1/fedora/abc/0\n",
	}), Options{})
	status(t, r, "files", report.OK)
	got := paths(r) + " "
	for _, want := range []string{
		" /boot/loader/entries/ostree-1.conf ", " /etc/fstab ", " /usr/lib/os-release ", " /var/lib/data ",
		" /sysroot/ostree/repo/objects/11/x ", " /sysroot" + firstRoot + "/usr/lib/os-release ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
	if strings.Contains(got, secondRoot+"/usr") || strings.Contains(got, "partition ") {
		t.Errorf("got %s", got)
	}
	if r.OSRelease["ID"] != "2" {
		t.Errorf("os-release %v is not that of the deployment which boots", r.OSRelease)
	}
	if at := r.Disk.Partitions[0].Filesystem.Mountpoint; at != "/boot" {
		t.Errorf("the boot partition is at %q", at)
	}
}

// An entry that leads nowhere is told, and nothing is guessed.
func TestDeploymentUnknown(t *testing.T) {
	r := inspectOf(t, deployed(map[string]string{"/loader/entries/a.conf": "options ostree=/ostree/boot.9/none/0\n"}), Options{})
	status(t, r, "files", report.Unread, "ostree=/ostree/boot.9/none/0")
	if !strings.Contains(paths(r), " "+firstRoot+"/usr/lib/os-release ") {
		t.Errorf("got %s", paths(r))
	}
}
