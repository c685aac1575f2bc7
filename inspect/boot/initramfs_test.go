package boot

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// newc is a cpio archive; names that end with a slash are directories.
func newc(files ...[2]string) string {
	var b strings.Builder
	pad := func() {
		for b.Len()%4 != 0 {
			b.WriteByte(0)
		}
	}
	for i, f := range append(files, [2]string{"TRAILER!!!", ""}) {
		mode, name := 0o100644, f[0]
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			mode, name = 0o040755, dir
		}
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", i+1, mode, 0, 0, 1, 0, len(f[1]), 0, 0, 0, 0, len(name)+1, 0)
		b.WriteString(name + "\x00")
		pad()
		b.WriteString(f[1])
		pad()
	}
	return b.String()
}

func TestInitramfs(t *testing.T) {
	early := newc([2]string{"kernel/", ""}, [2]string{"kernel/x86/", ""}, [2]string{"kernel/x86/microcode/", ""}, [2]string{"kernel/x86/microcode/GenuineIntel.bin", "ucode"})
	main := newc([2]string{"usr/", ""}, [2]string{"usr/lib/", ""}, [2]string{"usr/lib/dracut/", ""}, [2]string{"usr/lib/dracut/dracut-059", "dracut-059-4\n"},
		[2]string{"usr/lib/dracut/build-parameter.txt", " --force 'x'\n"}, [2]string{"usr/lib/dracut/modules.txt", "base\nudev-rules\n"},
		[2]string{"usr/lib/dracut/hooks/", ""}, [2]string{"usr/lib/dracut/hooks/pre-mount/", ""}, [2]string{"usr/lib/dracut/hooks/pre-mount/10-x.sh", "#"},
		[2]string{"usr/lib/modules/", ""}, [2]string{"usr/lib/modules/6.1/", ""}, [2]string{"usr/lib/modules/6.1/b.ko.xz", "x"}, [2]string{"usr/lib/modules/6.1/a.ko", "x"},
		[2]string{"usr/lib/firmware/", ""}, [2]string{"usr/lib/firmware/f", "x"}, [2]string{"usr/lib/systemd/", ""}, [2]string{"usr/lib/systemd/systemd", "x"})
	tools := newc([2]string{"conf/", ""}, [2]string{"conf/initramfs.conf", "# x\nMODULES=most\nCOMPRESS=zstd\nROOT_PASSWORD=x\n"}, [2]string{"conf/conf.d/", ""}, [2]string{"conf/conf.d/resume", "RESUME=none\n"},
		[2]string{"scripts/", ""}, [2]string{"scripts/functions", "x"}, [2]string{"scripts/init-top/", ""}, [2]string{"scripts/init-top/udev", "x"}, [2]string{"scripts/init-top/ORDER", "x"})
	r := sectiontest.Report(t, Sections(), map[string]string{
		"/boot/initramfs-6.1.img": early + main, "/boot/initrd.img-6.2": tools, "/boot/initrd.img-6.3": "nonsense", "/boot/initrd.img": "-> initrd.img-6.2",
	})
	sectiontest.Status(t, r, "initramfs", report.OK)
	want := []report.Initramfs{
		{
			Path: "/boot/initramfs-6.1.img", Maker: "dracut", Version: "059-4", Arguments: "--force 'x'", Members: 21,
			Archives:  []report.InitramfsArchive{{Members: 4, Size: 5}, {Members: 17, Size: 47}},
			Microcode: []string{"/kernel/x86/microcode/GenuineIntel.bin"}, Kernels: []string{"6.1"}, Modules: []string{"a", "b"}, Firmware: 1,
			Parts: []string{"base", "udev-rules"}, Hooks: []string{"/usr/lib/dracut/hooks/pre-mount/10-x.sh"}, Systemd: true,
		},
		{
			Path: "/boot/initrd.img-6.2", Maker: "initramfs-tools", Members: 9, Archives: []report.InitramfsArchive{{Members: 9, Size: 62}},
			Hooks: []string{"/scripts/init-top/udev"}, Settings: []string{"RESUME=none", "MODULES=most", "COMPRESS=zstd", "ROOT_PASSWORD=(present)"},
		},
		{Path: "/boot/initrd.img-6.3", Problem: r.Initramfs[2].Problem},
	}
	if !reflect.DeepEqual(r.Initramfs, want) {
		t.Errorf("got  %+v\nwant %+v", r.Initramfs, want)
	}
	if !strings.Contains(want[2].Problem, "where an archive should begin") {
		t.Errorf("problem %q", want[2].Problem)
	}
}

