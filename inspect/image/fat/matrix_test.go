package fat_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// variants are the sizes in MiB and the options of mkfs.vfat.
func variants() map[string]struct {
	size int64
	args string
} {
	return map[string]struct {
		size int64
		args string
	}{
		"12":         {14, "-F 12 -s 8 -n LABEL"},
		"12-s64":     {100, "-F 12 -s 64"},
		"16":         {30, "-F 16 -n FAT_16"},
		"16-s1":      {24, "-F 16 -s 1 -f 1 -h 2048 -r 1024"},
		"16-s128":    {300, "-F 16 -s 128 -f 4"},
		"32":         {64, "-F 32"},
		"32-s1":      {70, "-F 32 -s 1 -n lower"},
		"32-s8-R":    {300, "-F 32 -s 8 -R 100 -b 50 -h 63"},
		"12-1024":    {15, "-F 12 -S 1024 -s 4 -n S1024"},
		"16-2048":    {60, "-F 16 -S 2048 -n S2048"},
		"16-4096":    {120, "-F 16 -S 4096"},
		"32-4096":    {300, "-F 32 -S 4096 -n S4096"},
		"32-2048-f3": {200, "-F 32 -S 2048 -s 1 -f 3"},
		"default":    {100, "-a -i 00000001 -n NO__NAME"},
		"mbr":        {100, "--mbr=y -n MBR"},
		"code":       {40, "-m /etc/hostname -M 0xf0 -D 0x00 -g 255/63"},
	}
}

// sample are the variants of every day; the others run in the full tier.
const sample = " 12 16-s1 32 32-4096 12-1024 mbr "

func TestMatrixAgreesWithMtools(t *testing.T) {
	t.Parallel()
	tree := hard(t, 300)
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(sample, " "+name+" ") {
				fixtures.RequireFull(t)
			}
			t.Parallel()
			path := mkfs(t, v.size<<20, v.args)
			compareWithBlkid(t, path)
			fill(t, path, tree)
			if !strings.Contains(v.args, "-f 4") && !strings.Contains(v.args, "-f 3") { // fsck.fat knows two tables
				run(t, "fsck.fat", "-n", path)
			}
			compareWithBlkid(t, path)
			compareWithMtools(t, path)
		})
	}
}

func compareWithMtools(t testing.TB, path string) {
	t.Helper()
	got := fsystest.Contents(t, openImage(t, path))
	fsystest.Compare(t, got, oracle(t, path))
	t.Logf("%d entries", len(got))
}

// compareWithBlkid requires the same of the filesystem itself.
func compareWithBlkid(t testing.TB, path string) {
	t.Helper()
	d := openImage(t, path).Describe()
	for tag, got := range map[string]string{"TYPE": d.Type, "UUID": d.UUID, "LABEL": d.Label, "VERSION": d.Settings["version"], "BLOCK_SIZE": d.Settings["sector_size"], "LABEL_FATBOOT": d.Settings["boot_label"]} {
		if want := strings.TrimSpace(kerneltest.Run(t, "blkid", "-p", "-o", "value", "-s", tag, path)); got != want {
			t.Errorf("%s is %q, blkid says %q", tag, got, want)
		}
	}
}

func TestCrowdedDirectory(t *testing.T) {
	fixtures.RequireFull(t)
	path := mkfs(t, 400<<20, "-F 32 -s 1")
	fill(t, path, hard(t, 6000))
	compareWithMtools(t, path)
}

// The largest file: its clusters are what the image already had, zeros.
func TestLargestFile(t *testing.T) {
	fixtures.RequireFull(t)
	path := mkfs(t, 5<<30, "-F 32 -s 64")
	small := t.TempDir() + "/large"
	kerneltest.Must(t, os.WriteFile(small, []byte("start"), 0o644))
	run(t, "mcopy", "-i", path, small, "::")
	grow(t, path, "LARGE   ", 1<<32-1)
	got := fsystest.List(t, openImage(t, path))
	if line := got["/large"]; !strings.HasPrefix(line, fmt.Sprint("file 0755 0:0 ", 1<<32-1)) || strings.Contains(line, "!") {
		t.Errorf("%q", line)
	}
	if out := run(t, "mdir", "-i", path, "::/large"); !strings.Contains(out, "4294967295") {
		t.Errorf("mdir says %s", out)
	}
}
