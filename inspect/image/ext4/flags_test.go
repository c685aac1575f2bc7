package ext4_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// flagged makes an image whose files and directories have each flag alone, and
// projects, in inodes that have room for these and in such that have none.
func flagged(t *testing.T, args string) string {
	t.Helper()
	source := t.TempDir()
	var script strings.Builder
	set := func(name string, flags uint32) {
		fmt.Fprintf(&script, "sif %s flags %#x\nsif %s projid 70001\n", name, flags, name)
	}
	for bit := range 32 {
		flag := uint32(1) << bit
		const others = 0x80000 | 0x10000000 | 0x200000 | 0x40000 | 0x1000 | 0x800 | 0x100000 | 0x40000000 // which change how it is read
		if flag&others != 0 {
			continue
		}
		file, dir := fmt.Sprintf("file%d", bit), fmt.Sprintf("dir%d", bit)
		kerneltest.Must(t, os.WriteFile(filepath.Join(source, file), []byte(file), 0o644), os.Mkdir(filepath.Join(source, dir), 0o755),
			os.Symlink(file, filepath.Join(source, "link"+file)))
		if flag&0x30 == 0 { // the kernel refuses symlinks that are append-only or immutable
			set("link"+file, flag)
		}
		set(file, 0x80000|flag)
		set(dir, 0x80000|flag)
	}
	path := kerneltest.Make(t, 16<<20, append(strings.Fields(args), "-d", source)...)
	commands := filepath.Join(t.TempDir(), "commands")
	kerneltest.Must(t, os.WriteFile(commands, []byte(script.String()), 0o600))
	kerneltest.Run(t, "debugfs", "-w", "-f", commands, path)
	return path
}

// Every flag that the kernel shows is shown, and the project; no others.
func TestFlagsAndProjectsAgreeWithKernel(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "mke2fs", "debugfs")
	for name, c := range map[string]struct {
		args    string
		project bool
	}{
		"project":    {"-t ext4 -O project -I 256", true},
		"no-project": {"-t ext4", false},
		"small":      {"-t ext4 -I 128", false},
	} {
		got := compareWithKernel(t, flagged(t, c.args))
		if !strings.Contains(got["/file15"], "no-tail") || !strings.Contains(got["/dir29"], "project-inherit") || strings.Contains(got["/file29"], "project-inherit") {
			t.Errorf("%s: %q, %q, %q", name, got["/file15"], got["/dir29"], got["/file29"])
		}
		if strings.Contains(got["/dir7"], "project=70001") != c.project {
			t.Errorf("%s: %q", name, got["/dir7"])
		}
	}
}

// Directories that ignore case are shown as such. The kernel may not mount them.
func TestCasefoldIsShown(t *testing.T) {
	fixtures.RequireTool(t, "mke2fs", "debugfs")
	source := t.TempDir()
	kerneltest.Must(t, os.Mkdir(filepath.Join(source, "d"), 0o755))
	path := kerneltest.Make(t, 16<<20, "-t", "ext4", "-O", "casefold", "-E", "encoding=utf8", "-d", source)
	kerneltest.Run(t, "debugfs", "-w", "-R", "sif d flags 0x40080000", path)
	if got := attributesOf(t, path, "/d"); got != "casefold" {
		t.Errorf("%q", got)
	}
}
