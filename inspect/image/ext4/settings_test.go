package ext4_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// TestSettings: whatever tune2fs changes for the mount shows in the description.
func TestSettings(t *testing.T) {
	fixtures.RequireTool(t, "mke2fs", "tune2fs")
	path := filepath.Join(t.TempDir(), "fs")
	kerneltest.Run(t, "mke2fs", "-q", "-t", "ext4", path, "8M")
	last := openImage(t, path).Describe().Settings
	if last["block_size"] != "1024" || last["blocks"] != "8192" || last["errors"] != "1" {
		t.Errorf("settings of a new filesystem: %v", last)
	}
	for _, args := range []string{"-e panic", "-o ^acl", "-o journal_data", "-E mount_opts=data=journal", "-r 77", "-u 5", "-g 6"} {
		kerneltest.Run(t, "tune2fs", append(strings.Fields(args), path)...)
		now := openImage(t, path).Describe().Settings
		if maps.Equal(now, last) {
			t.Errorf("tune2fs %s changed nothing: %v", args, now)
		}
		last = now
	}
	if last["mount_options"] != "data=journal" || last["reserved_blocks"] != "77" || last["reserved_uid"] != "5" || last["reserved_gid"] != "6" || last["errors"] != "3" {
		t.Errorf("settings: %v", last)
	}
}

// TestAttributes compares what chattr sets with what the kernel shows of it.
func TestAttributes(t *testing.T) {
	fixtures.RequireTool(t, "mke2fs", "debugfs")
	path := filepath.Join(t.TempDir(), "fs")
	kerneltest.Run(t, "mke2fs", "-q", "-t", "ext4", path, "8M")
	// Extents with immutable, append-only, nodump; the last two only the reader tells of.
	flags := map[string]string{"immutable": "0x80010", "append-only,nodump": "0x80060", "": "0x80000"}
	own := map[string]string{"journal-data,noatime": "0x84080"}
	set := func(flags map[string]string) {
		t.Helper()
		for name, value := range flags {
			kerneltest.Run(t, "debugfs", "-w", "-R", "write /dev/null f"+value, path)
			kerneltest.Run(t, "debugfs", "-w", "-R", "sif f"+value+" flags "+value, path)
			if got := attributesOf(t, path, report.Raw("/f"+value)); got != name {
				t.Errorf("flags %s: attributes %q, want %q", value, got, name)
			}
		}
	}
	set(flags)
	if os.Geteuid() == 0 {
		compareWithKernel(t, path)
	}
	set(own)
}

func attributesOf(t *testing.T, path string, name report.Raw) string {
	t.Helper()
	var got string
	kerneltest.Must(t, openImage(t, path).Walk(context.Background(), func(n *fsys.Node) error {
		if n.Path == name {
			got = n.Attributes
		}
		return n.Err
	}))
	return got
}
