package assemblers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/assemblers/treetest"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/fixtures/boot"
	"github.com/assay-os/assay/verify/machine"
)

// A tree with nothing but GRUB's configuration shows that BIOS, both of GRUB's
// pieces, the partition table and the filesystem find each other.
func TestGrubStarts(t *testing.T) {
	requireDiskTools(t)
	fixtures.RequireTool(t, "qemu-system-x86_64")
	tests := []struct {
		name, dir string
		job       job
	}{
		{"gpt", "/boot/grub", job{kind: step.Stage, name: "dev.assay.disk", options: diskExample}},
		{"mbr", "/boot/grub2", job{kind: step.Assembler, name: "org.osbuild.qemu", options: strings.NewReplacer("qcow2", "raw", "disk.img", "disk.raw").Replace(qemuExample)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source := t.TempDir()
			dir := filepath.Join(source, tt.dir)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			config := "serial --unit=0\nterminal_output serial\nterminal_input serial\necho \"found $prefix\"\nhalt\n"
			if err := os.WriteFile(filepath.Join(dir, "grub.cfg"), []byte(config), 0o644); err != nil {
				t.Fatal(err)
			}
			tt.job.source, tt.job.entries = source, treetest.Scan(t, source)
			image := tt.job.mustRun(t, "disk.raw")
			m := boot.Boot(t, image, boot.Options{Options: machine.Options{Memory: 128}, Life: 2 * time.Minute})
			m.Expect(`found \(hd0,.*\)`+tt.dir, time.Minute)
		})
	}
}
