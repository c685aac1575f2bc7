package imageinfo_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// system is a root directory that has something for each of upstream's keys. A
// text that begins with "-> " is a link.
func system() map[string]string {
	return map[string]string{
		"/etc/os-release":                                        "NAME=\"Test Linux\"\nID=test\nVERSION_ID=\"1.5\"\n# none\nPRETTY_NAME='Test Linux'\n",
		"/etc/passwd":                                            "root:x:0:0:Super User:/root:/bin/bash\nbob:x:1000:1000:Bob,,,:/home/bob:/bin/sh\nbin:x:1:1::/bin:/sbin/nologin\n",
		"/etc/group":                                             "root:x:0:\nwheel:x:10:bob,root\nbin:x:1:\n",
		"/usr/lib/passwd":                                        "root:x:0:0::/root:/bin/bash\ndbus:x:81:81:System bus:/:/sbin/nologin\n",
		"/usr/lib/group":                                         "root:x:0:\ndbus:x:81:\n",
		"/etc/hostname":                                          "host.example\n",
		"/etc/hosts":                                             "# names\n127.0.0.1   localhost\n\n  ::1 localhost\n",
		"/etc/machine-id":                                        "0123456789abcdef0123456789abcdef\n",
		"/etc/localtime":                                         "-> ../usr/share/zoneinfo/America/New_York",
		"/etc/locale.conf":                                       "LANG=\"en_US.UTF-8\"\nLC_TIME=C\n",
		"/etc/vconsole.conf":                                     "KEYMAP=us\nFONT=\"eurlatgr\"\n",
		"/etc/authselect/authselect.conf":                        "# generated\nsssd\nwith-sudo\nwith-mkhomedir\n",
		"/etc/X11/xorg.conf.d/00-keyboard.conf":                  "# X\nSection \"InputClass\"\n  Identifier \"k\"\n  Option \"XkbLayout\" \"us,sk\"\n  Option \"XkbVariant\" \",qwerty\"\nEndSection\n",
		"/etc/chrony.conf":                                       "# time\npool 2.pool.example iburst\nserver 192.0.2.1   prefer minpoll 4\n! old\npeer other\nleapsectz right/UTC\nrtcsync\n",
		"/etc/cloud/cloud.cfg":                                   "# cloud\nusers:\n - default\ndisable_root: yes\nssh_pwauth: 0\nmount_default_fields: [~, ~, 'auto', \"defaults\", \"0\", \"2\"]\nsystem_info:\n  default_user: {name: cloud, lock_passwd: true}\n  umask: 022\n",
		"/etc/cloud/cloud.cfg.d/10-data.cfg":                     "datasource_list: [Azure, None]\ntext: |\n  # kept\n  line\n",
		"/etc/cloud/cloud.cfg.d/README":                          "no configuration\n",
		"/etc/dnf/dnf.conf":                                      "[main]\ngpgcheck=1\ninstallonly_limit = 3\nexclude=a\n  b\n",
		"/etc/dnf/vars/releasever":                               "1.5\n",
		"/etc/dnf/automatic.conf":                                "[commands]\nupgrade_type = security\n[emitters]\nemit_via: stdio\n[empty]\n",
		"/etc/dnf/plugins/product-id.conf":                       "[main]\nEnabled = 1\n",
		"/etc/dnf/plugins/subscription-manager.conf":             "[main]\nenabled=no\n",
		"/etc/rhsm/rhsm.conf":                                    "[server]\nHostname = subscription.example\nproxy_password =\n[rhsm]\nca_cert_dir = /etc/rhsm/ca/\nrepo_ca_cert = %(ca_cert_dir)suep.pem\n; old\n",
		"/etc/yum.repos.d/a.repo":                                "[a]\nname=A $releasever\nbaseurl=https://packages.example/a\nenabled=1\n# none\n[a-source]\nname=Sources\nenabled=0\n",
		"/etc/dracut.conf.d/a.conf":                              "add_drivers+=\" xen-netfront \" # drivers\nhostonly=no\n",
		"/usr/lib/dracut/dracut.conf.d/b.conf":                   "install_items+=\" sgdisk \"\n",
		"/etc/firewalld/firewalld.conf":                          "# zones\nDefaultZone=trusted\nMinimalMark=100\n",
		"/etc/firewalld/zones/trusted.xml":                       "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<zone target=\"ACCEPT\">\n  <short>Trusted</short>\n  <service name=\"ssh\"/>\n  <service name=\"cockpit\"/>\n  <service name=\"dhcpv6-client\"/>\n</zone>\n",
		"/etc/security/limits.d/99-db.conf":                      "# db\n@db hard nofile 65536\n@db soft nofile 65536\n",
		"/etc/systemd/logind.conf":                               "[Login]\n#NAutoVTs=6\n",
		"/usr/lib/systemd/logind.conf.d/00-vt.conf":              "[Login]\nNAutoVTs=0\nReserveVT=0\n",
		"/etc/modprobe.d/a.conf":                                 "# modules\nblacklist floppy\nblacklist nouveau\noptions loop max_loop=8\ninstall x \\\n  true\n",
		"/etc/tmpfiles.d/a.conf":                                 "# files\nx /tmp/.sap*\n\nd /run/a 0755 root root -\n",
		"/usr/lib/tmpfiles.d/b.conf":                             "D /run/b 0755 root root -\n",
		"/etc/sysctl.d/a.conf":                                   "; one\nkernel.pid_max = 4194304\n# two\nvm.max_map_count=2147483647\n",
		"/usr/lib/sysctl.d/b.conf":                               "net.ipv4.ip_forward=1\n",
		"/etc/sysconfig/kernel":                                  "# kernel\nUPDATEDEFAULT=yes\nDEFAULTKERNEL=\"kernel\"\n",
		"/etc/sysconfig/network":                                 "NETWORKING=yes\n",
		"/etc/sysconfig/network-scripts/ifcfg-ens3":              "TYPE=Ethernet\nONBOOT=yes\nNAME=\"ens3\"\n",
		"/etc/selinux/config":                                    "# SELinux\nSELINUX=permissive\nSELINUXTYPE=targeted\n",
		"/etc/ssh/ssh_config":                                    "Include /etc/ssh/ssh_config.d/*.conf\n",
		"/etc/ssh/ssh_config.d/05.conf":                          "# client\nMatch final all\n\tGSSAPIAuthentication yes\n",
		"/etc/ssh/sshd_config":                                   "Port 22\nPermitRootLogin no\nSubsystem\tsftp\t/usr/libexec/sftp-server\n",
		"/etc/ssh/sshd_config.d/50.conf":                         "PasswordAuthentication no\n",
		"/etc/sudoers":                                           "# sudo\nDefaults   !visiblepw\nroot\tALL=(ALL) \tALL\n#includedir /etc/sudoers.d\n",
		"/etc/sudoers.d/bob":                                     "bob ALL=(ALL) NOPASSWD: ALL\n",
		"/etc/systemd/system/a.service.d/10.conf":                "[Service]\nEnvironment=A=1\n# none\n",
		"/usr/lib/systemd/system/b.service.d/e.conf":             "# nothing\n",
		"/etc/tuned/active_profile":                              "sap-hana\n",
		"/etc/tuned/profile_mode":                                "manual\n",
		"/etc/udev/rules.d/70-a.rules":                           "# rules\nSUBSYSTEM==\"net\", NAME=\"lan0\"\n",
		"/etc/udev/rules.d/80-empty.rules":                       "",
		"/etc/resolv.conf":                                       "nameserver 192.0.2.53\n",
		"/boot/grub2/grubenv":                                    "# GRUB Environment Block\nsaved_entry=one\nkernelopts=root=UUID=1 ro\n####\n",
		"/boot/loader/entries/one.conf":                          "title Test Linux (6.1)\nversion 6.1\nlinux /vmlinuz-6.1\ninitrd /initramfs-6.1.img $tuned_initrd\noptions $kernelopts\nid one\ngrub_users $grub_users\ngrub_class kernel\n",
		"/boot/loader/entries/two.conf":                          "# rescue\ntitle Rescue\nlinux /vmlinuz-0\n",
		"/boot/vmlinuz-6.1":                                      "kernel",
		"/usr/lib/systemd/system/a.service":                      "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\nAlias=other.service\n",
		"/usr/lib/systemd/system/b.service":                      "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
		"/usr/lib/systemd/system/c.timer":                        "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n",
		"/usr/lib/systemd/system/multi-user.target":              "[Unit]\nDescription=Multi-User System\n",
		"/usr/lib/systemd/system/default.target":                 "-> multi-user.target",
		"/etc/systemd/system/multi-user.target.wants/a.service":  "-> /usr/lib/systemd/system/a.service",
		"/etc/systemd/system/other.service":                      "-> /usr/lib/systemd/system/a.service",
		"/var/lib/containers/storage/overlay-images/images.json": "[{\"id\": \"0123\", \"digest\": \"sha256:4567\", \"names\": [\"registry.example/a:1\"], \"created\": \"2024-01-02T03:04:05Z\", \"layer\": \"89\"}]\n",
	}
}

