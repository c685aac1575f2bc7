package inspect_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/diff"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

// ids are the identifiers of one disk: of the disk, of its partitions and of what
// is on them.
type ids struct {
	disk, swap, esp, root, data                 string
	swapPart, espPart, rootPart, dataPart, part string
}

// idsOf are identifiers made of one hex digit.
func idsOf(digit string) ids {
	uuid := func(n int) string {
		return strings.ReplaceAll(fmt.Sprintf("%08d-xxxx-4xxx-8xxx-xxxxxxxxxxxx", n), "x", digit)
	}
	return ids{
		disk: uuid(10), swap: uuid(1), esp: strings.ToUpper(strings.Repeat(digit, 4) + "-12AB"), root: uuid(3), data: uuid(4),
		swapPart: uuid(11), espPart: uuid(12), rootPart: uuid(13), dataPart: uuid(14), part: uuid(13),
	}
}

// identityTree is a system whose files name the disk's things at every place
// where that is understood.
func identityTree(i ids) map[string]string {
	entry := "title x\nlinux /vmlinuz\noptions root=PARTUUID=" + i.part + " resume=UUID=" + i.swap + " ro\n"
	return map[string]string{
		"etc/os-release": "ID=test\n",
		"etc/fstab": "UUID=" + i.root + " / ext4 defaults 0 1\n/dev/disk/by-uuid/" + i.data + " /srv ext4 nofail 0 2\n" +
			"UUID=" + i.esp + " /boot/efi vfat defaults 0 2\nUUID=" + i.swap + " none swap sw 0 0\n",
		"etc/kernel/cmdline":                           "root=UUID=" + i.root + " ro\n",
		"etc/default/grub":                             `GRUB_CMDLINE_LINUX="resume=UUID=` + i.swap + "\"\n",
		"etc/initramfs-tools/conf.d/resume":            "RESUME=UUID=" + i.swap + "\n",
		"boot/loader/entries/x.conf":                   entry,
		"boot/grub/grub.cfg":                           "menuentry 'x' {\n search --fs-uuid --set=root " + i.root + "\n linux /vmlinuz root=UUID=" + i.root + " ro\n}\n",
		"boot/grub/grubenv":                            grubenv("kernelopts=root=UUID=" + i.root),
		"boot/efi/.keep":                               "",
		"srv/.keep":                                    "",
		"etc/motd":                                     "welcome\n",
		".initrd/etc/cmdline.d/95root.conf":            "root=UUID=" + i.root + "\n",
		".initrd/init":                                 "#!/bin/sh\n",
		".initrd/" + hook("/dev/disk/by-uuid/"+i.root): "[ -e /dev/disk/by-uuid/" + i.root + " ]\n",
		".esp": "search.fs_uuid " + i.root + " root\nconfigfile /boot/grub/grub.cfg\n",
	}
}

func grubenv(line string) string {
	text := "# GRUB Environment Block\n" + line + "\n"
	return text + strings.Repeat("#", 1024-len(text))
}

// hook is the file by which dracut waits for a device.
func hook(device string) string {
	return "usr/lib/dracut/hooks/initqueue/finished/devexists-" + strings.ReplaceAll(device, "/", `\x2f`) + ".sh"
}

// An identityDisk is made of identifiers and of a tree.
type identityDisk struct {
	ids
	tree  map[string]string
	table string
}

const identityGPT = `label: gpt
label-id: %s
start=2048, size=2048, uuid=%s, type=0657FD6D-A4AB-43C4-84E5-0933C84B4F4F
start=4096, size=4096, uuid=%s, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
start=8192, size=12288, uuid=%s
start=20480, size=8192, uuid=%s
`

const identityMBR = `label: dos
label-id: %s
start=2048, size=2048, type=82
start=4096, size=4096, type=ef
start=8192, size=12288, type=83
start=20480, size=8192, type=83
`

// make writes the disk: 16 MiB with a swap area, an EFI system partition, a root
// and another filesystem.
func (d identityDisk) make(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, raw := filepath.Join(dir, "root"), filepath.Join(dir, "disk.raw")
	for name, text := range d.tree {
		file := filepath.Join(root, name)
		check(t, os.MkdirAll(filepath.Dir(file), 0o755))
		check(t, os.WriteFile(file, []byte(text), 0o644))
	}
	runTool(t, "sh", "-c", `cd "$1/.initrd" && find . | sort | cpio -o -H newc --quiet | gzip -n > "$1/boot/initrd.img" && rm -r "$1/.initrd" && mv "$1/.esp" "$1/../esp.cfg"`, "sh", root)
	check(t, os.WriteFile(raw, nil, 0o644))
	check(t, os.Truncate(raw, 16<<20))
	sfdisk := exec.Command("sfdisk", "-q", raw)
	sfdisk.Stdin = strings.NewReader(d.table)
	if out, err := sfdisk.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	swap, esp := filepath.Join(dir, "swap"), filepath.Join(dir, "esp")
	runTool(t, "truncate", "-s", "1M", swap)
	runTool(t, "mkswap", "-q", "-U", d.swap, swap)
	runTool(t, "truncate", "-s", "2M", esp)
	runTool(t, "mkfs.vfat", "-i", strings.ReplaceAll(d.esp, "-", ""), esp)
	runTool(t, "mmd", "-i", esp, "::/EFI", "::/EFI/test")
	runTool(t, "mcopy", "-i", esp, filepath.Join(dir, "esp.cfg"), "::/EFI/test/grub.cfg")
	runTool(t, "dd", "if="+swap, "of="+raw, "bs=1M", "seek=1", "conv=notrunc", "status=none")
	runTool(t, "dd", "if="+esp, "of="+raw, "bs=1M", "seek=2", "conv=notrunc", "status=none")
	runTool(t, "mke2fs", "-q", "-F", "-t", "ext4", "-U", d.root, "-d", root, "-E", "offset=4194304", raw, "6M")
	runTool(t, "mke2fs", "-q", "-F", "-t", "ext4", "-U", d.data, "-E", "offset=10485760", raw, "4M")
	return raw
}

