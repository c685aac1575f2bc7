package assemblers

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/assay-os/assay/assemblers/treetest"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
)

const (
	mib = 1 << 20
	// diskExample is a disk of 68 MiB whose filesystem starts at 2 MiB.
	diskExample = `{
		"filename": "disk.raw",
		"layout": {
			"label": "gpt", "uuid": "d209c89e-ea5e-4fbd-b161-b461cce297e0", "size": 71303168,
			"partitions": [
				{"name": "bios", "type": "bios-boot", "uuid": "fac7f1fb-3e8d-4137-a512-961de09a5549", "size": 1048576},
				{"name": "root fs", "type": "linux", "uuid": "cb07c243-bc44-4717-853e-28852021225b", "bootable": true, "attributes": [0, 60],
				 "filesystem": {"type": "ext4", "uuid": "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75", "label": "root", "mountpoint": "/"}}
			]
		},
		"bootloader": {"type": "grub2", "platform": "i386-pc"}
	}`
)

func requireDiskTools(t *testing.T) {
	t.Helper()
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "sfdisk", "mke2fs", "debugfs", "e2fsck", "grub-mkimage", "mount")
}

// table is what sfdisk reads from an image.
type table struct {
	PartitionTable struct {
		Label, ID  string
		Partitions []struct {
			Start, Size                   int64
			Type, UUID, Name, Attrs, Node string
			Bootable                      bool
		}
	}
}

func readTable(t *testing.T, image string) table {
	t.Helper()
	var out table
	if err := json.Unmarshal([]byte(treetest.Run(t, "sfdisk", "-J", image)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDisk(t *testing.T) {
	requireDiskTools(t)
	j := job{kind: step.Stage, name: "dev.assay.disk", options: diskExample}
	image := sameTwice(t, j, "disk.raw")
	pt := readTable(t, image).PartitionTable
	if pt.Label != "gpt" || !strings.EqualFold(pt.ID, diskUUID) || len(pt.Partitions) != 2 {
		t.Fatalf("partition table: %+v", pt)
	}
	p := pt.Partitions[1]
	if p.Start != 4096 || p.Size != 65*mib/512 || p.Name != "root fs" || !strings.EqualFold(p.UUID, "cb07c243-bc44-4717-853e-28852021225b") {
		t.Errorf("root partition: %+v", p)
	}
	if p.Attrs != "RequiredPartition LegacyBIOSBootable GUID:60" {
		t.Errorf("attributes: %q", p.Attrs)
	}
	treetest.Run(t, "sfdisk", "--verify", image)
	treetest.Run(t, "e2fsck", "-fn", image+"?offset=2097152")
	_, _, want := twoTrees(t)
	for _, d := range treetest.Diff(want, treetest.Mounted(t, image, 2*mib, 65*mib)) {
		t.Error(d)
	}
}

func TestDiskOptions(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"uuid missing", `"uuid": "cb07c243-bc44-4717-853e-28852021225b", `, ``, "options.layout.partitions[1].uuid: it is missing"},
		{"uuid twice", `cb07c243-bc44-4717-853e-28852021225b`, `FAC7F1FB-3E8D-4137-A512-961DE09A5549`, "options.layout.partitions[1].uuid: FAC7F1FB-3E8D-4137-A512-961DE09A5549 is taken by partitions[0].uuid"},
		{"too small", `71303168`, `4194304`, "options.layout.partitions[1].size: 1048576 is too small for ext4"},
		{"overlap", `"name": "root fs",`, `"name": "root fs", "start": 1048576,`, "options.layout.partitions[1].start: 1048576 overlaps partitions[0], which ends at 2097152"},
		{"beyond", `"size": 1048576`, `"size": 104857600`, "options.layout.partitions[0].size: 104857600 from 1048576 on goes beyond"},
		{"no place for grub", `"bios-boot"`, `"linux"`, "options.layout.partitions: grub2 on gpt needs one of type bios-boot"},
		{"other mountpoint", `"mountpoint": "/"`, `"mountpoint": "/var"`, "options.layout.partitions[1].filesystem.mountpoint: a filesystem of its own for /var is not supported yet"},
		{"unknown type", `"linux"`, `"linus"`, `options.layout.partitions[1].type: "linus" is no type under gpt`},
		{"unknown key", `"label": "root"`, `"labels": "root"`, "labels"},
		{"file name", `"disk.raw"`, `"../disk.raw"`, "options.filename"},
		{"mbr with gpt's id", `"label": "gpt"`, `"label": "mbr"`, "options.layout.uuid:"},
	}
	d := definition(t, step.Stage, "dev.assay.disk")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			options := strings.Replace(diskExample, tt.old, tt.new, 1)
			if options == diskExample {
				t.Fatalf("%q is not in the example", tt.old)
			}
			var got []string
			for _, p := range d.Validate(json.RawMessage(options)) {
				got = append(got, p.String())
			}
			if !strings.Contains(strings.Join(got, "\n"), tt.want) {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}