// TestInitramfsOracles compares what is in images of both makers with what their own programs list.
func TestInitramfsOracles(t *testing.T) {
	fixtures.RequireTool(t, "lsinitramfs", "lsinitrd", "dracut")
	debian := fixtures.DebianTree(t)
	made := fixtures.Cached(t, "dracut", "1", func(t testing.TB, dir string) {
		check(t, os.Mkdir(filepath.Join(dir, "boot"), 0o755))
		fixtures.Run(t, "dracut", "--force", "--no-hostonly", "--no-kernel", "--gzip", "-m", "base", filepath.Join(dir, "boot/initramfs-6.1.img"), "6.1")
	})
	for _, c := range []struct{ root, maker string }{{debian, "initramfs-tools"}, {made, "dracut"}} {
		r := sectiontest.Fill(t, Sections(), treetest.Open(t, c.root))
		sectiontest.Status(t, r, "initramfs", report.OK)
		one := r.Initramfs[0]
		out, err := exec.Command("lsinitramfs", filepath.Join(c.root, one.Path)).Output()
		check(t, err)
		names := strings.Split(strings.TrimSpace(string(out)), "\n")
		var modules []string
		for _, name := range names {
			if base, _, ok := strings.Cut(filepath.Base(name), ".ko"); ok {
				modules = append(modules, base)
			}
		}
		slices.Sort(modules)
		if one.Maker != c.maker || one.Members != len(names) || !slices.Equal(one.Modules, modules) {
			t.Errorf("%s of %s: %d members, %d modules; lsinitramfs lists %d and %d", one.Maker, c.maker, one.Members, len(one.Modules), len(names), len(modules))
		}
		if c.maker == "dracut" {
			compareLsinitrd(t, c.root, one)
		}
	}
}

// compareLsinitrd compares with the head of what lsinitrd prints.
func compareLsinitrd(t *testing.T, root string, one report.Initramfs) {
	t.Helper()
	out, err := exec.Command("lsinitrd", filepath.Join(root, one.Path)).Output()
	check(t, err)
	_, modules, _ := strings.Cut(string(out), "dracut modules:\n")
	modules, _, _ = strings.Cut(modules, "=====")
	for _, want := range []string{"Version: dracut-" + one.Version + "\n", "Arguments:  " + one.Arguments + "\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("lsinitrd does not say %q: %.300s", want, out)
		}
	}
	if want := strings.Fields(modules); one.Version == "" || len(want) == 0 || !slices.Equal(one.Parts, want) {
		t.Errorf("parts %v, lsinitrd says %v", one.Parts, want)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestKernels compares with file(1) on a real kernel, and has one of each other form.
func TestKernels(t *testing.T) {
	setup := make([]byte, 0x800)
	copy(setup, "MZ")
	copy(setup[0x202:], "HdrS")
	setup[0x20e], setup[0x20f] = 0x00, 0x02
	copy(setup[0x400:], "6.1.0-1 (me@here) #1 SMP\x00")
	arm := make([]byte, 64)
	copy(arm[0x38:], "ARM\x64")
	r := sectiontest.Report(t, Sections(), map[string]string{
		"/boot/vmlinuz-6.1.0-1": string(setup), "/boot/initrd.img-6.1.0-1": "x", "/boot/config-6.1.0-1": "", "/usr/lib/modules/6.1.0-1/modules.dep": "",
		"/boot/vmlinuz-linux": string(arm), "/boot/initramfs-linux.img": "x", "/boot/abc/6.2/linux": "MZ\x00\x00zimg", "/boot/abc/6.2/initrd": "x",
		"/boot/vmlinux-6.3": "\x7fELF", "/usr/lib/modules/6.4/vmlinuz": "\x1f\x8b", "/boot/vmlinuz-6.5": "", "/boot/vmlinuz": "-> vmlinuz-6.1.0-1",
	})
	want := []report.Kernel{
		{Path: "/boot/abc/6.2/linux", Format: "zboot", Release: "6.2", EFI: true, Initramfs: "/boot/abc/6.2/initrd"},
		{Path: "/boot/vmlinux-6.3", Format: "ELF", Release: "6.3"},
		{
			Path: "/boot/vmlinuz-6.1.0-1", Format: "bzImage", Release: "6.1.0-1", Version: "6.1.0-1 (me@here) #1 SMP", EFI: true,
			Modules: "/usr/lib/modules/6.1.0-1", Config: "/boot/config-6.1.0-1", Initramfs: "/boot/initrd.img-6.1.0-1",
		},
		{Path: "/boot/vmlinuz-6.5", Release: "6.5"},
		{Path: "/boot/vmlinuz-linux", Format: "Image", Release: "linux", Initramfs: "/boot/initramfs-linux.img"},
		{Path: "/usr/lib/modules/6.4/vmlinuz", Format: "gzip", Release: "6.4", Modules: "/usr/lib/modules/6.4"},
	}
	if !reflect.DeepEqual(r.Kernels, want) {
		t.Errorf("got  %+v\nwant %+v", r.Kernels, want)
	}
}

func TestKernelsOracle(t *testing.T) {
	fixtures.RequireTool(t, "file")
	root := fixtures.DebianTree(t)
	r := sectiontest.Fill(t, Sections(), treetest.Open(t, root))
	if len(r.Kernels) != 1 || r.Kernels[0].Modules == "" || r.Kernels[0].Initramfs == "" || r.Kernels[0].Config == "" {
		t.Fatalf("%+v", r.Kernels)
	}
	k := r.Kernels[0]
	said := fixtures.Run(t, "file", "-b", filepath.Join(root, k.Path))
	for _, want := range []string{k.Format, "version " + k.Version} {
		if !strings.Contains(said, want) || k.Version == "" {
			t.Errorf("file does not say %q: %s", want, said)
		}
	}
}
