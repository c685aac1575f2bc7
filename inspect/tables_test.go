package inspect

import (
	"errors"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

func makeHuge(n *image.Node) {
	if n.Type == report.File {
		n.Size = 4 << 30
	}
}

func openHuge(*image.Node) (image.Content, error) { return nil, errors.New("opened") }

func TestFstab(t *testing.T) {
	got, err := parseFstab([]byte("# device\nUUID=a-b / ext4 errors=remount-ro 0 1\n/dev/sr0\t/media/cd\\040rom udf,iso9660 user,noauto\nproc /proc proc\nx /y auto ro 1 # why\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []report.FstabEntry{
		{Spec: "UUID=a-b", File: "/", VfsType: "ext4", Options: "errors=remount-ro", Passno: 1},
		{Spec: "/dev/sr0", File: "/media/cd rom", VfsType: "udf,iso9660", Options: "user,noauto"},
		{Spec: "proc", File: "/proc", VfsType: "proc", Options: "defaults"},
		{Spec: "x", File: "/y", VfsType: "auto", Options: "ro", Freq: 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// TestOSRelease asks the shell for the same values.
func TestOSRelease(t *testing.T) {
	fixtures.RequireTool(t, "sh")
	text := `NAME="Debian GNU/Linux"
# comment
ID=debian
VERSION_ID='12'
PRETTY_NAME="a \"b\" \$c \\ d"
EMPTY=
  INDENTED=x
MIX=a"b c"'d'
ESC=a\ b
TAIL="x" # comment
`
	got := map[string]string{}
	if err := parseAssignments([]byte(text), got); err != nil {
		t.Fatal(err)
	}
	for name, value := range got {
		out, err := exec.Command("sh", "-c", text+"\nprintf %s \"$"+name+"\"").Output()
		if err != nil || string(out) != value {
			t.Errorf("%s: %q, but sh says %q (%v)", name, value, out, err)
		}
	}
	if len(got) != 9 {
		t.Errorf("%d values: %v", len(got), got)
	}
}

func TestOSReleaseFallback(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"link":     {"/etc/os-release": "-> ../usr/lib/os-release", "/usr/lib/os-release": "ID=a\n"},
		"usr only": {"/usr/lib/os-release": "ID=a\n"},
		"etc wins": {"/etc/os-release": "ID=a\n", "/usr/lib/os-release": "ID=b\n"},
	} {
		if r := inspectOf(t, directory(files), Options{}); r.OSRelease["ID"] != "a" {
			t.Errorf("%s: %v %v", name, r.OSRelease, r.Sections["os-release"])
		}
	}
}

func TestDpkg(t *testing.T) {
	r := inspectOf(t, directory(map[string]string{
		"/bin": "-> usr/bin", "/usr/bin/bash": "1", "/usr/bin/sh.distrib": "2", "/usr/bin/sh": "3", "/usr/share/doc/bash/x": "", "/own": "",
		"/var/lib/dpkg/status": "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\nDescription: x\n y\n\n" +
			"Package: libx\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 1\n\n" +
			"Package: dash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n" +
			"Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 2\n",
		"/var/lib/dpkg/info/bash.list":       "/.\n/bin\n/bin/bash\n/usr\n/usr/share/doc/bash/x\n/missing\n",
		"/var/lib/dpkg/info/libx:amd64.list": "/own\n",
		"/var/lib/dpkg/info/dash.list":       "/usr/bin/sh\n",
		"/var/lib/dpkg/diversions":           "/usr/bin/sh\n/usr/bin/sh.distrib\nother\n",
	}), Options{})
	status(t, r, "packages", report.OK)
	want := []report.Package{
		{Name: "bash", Version: "5.2-1", Arch: "amd64", Manager: "dpkg", State: "install ok installed"},
		{Name: "dash", Version: "1", Arch: "amd64", Manager: "dpkg", State: "install ok installed"},
		{Name: "gone", Version: "2", Arch: "all", Manager: "dpkg", State: "deinstall ok config-files"},
		{Name: "libx", Version: "1", Arch: "amd64", Manager: "dpkg", State: "install ok installed"},
	}
	if !reflect.DeepEqual(r.Packages, want) {
		t.Errorf("%+v", r.Packages)
	}
	for path, owner := range map[string]string{
		"/usr/bin/bash": "bash", "/bin": "bash", "/usr": "", "/usr/share/doc/bash/x": "bash", "/own": "libx",
		"/usr/bin/sh.distrib": "dash", "/usr/bin/sh": "",
	} {
		if got := entry(t, r, path).Package; got != owner {
			t.Errorf("%s belongs to %q, want %q", path, got, owner)
		}
	}
}

func TestDpkgStatusDir(t *testing.T) {
	r := inspectOf(t, directory(map[string]string{
		"/var/lib/dpkg/status.d/b":         "Package: b\nVersion: 1\nArchitecture: all\n",
		"/var/lib/dpkg/status.d/a":         "Package: a\nVersion: 1\nArchitecture: all\n",
		"/var/lib/dpkg/status.d/a.md5sums": "d41d8cd98f00b204e9800998ecf8427e  x\n",
	}), Options{})
	status(t, r, "packages", report.OK)
	if len(r.Packages) != 2 || r.Packages[0].Name != "a" {
		t.Errorf("%+v", r.Packages)
	}
}

func TestGrub(t *testing.T) {
	cfg := `set default="0"
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set boot_once=true
else
   set default="%s"
fi
function load_video {
  insmod all_video
}
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple' {
	insmod gzio
	if [ x$feature = xy ]; then
	  search --set=root 1234
	fi
	linux	/boot/vmlinuz-6.1 root=UUID=1234 ro  quiet
	initrd	/boot/initrd.img-6.1
}
submenu 'Advanced "options"' $menuentry_id_option 'adv' {
	menuentry "old \"kernel\"" --id old {
		linux16 /boot/vmlinuz-5 root=/dev/sda1
	}
	menuentry recovery {
		linux /boot/vmlinuz-6.1 single # comment
		initrd /ucode.img /initrd.img
	}
}
`
	titles := []string{"Debian GNU/Linux", `old "kernel"`, "recovery"}
	for choice, want := range map[string]string{
		"0": titles[0], "1>0": titles[1], "1>1": titles[2], "gnulinux-simple": titles[0], "adv>old": titles[1],
		"recovery": titles[2], "2": "", "${saved_entry}": titles[1],
	} {
		r := inspectOf(t, directory(map[string]string{
			"/boot/grub/grub.cfg": strings.Replace(cfg, "%s", choice, 1),
			"/boot/grub/grubenv":  "# GRUB Environment Block\nsaved_entry=old\n####",
		}), Options{})
		status(t, r, "boot", report.OK)
		if len(r.Boot) != 3 {
			t.Fatalf("%+v", r.Boot)
		}
		for i, b := range r.Boot {
			if b.Title != titles[i] || b.Default != (b.Title == want) {
				t.Errorf("default %s: entry %q is default %t", choice, b.Title, b.Default)
			}
		}
		if b := r.Boot[0]; b.Linux != "/boot/vmlinuz-6.1" || b.Options != "root=UUID=1234 ro quiet" || b.Initrd != "/boot/initrd.img-6.1" || b.Source != "/boot/grub/grub.cfg" {
			t.Errorf("%+v", b)
		}
		if b := r.Boot[2]; b.Options != "single" || b.Initrd != "/ucode.img /initrd.img" {
			t.Errorf("%+v", b)
		}
	}
}

func TestBLS(t *testing.T) {
	r := inspectOf(t, directory(map[string]string{
		"/boot/loader/loader.conf":      "timeout 3\ndefault b-*\n",
		"/boot/loader/entries/a.conf":   "title A\nlinux /a\n",
		"/boot/loader/entries/b-1.conf": "# x\ntitle  B one\nversion 1\nlinux /b\ninitrd /i1\ninitrd /i2\noptions root=x\noptions ro  quiet\n",
	}), Options{})
	want := []report.BootEntry{
		{Source: "/boot/loader/entries/a.conf", Title: "A", Linux: "/a"},
		{Source: "/boot/loader/entries/b-1.conf", Title: "B one", Linux: "/b", Initrd: "/i1 /i2", Options: "root=x ro  quiet", Default: true},
	}
	if !reflect.DeepEqual(r.Boot, want) {
		t.Errorf("%+v", r.Boot)
	}
}
