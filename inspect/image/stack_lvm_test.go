package image_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/lvm/lvmtest"
)

const lvmScript = "label: gpt\nstart=2048, size=2048\nstart=4096, size=102400, type=E6D6D379-F507-44C2-A23C-238F2A3DF928\nstart=106496, size=102400, type=E6D6D379-F507-44C2-A23C-238F2A3DF928\n"

// lvmDisk is a disk with a group on two of its partitions: a filesystem of up
// to 64 MiB striped over both, a small one that is smaller than its place, swap,
// and a volume with something else.
func lvmDisk(t testing.TB, root string) (path, small string) {
	t.Helper()
	path = disk(t, 104<<20, lvmScript, nil)
	h := lvmtest.New(t, path, lvmtest.Place{Offset: 2 << 20, Size: 50 << 20}, lvmtest.Place{Offset: 52 << 20, Size: 50 << 20})
	h.Run("pvcreate -q %1 %2")
	h.Run("vgcreate -q -An -s 1M vg-a %1 %2")
	for _, line := range []string{"-L 64M -i 2 -I 64k -n root-x", "-L 9M -n small", "-L 2M -n swap", "-L 2M -n other", "-L 1M -n empty"} {
		h.Run("lvcreate -q -An -an -Zn -Wn vg-a " + line)
	}
	small = smallFS(t)
	swap := filepath.Join(t.TempDir(), "swap")
	kerneltest.Must(t, os.WriteFile(swap, nil, 0o600), os.Truncate(swap, 2<<20))
	kerneltest.Run(t, "mkswap", "-q", "-L", "sw", swap)
	for name, file := range map[string]string{"root-x": root, "small": small, "swap": swap} {
		data, err := os.ReadFile(file)
		kerneltest.Must(t, err)
		h.Fill("vg-a", name, data)
	}
	h.Fill("vg-a", "other", []byte(strings.Repeat("no filesystem ", 1000)))
	return path, small
}

func TestLogicalVolumesAreRead(t *testing.T) {
	fixtures.RequireTool(t, "mkswap")
	fixtures.RequireRoot(t)
	hard := hardFS(t)
	path, small := lvmDisk(t, hard)
	patch(t, path, 2<<20+8, []byte("boot sector of a physical volume"))
	patch(t, path, 101<<20+512*100, []byte("left behind in a free extent"))
	for name, path := range map[string]string{"raw": path, "qcow2": convert(t, path, "compat=1.1", "-c")} {
		t.Run(name, func(t *testing.T) {
			img := openImage(t, path)
			oracle, err := kernel.Open(hard, kernel.Options{Type: "ext4"})
			kerneltest.Must(t, err)
			defer oracle.Close()
			volumes := map[string]image.Volume{}
			for _, v := range img.Trees {
				if v.Err != nil || v.Partition != 0 {
					t.Errorf("%+v", v)
				}
				volumes[v.Mapped] = v
			}
			if len(volumes) != 2 || img.Problems != nil {
				t.Fatalf("volumes %+v, problems %v", img.Trees, img.Problems)
			}
			fsystest.Compare(t, fsystest.Contents(t, volumes["vg-a/root-x"].Tree), fsystest.Contents(t, oracle))
			fsystest.Compare(t, fsystest.Contents(t, volumes["vg-a/small"].Tree), fsystest.Contents(t, openImage(t, small).Trees[0].Tree))
			checkMapped(t, img)
			if name == "raw" {
				kerneltest.Must(t, img.ViaKernel(t.Context(), image.Options{}))
				fsystest.Compare(t, fsystest.Contents(t, img.Trees[0].Tree), fsystest.Contents(t, oracle))
			}
		})
	}
}

// checkMapped holds what is said of the devices of lvmDisk, and what of the
// bytes that no filesystem holds.
func checkMapped(t *testing.T, img *image.Image) {
	t.Helper()
	var got []string
	for _, m := range img.Disk.Mapped {
		fs := "nothing"
		if m.Filesystem != nil {
			fs = m.Filesystem.Type
		}
		got = append(got, fmt.Sprintf("%s %s %d on %s: %s", m.Name, m.Type, m.Size>>20, strings.Join(m.Members, " and "), fs))
	}
	want := []string{
		"vg-a/empty lvm2 1 on partition 2: nothing", "vg-a/other lvm2 2 on partition 2: nothing",
		"vg-a/root-x lvm2 64 on partition 2 and partition 3: ext4", "vg-a/small lvm2 9 on partition 2: ext4", "vg-a/swap lvm2 2 on partition 2: swap",
	}
	if !slices.Equal(got, want) {
		t.Errorf("mapped\n got %q\nwant %q", got, want)
	}
	got = nil
	for _, r := range img.Disk.Regions {
		if r.Role != "partition table" {
			got = append(got, fmt.Sprintf("%s|%s %d+%d", r.Role, r.Device, r.Offset, r.Length))
		}
	}
	want = []string{
		"boot code of partition 2| 2097152+512", "free space of partition 3| 105957376+512",
		"vg-a/other|vg-a/other 0+14336", "vg-a/swap|vg-a/swap 1024+3072",
	}
	if !slices.Equal(got, want) {
		t.Errorf("regions\n got %q\nwant %q", got, want)
	}
	if f := img.Disk.Partitions[1].Filesystem; f == nil || f.Type != "LVM2_member" || f.Settings["group"] != "vg-a" {
		t.Errorf("partition 2: %+v", f)
	}
}

func TestNobodyReadsLogicalVolumes(t *testing.T) {
	root := smallFS(t)
	path, _ := lvmDisk(t, root)
	want := fsystest.Contents(t, openImage(t, root).Trees[0].Tree)
	open(t, path)
	got := fsystest.AsNobody(t, func() map[string]string {
		img, err := image.Open(t.Context(), path, image.Options{})
		kerneltest.Must(t, err)
		defer img.Close()
		return fsystest.Contents(t, img.Trees[0].Tree)
	})
	fsystest.Compare(t, got, want)
}

// open lets everybody reach a file.
func open(t testing.TB, path string) {
	t.Helper()
	for at := path; at != "/tmp" && len(at) > 1; at = filepath.Dir(at) {
		kerneltest.Must(t, os.Chmod(at, 0o755))
	}
}

func TestBrokenGroupsSayWhy(t *testing.T) {
	path, _ := lvmDisk(t, smallFS(t))
	patch(t, path, 52<<20+512+5, []byte("x")) // the label of the second physical volume
	img := openImage(t, path)
	var got []string
	for _, v := range img.Trees {
		if v.Err != nil {
			got = append(got, v.Err.Error())
		}
	}
	text := strings.Join(got, "\n")
	if !strings.Contains(text, "vg-a/root-x: segment 1: physical volume") || !strings.Contains(text, "is not in the image") || len(got) != 1 {
		t.Errorf("errors\n%s", text)
	}
	cut := disk(t, 104<<20, lvmScript, nil)
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err, os.WriteFile(cut, data[:60<<20], 0o600))
	if img, err := image.Open(t.Context(), cut, image.Options{}); err == nil {
		for _, v := range img.Trees {
			if v.Err == nil && v.Mapped == "vg-a/root-x" {
				t.Error("a volume that is cut off reads")
			}
		}
		img.Close()
	}
}
