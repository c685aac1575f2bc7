package boot

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

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
		r := sectiontest.Report(t, Sections(), map[string]string{
			"/boot/grub/grub.cfg": strings.Replace(cfg, "%s", choice, 1),
			"/boot/grub/grubenv":  "# GRUB Environment Block\nsaved_entry=old\n####",
		})
		sectiontest.Status(t, r, "boot", report.OK)
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
	r := sectiontest.Report(t, Sections(), map[string]string{
		"/boot/loader/loader.conf":      "timeout 3\ndefault b-*\n",
		"/boot/loader/entries/a.conf":   "title A\nlinux /a\n",
		"/boot/loader/entries/b-1.conf": "# x\ntitle  B one\nversion 1\nlinux /b\ninitrd /i1\ninitrd /i2\noptions root=x\noptions ro  quiet\n",
	})
	want := []report.BootEntry{
		{Source: "/boot/loader/entries/a.conf", Title: "A", Linux: "/a"},
		{Source: "/boot/loader/entries/b-1.conf", Title: "B one", Linux: "/b", Initrd: "/i1 /i2", Options: "root=x ro  quiet", Default: true},
	}
	if !reflect.DeepEqual(r.Boot, want) {
		t.Errorf("%+v", r.Boot)
	}
}

// FuzzParse gives any bytes to every parser: none may panic or run on.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"UUID=x / ext4 defaults 0 1\n", "a\\040b c\\ d", "menuentry 'a' --id b {\n linux /x y\n}\n", "submenu \"a\\\"b\" {\n}\n",
		"set default=\"1>0\"\n", "title x\nlinux /y\n", "\x00", "{{{{", "}", "''\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		parseFstab(data)
		parseGrub(data, map[string]string{"saved_entry": string(data)})
		parseBLS(data)
	})
}
