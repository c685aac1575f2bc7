package stages_test

import (
	"strings"
	"testing"
)

const bootFile = `file 0644 0:0 "x"`

func TestGrub(t *testing.T) {
	testChanges(t, "dev.assay.grub", map[string]change{
		"kernels by version": {
			map[string]string{
				"/boot/vmlinuz-6.1.0-9-amd64": bootFile, "/boot/initrd.img-6.1.0-9-amd64": bootFile,
				"/boot/vmlinuz-6.1.0-56-amd64": bootFile, "/boot/initramfs-6.1.0-56-amd64.img": bootFile,
				"/boot/vmlinuz-5": bootFile, "/boot/vmlinuz-5.old": bootFile, "/boot/vmlinuz-7.dpkg-new": bootFile,
				"/etc/kernel/cmdline": `file 0644 0:0 "root=UUID=1-2  ro a=\"b c\" d=it's\n"`,
				"/etc/os-release":     `file 0644 0:0 "ID=x\nPRETTY_NAME=\"Debian's GNU/Linux 12\"\n"`,
			},
			`{"timeout": 5, "serial": {"unit": 1}}`,
			map[string]string{
				"/boot/vmlinuz-6.1.0-9-amd64": bootFile, "/boot/initrd.img-6.1.0-9-amd64": bootFile,
				"/boot/vmlinuz-6.1.0-56-amd64": bootFile, "/boot/initramfs-6.1.0-56-amd64.img": bootFile,
				"/boot/vmlinuz-5": bootFile, "/boot/vmlinuz-5.old": bootFile, "/boot/vmlinuz-7.dpkg-new": bootFile,
				"/etc/kernel/cmdline": `file 0644 0:0 "root=UUID=1-2  ro a=\"b c\" d=it's\n"`,
				"/etc/os-release":     `file 0644 0:0 "ID=x\nPRETTY_NAME=\"Debian's GNU/Linux 12\"\n"`,
				"/boot/grub/grub.cfg": `file 0644 0:0 "` + strings.NewReplacer("\n", `\n`, "\t", `\t`, `"`, `\"`, `\`, `\\`).Replace(`# Written by dev.assay.grub.
set default=0
set timeout=5
serial --unit=1 --speed=115200
terminal_input console serial
terminal_output console serial

menuentry 'Debian'\''s GNU/Linux 12, with Linux 6.1.0-56-amd64' --id linux-6.1.0-56-amd64 {
	linux /boot/vmlinuz-6.1.0-56-amd64 root=UUID=1-2 ro 'a="b' 'c"' 'd=it'\''s'
	initrd /boot/initramfs-6.1.0-56-amd64.img
}

menuentry 'Debian'\''s GNU/Linux 12, with Linux 6.1.0-9-amd64' --id linux-6.1.0-9-amd64 {
	linux /boot/vmlinuz-6.1.0-9-amd64 root=UUID=1-2 ro 'a="b' 'c"' 'd=it'\''s'
	initrd /boot/initrd.img-6.1.0-9-amd64
}

menuentry 'Debian'\''s GNU/Linux 12, with Linux 5' --id linux-5 {
	linux /boot/vmlinuz-5 root=UUID=1-2 ro 'a="b' 'c"' 'd=it'\''s'
}
`) + `"`,
			}, "",
		},
		"own command line": {
			map[string]string{"/boot/vmlinuz-1": bootFile},
			`{"cmdline": "root=LABEL=root $x", "timeout": 0}`,
			map[string]string{
				"/boot/vmlinuz-1": bootFile,
				"/boot/grub/grub.cfg": `file 0644 0:0 "# Written by dev.assay.grub.\nset default=0\nset timeout=0\n\n` +
					`menuentry 'Linux, with Linux 1' --id linux-1 {\n\tlinux /boot/vmlinuz-1 root=LABEL=root '$x'\n}\n"`,
			}, "",
		},
	})
	testRefusals(t, "dev.assay.grub", []refusal{
		{nil, `{"cmdline": ""}`, "there is no /boot/vmlinuz-VERSION in the tree; install a kernel before this stage"},
		{map[string]string{"/boot/vmlinuz-1": bootFile}, `{}`, "options.cmdline: is missing, and the tree has no /etc/kernel/cmdline"},
		{nil, `{"cmdline": "a\nb"}`, "options.cmdline: "},
		{nil, `{"timeout": -1}`, "options.timeout: "},
		{nil, `{"serial": {"speed": "fast"}}`, "options.serial.speed: "},
		{nil, `{"serial": {"port": 1}}`, "options.serial"},
	})
}
