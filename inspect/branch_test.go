package inspect

import (
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// A manyTrees is a tree in memory with subvolumes.
type manyTrees struct {
	*treetest.Map
	places   map[uint64]report.Raw
	standard uint64
}

func (m *manyTrees) TopLevel() (image.Tree, error) { return m.Map, nil }

func (m *manyTrees) Places() (map[uint64]report.Raw, uint64, error) {
	return m.places, m.standard, nil
}

// What Fedora, openSUSE and Debian's installer make of btrfs.
func TestSubvolumes(t *testing.T) {
	for name, c := range map[string]struct {
		places   map[uint64]report.Raw
		standard uint64
		files    map[string]string
		want     string
	}{
		"one tree": {
			map[uint64]report.Raw{5: "/"}, 5, map[string]string{"/etc/os-release": "", "/a": ""},
			"/ /a /etc /etc/os-release",
		},
		"named in fstab": {
			map[uint64]report.Raw{5: "/", 256: "/root", 257: "/home"}, 5,
			map[string]string{"/root/etc/fstab": "LABEL=b / btrfs subvol=root,ro 0 0\nLABEL=b /home btrfs subvol=/home\n", "/root/home/": "", "/home/me": "", "/other/x": ""},
			"/ /etc /etc/fstab /home /home/me partition 1:/ partition 1:/other partition 1:/other/x",
		},
		"by number": {
			map[uint64]report.Raw{5: "/", 300: "/@", 301: "/@/srv"}, 5,
			map[string]string{"/@/etc/fstab": "LABEL=b / btrfs subvolid=300\nLABEL=b /srv btrfs subvolid=301\n", "/@/srv/data": ""},
			"/ /etc /etc/fstab /srv /srv/data partition 1:/",
		},
		"a snapshot is the standard": {
			map[uint64]report.Raw{5: "/", 256: "/@", 270: "/@/.snapshots/1/snapshot"}, 270,
			map[string]string{"/@/.snapshots/1/snapshot/etc/fstab": "LABEL=b / btrfs defaults\nLABEL=b /var btrfs subvol=/@/var\n", "/@/var/log": "", "/@/etc/os-release": "old"},
			"/ /etc /etc/fstab /var /var/log partition 1:/ partition 1:/@ partition 1:/@/.snapshots partition 1:/@/.snapshots/1 partition 1:/@/etc partition 1:/@/etc/os-release",
		},
		"no fstab": {
			map[uint64]report.Raw{5: "/", 256: "/root"}, 5, map[string]string{"/root/etc/os-release": "", "/b": ""},
			"/ /etc /etc/os-release partition 1:/ partition 1:/b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := report.Filesystem{Type: "btrfs", Label: "b"}
			tree := &manyTrees{&treetest.Map{Files: c.files}, c.places, c.standard}
			r := inspectOf(t, &image.Image{
				Disk: &report.Disk{PartitionTable: "gpt", SectorSize: 512, Partitions: []report.Partition{
					{Index: 1, Type: "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", Filesystem: &f},
				}},
				Trees: []image.Volume{{Partition: 1, Filesystem: f, Tree: tree}},
			}, Options{})
			status(t, r, "files", report.OK)
			if got := paths(r); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
