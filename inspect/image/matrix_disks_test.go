package image_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/blockmap/blockmaptest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/luks/lukstest"
	"github.com/assay-os/assay/inspect/image/lvm/lvmtest"
)

// matrixTables make a disk of a filesystem.
func matrixTables() map[string]func(t testing.TB, fs string) string {
	return map[string]func(t testing.TB, fs string) string{
		"bare":  func(_ testing.TB, fs string) string { return fs },
		"gpt":   func(t testing.TB, fs string) string { return tabled(t, fs, "label: gpt\nstart=4096, size=%d\n", 2<<20) },
		"gpt4k": large,
		"mbr-primary": func(t testing.TB, fs string) string {
			return tabled(t, fs, "label: dos\nstart=4096, size=%d, type=83\n", 2<<20)
		},
		"mbr-logical": func(t testing.TB, fs string) string {
			return tabled(t, fs, "label: dos\nstart=2048, type=f\nstart=4096, size=%d, type=83\n", 2<<20)
		},
		"lvm":   logical,
		"luks2": encrypted,
	}
}

// sizeOf is the size of a file.
func sizeOf(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	kerneltest.Must(t, err)
	return info.Size()
}

// tabled puts a filesystem into a partition of a script that has its sectors as %d.
func tabled(t testing.TB, fs, script string, offset int64) string {
	t.Helper()
	size := sizeOf(t, fs)
	return disk(t, size+4<<20, fmt.Sprintf(script, (size+511)/512), map[int64]string{offset: fs})
}

// large is a GPT with sectors of 4096 bytes: sfdisk asks the device.
func large(t testing.TB, fs string) string {
	t.Helper()
	size := (sizeOf(t, fs) + 4095) / 4096
	data, err := os.ReadFile(fs)
	path := filepath.Join(t.TempDir(), "disk.img")
	kerneltest.Must(t, err, os.WriteFile(path, nil, 0o644), os.Truncate(path, size*4096+4<<20))
	lay(t, path, 2<<20, data)
	out, err := exec.Command("losetup", "--find", "--show", "--sector-size", "4096", path).Output()
	kerneltest.Must(t, err)
	loop := strings.TrimSpace(string(out))
	defer func() { kerneltest.Run(t, "losetup", "--detach", loop) }()
	cmd := exec.Command("sfdisk", "-q", "--no-reread", "--no-tell-kernel", "--wipe", "never", loop)
	cmd.Stdin = strings.NewReader(fmt.Sprintf("label: gpt\nstart=512, size=%d\n", size))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	return path
}

// logical is a group on a partition, with a volume after another one.
func logical(t testing.TB, fs string) string {
	t.Helper()
	data, err := os.ReadFile(fs)
	kerneltest.Must(t, err)
	mib := int64(len(data)+1<<20-1) >> 20
	path := disk(t, (mib+12)<<20, fmt.Sprintf("label: gpt\nstart=4096, size=%d, type=E6D6D379-F507-44C2-A23C-238F2A3DF928\n", (mib+8)*2048), nil)
	h := lvmtest.New(t, path, lvmtest.Place{Offset: 2 << 20, Size: (mib + 8) << 20})
	for _, line := range []string{"pvcreate -q %1", "vgcreate -q -An -s 1M vg %1", "lvcreate -q -An -an -Zn -Wn vg -L 3M -n first", fmt.Sprintf("lvcreate -q -An -an -Zn -Wn vg -L %dM -n root", mib)} {
		h.Run(line)
	}
	h.Fill("vg", "root", data)
	return path
}

// encrypted is a volume of LUKS2 on a partition.
func encrypted(t testing.TB, fs string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "crypt")
	kerneltest.Run(t, "cp", "--sparse=always", fs, path)
	kerneltest.Must(t, os.Truncate(path, (sizeOf(t, fs)+4095)/4096*4096))
	lukstest.Encrypt(t, path)
	return tabled(t, path, "label: gpt\nstart=4096, size=%d, type=CA7D7CCB-63ED-4C53-861C-1742536059CC\n", 2<<20)
}

// matrixContainers put a disk into something else.
func matrixContainers() map[string]func(t testing.TB, disk string) string {
	out := map[string]func(t testing.TB, disk string) string{
		"raw":    func(_ testing.TB, disk string) string { return disk },
		"gz":     func(t testing.TB, disk string) string { return compress(t, disk, "gzip", "-1", "-k") },
		"xz":     func(t testing.TB, disk string) string { return compress(t, disk, "xz", "-0", "-k") },
		"zst":    func(t testing.TB, disk string) string { return compress(t, disk, "zstd", "-1", "-q") },
		"bz2":    func(t testing.TB, disk string) string { return compress(t, disk, "bzip2", "-1", "-k") },
		"tar.gz": inArchive,
	}
	for name, c := range map[string]struct{ format, options, flag string }{
		"qcow2-v2":       {"qcow2", "compat=0.10", ""},
		"qcow2-v3":       {"qcow2", "compat=1.1", ""},
		"qcow2-zlib":     {"qcow2", "compat=1.1", "-c"},
		"qcow2-zstd":     {"qcow2", "compression_type=zstd", "-c"},
		"qcow2-extended": {"qcow2", "extended_l2=on,cluster_size=128k", ""},
		"vmdk-sparse":    {"vmdk", "", ""},
		"vmdk-stream":    {"vmdk", "subformat=streamOptimized", ""},
		"vhd-fixed":      {"vpc", "subformat=fixed,force_size=on", ""},
		"vhd-dynamic":    {"vpc", "force_size=on", ""},
		"vhdx":           {"vhdx", "", ""},
		"vdi":            {"vdi", "", ""},
	} {
		out[name] = func(t testing.TB, disk string) string {
			var flags []string
			if c.flag != "" {
				flags = []string{c.flag}
			}
			return blockmaptest.Convert(t, disk, c.format, c.options, flags...)
		}
	}
	return out
}

// inArchive is the form of Google Compute Engine.
func inArchive(t testing.TB, disk string) string {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "packed")
	kerneltest.Must(t, os.Symlink(disk, filepath.Join(dir, "disk.raw")))
	kerneltest.Run(t, "tar", "--format=oldgnu", "-S", "-h", "-C", dir, "-cf", out, "disk.raw")
	return compress(t, out, "gzip", "-1")
}
