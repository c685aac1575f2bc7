package disk

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-os/assay/assemblers/layout"
	"github.com/assay-os/assay/assemblers/treetest"
	"github.com/assay-os/assay/build/step"
)

func TestScratchBig(t *testing.T) {
	src := os.Getenv("BIG")
	if src == "" {
		t.Skip()
	}
	t0 := time.Now()
	e := treetest.Scan(t, src)
	t.Log("scan", time.Since(t0), len(e))
	t0 = time.Now()
	err := Make(context.Background(), Spec{Image: os.Getenv("OUT"), Source: src, Entries: e, Epoch: time.Unix(1579910400, 0), Scratch: t.TempDir(), Step: &step.Context{},
		Loader: &Loader{}, Layout: &layout.Layout{Label: "gpt", UUID: "D209C89E-EA5E-4FBD-B161-B461CCE297E0", Size: 1 << 30, Partitions: []layout.Partition{
			{Name: "bios", Type: "bios-boot", UUID: "FAC7F1FB-3E8D-4137-A512-961DE09A5549", Size: 1 << 20},
			{Name: "root", Type: "linux", UUID: "CB07C243-BC44-4717-853E-28852021225B", Filesystem: &layout.Filesystem{Type: "ext4", UUID: "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75", Mountpoint: "/"}}}}})
	t.Log("make", time.Since(t0), err)
	if err != nil {
		t.Fatal(err)
	}
	_ = filepath.Base
}