// with is m, and what else there is.
func with(m map[string]string, more map[string]string) map[string]string {
	out := maps.Clone(m)
	maps.Copy(out, more)
	return out
}

// write makes a directory of what a map holds, and an rpm database with nothing in it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "root")
	for path, text := range files {
		full := filepath.Join(dir, path)
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		if target, ok := strings.CutPrefix(text, "-> "); ok && err == nil {
			err = os.Symlink(target, full)
		} else if err == nil {
			err = os.WriteFile(full, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	fixtures.Run(t, "rpmdb", "--initdb", "--dbpath", filepath.Join(dir, "var/lib/rpm"))
	return dir
}

// archive is the system as a tar.
func archive(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "root.tar")
	fixtures.Run(t, "tar", "-C", write(t, system()), "-cf", name, ".")
	return name
}

const (
	rootUUID = "11111111-2222-3333-4444-555555555555"
	espUUID  = "1234-ABCD"
	diskUUID = "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE"
)

// disk is a raw disk with the system in ext4 beside an EFI system partition, as
// sfdisk is told.
func disk(t *testing.T, script, bootSector string, start, esp int) string {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "disk.raw")
	// The EFI system partition is not mounted: not every kernel can.
	root := write(t, with(system(), map[string]string{"/etc/fstab": "# disks\nUUID=" + rootUUID + "\t/ ext4 defaults 1 1\n"}))
	part, boot := filepath.Join(dir, "root"), filepath.Join(dir, "esp")
	fixtures.Run(t, "mke2fs", "-q", "-t", "ext4", "-d", root, "-U", rootUUID, "-L", "system", part, "24M")
	fixtures.Run(t, "mkfs.vfat", "-C", "-i", strings.ReplaceAll(espUUID, "-", ""), boot, "4096")
	sh := `truncate -s 64M "$0" && printf '%s' "$1" | sfdisk -q "$0" && printf '%s' "$6" | dd of="$0" bs=1 seek=128 conv=notrunc status=none &&
		dd if="$2" of="$0" bs=1M seek="$3" conv=notrunc,sparse status=none && dd if="$4" of="$0" bs=1M seek="$5" conv=notrunc,sparse status=none`
	fixtures.Run(t, "sh", "-c", sh, name, script, part, itoa(start), boot, itoa(esp), bootSector)
	return name
}

