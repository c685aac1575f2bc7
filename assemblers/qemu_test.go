package assemblers

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/assay-os/assay/assemblers/treetest"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
)

const qemuExample = `{"format": "qcow2", "filename": "disk.img", "size": 67108864, "ptuuid": "0x14fc63d2", "root_fs_uuid": "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75"}`

func TestQemuAssembler(t *testing.T) {
	requireDiskTools(t)
	fixtures.RequireTool(t, "qemu-img")
	j := job{kind: step.Assembler, name: "org.osbuild.qemu", options: qemuExample}
	image := sameTwice(t, j, "disk.img")

	j.options = strings.Replace(qemuExample, `"qcow2"`, `"raw"`, 1)
	source, _, entries := twoTrees(t)
	j.source, j.entries = source, entries
	raw := j.mustRun(t, "disk.img")
	if out := treetest.Run(t, "qemu-img", "compare", raw, image); !strings.Contains(out, "identical") {
		t.Error(out)
	}
	pt := readTable(t, raw).PartitionTable
	if pt.Label != "dos" || pt.ID != "0x14fc63d2" || len(pt.Partitions) != 1 {
		t.Fatalf("partition table: %+v", pt)
	}
	if p := pt.Partitions[0]; p.Start != 2048 || p.Type != "83" || !p.Bootable || p.Size != 67108864/512-2048 {
		t.Errorf("partition: %+v", p)
	}
	for _, d := range treetest.Diff(entries, treetest.Mounted(t, raw, mib, 63*mib)) {
		t.Error(d)
	}
}

func TestQemuAssemblerOptions(t *testing.T) {
	gpt := strings.Replace(qemuExample, `"root_fs_uuid": "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75"`, `"pttype": "gpt", "partitions": PARTS`, 1)
	gpt = strings.Replace(gpt, "0x14fc63d2", diskUUID, 1)
	root := `{"type": "0FC63DAF-8483-4772-8E79-3D69D8477DE4", "uuid": "cb07c243-bc44-4717-853e-28852021225b",
		"filesystem": {"type": "ext4", "uuid": "` + rootUUID + `", "mountpoint": "/"}}`
	tests := []struct{ name, options, want string }{
		{"good", qemuExample, ""},
		{"good gpt", strings.Replace(gpt, "PARTS", "["+root+"]", 1), ""},
		{"format", strings.Replace(qemuExample, "qcow2", "vmdk", 1), "options.format: vmdk is not supported yet; use qcow2 or raw or raw.xz"},
		{"filesystem", strings.TrimSuffix(qemuExample, "}") + `, "root_fs_type": "xfs"}`, `options.root_fs_type: "xfs" is not supported; use ext4`},
		{"table id", strings.Replace(qemuExample, "0x14fc63d2", "nonsense", 1), `options.ptuuid: "nonsense" is no MBR disk id`},
		{"size", strings.Replace(qemuExample, "67108864", "67108865", 1), "options.size: 67108865 is not a multiple"},
		{"small", strings.Replace(qemuExample, "67108864", "4194304", 1), "options.size: 3145728 is too small for ext4"},
		{"both", strings.TrimSuffix(qemuExample, "}") + `, "pttype": "gpt", "partitions": []}`, "options"},
		{"neither", `{"format": "raw", "filename": "a", "size": 67108864, "ptuuid": "0x14fc63d2"}`, "options"},
		{"compat", strings.TrimSuffix(qemuExample, "}") + `, "qcow2_compat": "9"}`, "options.qcow2_compat: there is no version 9"},
		{"partition uuid", strings.Replace(gpt, "PARTS", strings.Replace("["+root+"]", `"uuid": "cb07c243-bc44-4717-853e-28852021225b",`, "", 1), 1), "options.partitions[0].uuid: it is missing"},
		{"overflow", strings.Replace(gpt, "PARTS", `[{"start": 9223372036854775807}]`, 1), "options.partitions[0]: its start or size"},
		{"boot", strings.Replace(gpt, "PARTS", "["+strings.Replace(root, `"mountpoint": "/"`, `"mountpoint": "/boot"`, 1)+"]", 1), "options.partitions[0].filesystem.mountpoint: a filesystem of its own for /boot is not supported yet"},
	}
	d := definition(t, step.Assembler, "org.osbuild.qemu")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range d.Validate(json.RawMessage(tt.options)) {
				got = append(got, p.String())
			}
			text := strings.Join(got, "\n")
			if !strings.Contains(text, tt.want) || (tt.want == "") != (text == "") {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}

func TestQemuStage(t *testing.T) {
	fixtures.RequireTool(t, "qemu-img")
	raw := sampleImage(t)
	dense := raw + ".dense"
	treetest.Run(t, "cp", "--sparse=never", raw, dense)
	for _, options := range []string{
		`{"filename": "a.qcow2", "format": {"type": "qcow2"}}`,
		`{"filename": "a.qcow2", "format": {"type": "qcow2", "compression": false, "compat": "0.10"}}`,
	} {
		j := job{kind: step.Stage, name: "org.osbuild.qemu", options: options}
		var first string
		for _, source := range []string{raw, dense, raw} {
			j.files = map[string]string{"image": source}
			image := j.mustRun(t, "a.qcow2")
			if out := treetest.Run(t, "qemu-img", "compare", raw, image); !strings.Contains(out, "identical") {
				t.Error(out)
			}
			sum, err := treetest.Sum(image)
			if err != nil {
				t.Fatal(err)
			}
			if first == "" {
				first = sum
			}
			if sum != first {
				t.Errorf("%s: two runs gave %s and %s", options, first, sum)
			}
		}
	}
}