func gptDisk(digit string, change func(*identityDisk)) identityDisk {
	i := idsOf(digit)
	d := identityDisk{ids: i, tree: identityTree(i)}
	if change != nil {
		change(&d)
	}
	d.table = fmt.Sprintf(identityGPT, d.disk, d.swapPart, d.espPart, d.rootPart, d.dataPart)
	return d
}

func mbrDisk(digit string) identityDisk {
	i := idsOf(digit)
	id := strings.Repeat(digit, 8)
	i.part = id + "-03"
	return identityDisk{ids: i, tree: identityTree(i), table: fmt.Sprintf(identityMBR, "0x"+id)}
}

// TestIdentityOfImages: images that differ in every identifier are equivalent, and
// those in which one of them is out of step are not.
func TestIdentityOfImages(t *testing.T) {
	fixtures.RequireTool(t, "mke2fs", "sfdisk", "mkfs.vfat", "mkswap", "mcopy", "cpio")
	a := idsOf("a")
	edit := func(name, from, to string) func(*identityDisk) {
		return func(d *identityDisk) {
			if !strings.Contains(d.tree[name], from) {
				t.Errorf("%s does not have %s", name, from)
			}
			d.tree[name] = strings.ReplaceAll(d.tree[name], from, to)
		}
	}
	b := idsOf("b")
	base := inspectPath(t, gptDisk("a", nil).make(t))
	for name, change := range map[string]func(*identityDisk){
		"stale fstab":   edit("etc/fstab", b.root, a.root),
		"swapped roots": func(d *identityDisk) { d.root, d.data = d.data, d.root },
		"swapped in fstab": func(d *identityDisk) {
			d.tree["etc/fstab"] = strings.NewReplacer(b.root, b.data, b.data, b.root).Replace(d.tree["etc/fstab"])
		},
		"cloned":                   func(d *identityDisk) { d.data = d.root },
		"one byte in grub.cfg":     edit("boot/grub/grub.cfg", "search --fs-uuid --set=root "+b.root, "search --fs-uuid --set=root "+b.root[:35]+"c"),
		"one byte in grubenv":      edit("boot/grub/grubenv", b.root, b.root[:35]+"c"),
		"one byte on the ESP":      edit(".esp", b.root, b.root[:35]+"c"),
		"another file":             func(d *identityDisk) { d.tree["etc/motd"] = "root is " + d.root + "\n" },
		"in an initramfs' file":    edit(".initrd/etc/cmdline.d/95root.conf", b.root, b.data),
		"in an initramfs' other":   edit(".initrd/init", "\n", "\n# "+b.root+"\n"),
		"stale BLS entry":          edit("boot/loader/entries/x.conf", b.part, a.part),
		"filesystem for partition": edit("boot/loader/entries/x.conf", "PARTUUID="+b.part, "PARTUUID="+b.root),
		"stale resume":             edit("etc/initramfs-tools/conf.d/resume", b.swap, a.swap),
		"capitals":                 edit("etc/fstab", b.root, strings.ToUpper(b.root)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := diff.Compare(base, inspectPath(t, gptDisk("b", change).make(t)))
			if got.Verdict != diff.Different || got.DigestA == got.DigestB {
				t.Errorf("%s: %+v", got.Verdict, got.Changes)
			}
		})
	}
	t.Run("another file, both", func(t *testing.T) {
		motd := func(d *identityDisk) { d.tree["etc/motd"] = "root is " + d.root + "\n" }
		x, y := inspectPath(t, gptDisk("a", motd).make(t)), inspectPath(t, gptDisk("b", motd).make(t))
		if got := diff.Compare(x, y); got.Verdict != diff.Different || got.Unexplained() != 1 {
			t.Errorf("%s: %+v", got.Verdict, got.Changes)
		}
	})
	t.Run("gpt", func(t *testing.T) { equivalent(t, base, inspectPath(t, gptDisk("b", nil).make(t))) })
	t.Run("mbr", func(t *testing.T) {
		equivalent(t, inspectPath(t, mbrDisk("a").make(t)), inspectPath(t, mbrDisk("b").make(t)))
	})
}

// equivalent holds that the identity rule explains what differs in two disks.
func equivalent(t *testing.T, a, b *report.Report) {
	t.Helper()
	got := diff.Compare(a, b)
	sections := map[string]bool{}
	for _, c := range got.Changes {
		switch c.Rule {
		case "":
			t.Errorf("unexplained: %+v", c)
		case "identity":
			sections[c.Section] = true
		}
	}
	if got.Verdict != diff.Equivalent || got.DigestA != got.DigestB || got.DigestA == "" || len(got.Unread) > 0 {
		t.Errorf("%s %v, digests %s and %s", got.Verdict, got.Unread, got.DigestA, got.DigestB)
	}
	for _, s := range []string{"disk", "partitions", "regions", "files", "fstab", "boot"} {
		if !sections[s] {
			t.Errorf("no change of section %s is told", s)
		}
	}
	if old := diff.CompareBy(1, a, b); old.Verdict != diff.Different {
		t.Errorf("by version 1 of the rules: %s", old.Verdict)
	}
}
