package inspect_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

const diskLayout = `label: gpt
label-id: 11111111-1111-4111-8111-111111111111
start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649
start=4096, size=32768, uuid=22222222-2222-4222-8222-222222222222
start=36864, size=81920, name="root"
`

// partitioned makes a disk of a BIOS boot, a boot and a root partition, of a
// tree whose /boot is to lie on its own.
func partitioned(t *testing.T) (root, raw string) {
	t.Helper()
	fixtures.RequireTool(t, "mke2fs", "sfdisk", "qemu-img")
	root, raw = t.TempDir(), filepath.Join(t.TempDir(), "disk.raw")
	systemTree(t, root)
	fstab := "PARTLABEL=root / ext4 defaults 0 1\nPARTUUID=22222222-2222-4222-8222-222222222222 /boot ext4 defaults 0 2\n"
	check(t, os.WriteFile(filepath.Join(root, "etc/fstab"), []byte(fstab), 0o644))
	settle(t, root)
	check(t, os.WriteFile(raw, nil, 0o644))
	check(t, os.Truncate(raw, 60<<20))
	sfdisk := exec.Command("sfdisk", "-q", raw)
	sfdisk.Stdin = strings.NewReader(diskLayout)
	if out, err := sfdisk.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	f, err := os.OpenFile(raw, os.O_WRONLY, 0)
	check(t, err)
	_, err = f.WriteAt([]byte("core image of a boot loader"), 1<<20)
	check(t, err)
	check(t, f.Close())
	makeExt4(t, raw, filepath.Join(root, "boot"), 2<<20, "16M")
	rest := t.TempDir()
	runTool(t, "cp", "-a", root+"/.", rest)
	check(t, os.RemoveAll(filepath.Join(rest, "boot")))
	check(t, os.Mkdir(filepath.Join(rest, "boot"), 0o700))
	top, err := os.Stat(root)
	check(t, err)
	check(t, os.Chtimes(rest, top.ModTime(), top.ModTime()))
	makeExt4(t, raw, rest, 18<<20, "40M")
	return root, raw
}

// makeExt4 puts the filesystem of a tree at an offset of the disk.
func makeExt4(t *testing.T, disk, tree string, offset int64, size string) {
	t.Helper()
	top, err := os.Stat(tree)
	check(t, err)
	c := exec.Command("mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, "-E", fmt.Sprintf("offset=%d", offset), disk, size)
	c.Env = append(os.Environ(), fmt.Sprintf("E2FSPROGS_FAKE_TIME=%d", top.ModTime().Unix()))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, out)
	}
}

// TestDiskEqualsDirectory holds that two partitions put together by fstab are
// the tree that they were made of, and that raw and qcow2 are the same disk.
func TestDiskEqualsDirectory(t *testing.T) {
	root, raw := partitioned(t)
	qcow2 := raw + ".qcow2"
	runTool(t, "qemu-img", "convert", "-O", "qcow2", "-c", raw, qcow2)
	want, a, b := inspectPath(t, root), inspectAsNobody(t, raw), inspectPath(t, qcow2)
	checkDisk(t, a.Disk)
	if a.Disk.Digest == "" || a.Disk.Digest != b.Disk.Digest || b.Disk.Format != "qcow2" {
		t.Errorf("raw %s, %s %s", a.Disk.Digest, b.Disk.Format, b.Disk.Digest)
	}
	b.Disk.Format, b.Disk.FormatVersion, b.Subject = a.Disk.Format, "", a.Subject
	if x, y := encode(t, a), encode(t, b); x != y {
		t.Errorf("raw and qcow2 differ:\n%s", firstDifference(x, y))
	}
	a.Files = slices.DeleteFunc(a.Files, func(e report.Entry) bool { return strings.HasSuffix(string(e.Path), "lost+found") })
	withoutRoles(t, a)
	a.Disk, a.Subject, a.Sections["disk"] = nil, want.Subject, want.Sections["disk"]
	if x, y := encode(t, want), encode(t, a); x != y {
		t.Errorf("directory and disk differ:\n%s", firstDifference(x, y))
	}
}

// withoutRoles takes out what only a disk's report has: what fstab's identifiers
// name.
func withoutRoles(t *testing.T, r *report.Report) {
	t.Helper()
	found := false
	for i := range r.Files {
		found = found || r.Files[i].Roles != nil && r.Files[i].Path == "/etc/fstab"
		r.Files[i].Roles = nil
	}
	r.Rules = slices.DeleteFunc(r.Rules, func(r report.Rule) bool { return r.Name == "identity" })
	if !found {
		t.Error("/etc/fstab has no form by roles")
	}
}

func checkDisk(t *testing.T, d *report.Disk) {
	t.Helper()
	var roles []string
	for _, r := range d.Regions {
		roles = append(roles, r.Role)
		if len(r.SHA256) != 64 {
			t.Errorf("region %+v", r)
		}
	}
	if !slices.Contains(roles, "partition 1") || !slices.Contains(roles, "partition table") {
		t.Errorf("regions %v", roles)
	}
	var mounts []string
	for _, p := range d.Partitions {
		if p.Filesystem != nil {
			mounts = append(mounts, p.Filesystem.Mountpoint)
		}
	}
	if !slices.Equal(mounts, []string{"/boot", "/"}) {
		t.Errorf("mount points %v", mounts)
	}
}