func itoa(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

func gptDisk(t *testing.T) string {
	return disk(t, "label: gpt\nlabel-id: "+diskUUID+"\nstart=2048, size=8192, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=68B2905B-DF3E-4FB3-80FA-49D1E773AA33\n"+
		"start=16384, size=49152, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=6264D520-3FB9-423F-8AB8-7A0A8E3D3562, name=root\n", "", 8, 1)
}

// dosDisk has an MBR, GRUB's name in its first sector, and the form qcow2 of before 2012.
func dosDisk(t *testing.T) string {
	raw := disk(t, "label: dos\nlabel-id: 0x14fc63d2\nstart=16384, size=49152, type=83, bootable\nstart=2048, size=8192, type=ef\n", "GRUB", 8, 1)
	name := filepath.Join(t.TempDir(), "disk.qcow2")
	fixtures.Run(t, "qemu-img", "convert", "-O", "qcow2", "-o", "compat=0.10", raw, name)
	return name
}

// commit is a commit of OSTree in a repository, as a compose leaves it.
func commit(t *testing.T) string {
	t.Helper()
	files := map[string]string{"/ostree": "-> sysroot/ostree", "/sysroot/.keep": ""}
	for path, text := range system() {
		if rest, ok := strings.CutPrefix(path, "/etc/"); ok {
			path = "/usr/etc/" + rest
		}
		if path == "/etc/localtime" || path == "/usr/etc/localtime" {
			text = "-> /usr/share/zoneinfo/America/New_York"
		}
		files[path] = text
	}
	tree := write(t, files)
	fixtures.Run(t, "sh", "-c", `mkdir -p "$0/usr/share" && mv "$0/var/lib/rpm" "$0/usr/share/rpm"`, tree)
	dir := t.TempDir()
	repo := filepath.Join(dir, "repo")
	fixtures.Run(t, "ostree", "init", "--mode=archive", "--repo="+repo)
	fixtures.Run(t, "ostree", "commit", "--repo="+repo, "--branch=test/1/x86_64/edge", "--owner-uid=0", "--owner-gid=0", "--timestamp=2024-01-02T03:04:05Z", "--no-xattrs", tree)
	if err := os.WriteFile(filepath.Join(dir, "compose.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}
