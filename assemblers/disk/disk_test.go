package disk

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/assemblers/layout"
	"github.com/assay-os/assay/assemblers/treetest"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
)

const mib = 1 << 20

func gpt() *layout.Layout {
	return &layout.Layout{
		Label: "gpt", UUID: "d209c89e-ea5e-4fbd-b161-b461cce297e0", Size: 64 * mib,
		Partitions: []layout.Partition{
			{Name: "bios", Type: "bios-boot", UUID: "fac7f1fb-3e8d-4137-a512-961de09a5549", Size: mib},
			{Type: "linux", UUID: "cb07c243-bc44-4717-853e-28852021225b", Bootable: true, Attributes: []int{63, 1},
				Filesystem: &layout.Filesystem{Type: "ext4", UUID: "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75", Mountpoint: "/"}},
		},
	}
}

func mbr() *layout.Layout {
	return &layout.Layout{
		Label: "mbr", UUID: "0x14FC63D2", Size: 64 * mib,
		Partitions: []layout.Partition{{Type: "0x83", Bootable: true}},
	}
}

func TestScript(t *testing.T) {
	tests := map[string]struct {
		layout *layout.Layout
		want   string
	}{
		"gpt": {gpt(), `label: gpt
label-id: D209C89E-EA5E-4FBD-B161-B461CCE297E0
unit: sectors
first-lba: 34
table-length: 128

start=2048, size=2048, type=21686148-6449-6e6f-744e-656564454649, uuid=FAC7F1FB-3E8D-4137-A512-961DE09A5549, name="bios"
start=4096, size=124928, type=0fc63daf-8483-4772-8e79-3d69d8477de4, uuid=CB07C243-BC44-4717-853E-28852021225B, attrs="NoBlockIOProtocol,LegacyBIOSBootable,GUID:63"
`},
		"mbr": {mbr(), `label: dos
label-id: 0x14fc63d2
unit: sectors

start=2048, size=129024, type=83, bootable
`},
	}
	for name, tt := range tests {
		placed, err := tt.layout.Place()
		if err != nil {
			t.Fatal(err)
		}
		if got := Script(placed); got != tt.want {
			t.Errorf("%s: got\n%swant\n%s", name, got, tt.want)
		}
	}
}

func TestPatch(t *testing.T) {
	boot, core := make([]byte, 512), make([]byte, 5*512)
	if err := patch(boot, core, 2048); err != nil {
		t.Fatal(err)
	}
	if n := binary.LittleEndian.Uint64(boot[0x5c:]); n != 2048 {
		t.Errorf("boot.img loads sector %d", n)
	}
	want := []byte{1, 8, 0, 0, 0, 0, 0, 0, 4, 0, 0x20, 0x08}
	if !bytes.Equal(core[0x1f4:0x200], want) {
		t.Errorf("core.img's block list is % x, want % x", core[0x1f4:0x200], want)
	}
	if patch(boot[:100], core, 1) == nil || patch(boot, core[:512], 1) == nil {
		t.Error("what is not GRUB's was patched")
	}
}

func TestCheck(t *testing.T) {
	if p := Check(gpt(), &Loader{}); len(p) > 0 {
		t.Errorf("a good layout: %v", p)
	}
	if p := Check(mbr(), nil); len(p) > 0 {
		t.Errorf("a disk without a filesystem: %v", p)
	}
	p := Check(mbr(), &Loader{})
	if len(p) != 1 || !strings.Contains(p.Error(), "layout.partitions: grub2 needs a filesystem that holds /boot") {
		t.Errorf("GRUB without a filesystem: %v", p)
	}
}

// Failures name what is missing in the build root.
func TestLoaderErrors(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "sfdisk", "mke2fs", "debugfs", "grub-mkimage")
	source := t.TempDir()
	entries := treetest.Scan(t, source)
	images := t.TempDir()
	try := func(l *layout.Layout) error {
		image := filepath.Join(t.TempDir(), "disk")
		if err := os.WriteFile(image, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return Make(context.Background(), Spec{
			Image: image, Layout: l, Loader: &Loader{Images: images}, Source: source, Entries: entries,
			Epoch: time.Unix(1, 0), Scratch: t.TempDir(), Step: &step.Context{},
		})
	}
	if err := try(gpt()); err == nil || !strings.Contains(err.Error(), "the build root needs grub-pc-bin") {
		t.Errorf("without boot.img: %v", err)
	}
	if err := os.WriteFile(filepath.Join(images, "boot.img"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := try(gpt()); err == nil || !strings.Contains(err.Error(), "install grub2: run grub-mkimage") {
		t.Errorf("without modules: %v", err)
	}
	small := gpt()
	small.Alignment, small.Partitions[0].Size = 4096, 4096
	images = imageDir
	if err := try(small); err == nil || !strings.Contains(err.Error(), "enlarge the bios-boot partition") {
		t.Errorf("with little room: %v", err)
	}
}
