package show

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/report"
)

// server is a report that has something to say in every part of the page.
func server() *report.Report {
	r := &report.Report{
		SchemaVersion: 1, Subject: report.Subject{Kind: "disk", Format: "qcow2"},
		OSRelease: map[string]string{"PRETTY_NAME": "Some Linux 1 (first)"},
		Disk: &report.Disk{Format: "qcow2", Size: 4 << 30, PartitionTable: "gpt", Partitions: []report.Partition{
			{Index: 1, Size: 1 << 20}, {Index: 2, Size: 512 << 20, Label: "esp", Filesystem: &report.Filesystem{Type: "vfat", Mountpoint: "/boot/efi", Label: "EFI"}},
			{Index: 3, Size: 3 << 30, Label: "system"}, {Index: 4, Size: 1 << 20, Filesystem: &report.Filesystem{Type: "ext4", Label: "data"}},
		}, Mapped: []report.MappedDevice{{Name: "vg/root", Type: "lvm2", Size: 3 << 30, Members: []string{"partition 3"}, Filesystem: &report.Filesystem{Type: "xfs", Mountpoint: "/"}}}},
		Users: []report.User{
			{Name: "open", UID: 1002, Shell: "/bin/sh", Password: "none"}, {Name: "root", Shell: "/bin/bash", Password: "locked"},
			{Name: "user", UID: 1000, Shell: "/bin/bash", Password: "yescrypt", Keys: 1},
		},
		Services: report.Services{Enabled: []string{"sshd.service"}, Masked: []string{"a.service", "b.service"}, DefaultTarget: "multi-user.target"},
		Boot:     []report.BootEntry{{Title: "Some Linux 1", Linux: "/vmlinuz-6.1", Options: "root=/dev/vg/root ro quiet console=ttyS0,115200n8 crashkernel=1G-4G:192M,4G-64G:256M,64G-:512M", Default: true}, {Title: "Some Linux 1 (rescue)", Linux: "/vmlinuz-rescue"}},
		Packages: []report.Package{{Name: "bash", Version: "5.2", Manager: "rpm"}, {Name: "sshd", Version: "9", Manager: "rpm"}},
		Files: []report.Entry{
			{Path: "/", Type: report.Directory}, {Path: "/etc", Type: report.Directory}, {Path: "/etc/passwd", Type: report.File, Size: 2000},
			{Path: "/usr/bin/bash", Type: report.File, Size: 1 << 20, Package: "bash"}, {Path: "/usr/bin/sh", Type: report.Symlink, Target: "bash"}, {Path: "/usr/bin/su", Type: report.File, Mode: 0o4755, Size: 50_000},
		},
		Sections: map[string]report.Section{
			"files": {Status: report.OK}, "logins": {Status: report.OK}, "sshd": {Status: report.OK}, "boot": {Status: report.OK},
			"cron": {Status: report.Unread, Reason: "/etc/crontab:7: a NUL byte"}, "flatpak": {Status: report.Absent, Reason: "no such directory"},
		},
	}
	serverFacts(r)
	return r
}

func serverFacts(r *report.Report) {
	r.Logins = []report.Login{{Name: "root", Barred: []string{"locked"}}, {Name: "user", UID: 1000, Shell: "/bin/bash", Ways: []string{"console", "ssh key"}}}
	r.Sudoers = &report.Sudoers{Rules: []report.SudoRule{{Users: []string{"%wheel"}}, {Users: []string{"user"}, Options: []string{"NOPASSWD"}}}}
	r.Startup = []report.StartupUnit{{Name: "multi-user.target", How: "start", State: "loaded"}, {Name: "sshd.service", How: "start", State: "loaded"}, {Name: "clean.timer", How: "start", State: "loaded"}, {Name: "gone.service", How: "start", State: "missing"}}
	r.Timers = []report.TimerUnit{{Name: "clean.timer", Unit: "clean.service", When: []string{"OnCalendar=daily"}}}
	r.Cron = []report.CronJob{{Schedule: "5 4 * * *", User: "root", Command: "/usr/local/sbin/backup --all"}}
	r.Hostname = "server"
	r.Grub = []report.GrubSetup{{Path: "/boot/grub2", Platforms: []string{"i386-pc", "x86_64-efi"}}}
	r.Kernels = []report.Kernel{{Path: "/boot/vmlinuz-6.1", Release: "6.1", Modules: "/usr/lib/modules/6.1"}, {Path: "/boot/vmlinuz-rescue"}}
	r.Initramfs = []report.Initramfs{{Path: "/boot/initrd-6.1", Maker: "dracut", Members: 900, Modules: []string{"ext4", "xfs"}, Microcode: []string{"GenuineIntel.bin"}}, {Path: "/boot/old", Problem: "it is cut off"}}
	r.EFIBinaries = []report.EFIBinary{{Path: "/boot/efi/a.efi", Signatures: []report.PESignature{{Digest: "wrong"}}}, {Path: "/boot/efi/b.efi"}}
	r.Crypttab = []report.CrypttabEntry{{Name: "home", Device: "UUID=1234"}}
	r.Networkd = []report.NetworkdFile{{Name: "10-eth.network", Path: "/etc/systemd/network/10-eth.network"}}
	r.ResolvConf = &report.ResolvConf{Link: "/run/systemd/resolve/stub-resolv.conf"}
	r.Firewalld = &report.Firewalld{DefaultZone: "public", Zones: []report.FirewallZone{{Name: "public", Services: []string{"ssh"}, Ports: []string{"8080/tcp"}}}}
	r.Sshd = &report.SSHConfig{Settings: []report.Setting{{Key: "permitrootlogin", Value: "yes"}}}
	r.SSHHostKeys = []report.SSHHostKey{{Path: "/etc/ssh/ssh_host_rsa_key", Private: true}}
	r.Chrony = &report.TimeService{Sources: []report.TimeSource{{Address: "pool.example.org", Kind: "pool"}}}
	r.Listening = []report.Listener{{Address: "tcp 22", Unit: "sshd.service", Enabled: true}, {Address: "unix /run/x", Unit: "x.socket", Enabled: true}, {Address: "udp 69", Unit: "tftp.socket"}}
	r.MachineID = &report.MachineID{State: "set", ID: "0123456789abcdef0123456789abcdef"}
	r.Timezone, r.Locale = "Europe/Prague", map[string]string{"LANG": "C.UTF-8"}
	r.SELinux = &report.SELinux{Mode: "enforcing", ModeAtBoot: "permissive", Type: "targeted", KernelArguments: []string{"enforcing=0"}}
	r.SELinuxMismatches = []report.LabelMismatch{{Path: "/a", Kind: "type"}, {Path: "/b", Kind: "missing"}, {Path: "/c", Kind: "type"}}
	r.Repositories = []report.Repository{{ID: "base", Enabled: true}, {ID: "debug"}}
	r.Verification = &report.Verification{Files: 100, Unread: 3, Different: []report.Difference{{Path: "/boot/gone", Package: "kernel", Result: "missing"}, {Path: "/etc/ssh/sshd_config", Package: "sshd", Result: "S.5....T."}, {Path: "/usr/bin/chage", Package: "passwd", Result: "......G..", Facts: []string{"group shadow, not root"}}}}
	r.Unowned = &report.Unowned{Files: 5, Bytes: 1 << 20}
	for i := range r.Files {
		r.Files[i].Mtime = time.Unix(1_700_000_000, 0).UTC()
	}
}

// The pages are as they were looked at; UPDATE_GOLDEN=1 writes what is now.
func TestGoldenPages(t *testing.T) {
	for _, o := range []Options{{Width: 80}, {Width: 200}, {Width: 50, Colour: true}} {
		var b bytes.Buffer
		if err := Text(&b, server(), o); err != nil {
			t.Fatal(err)
		}
		page := findings.ReplaceAll(b.Bytes(), []byte("$1"))
		name := filepath.Join("testdata", fmt.Sprintf("page-%d.txt", o.Width))
		if os.Getenv("UPDATE_GOLDEN") == "1" {
			must(t, os.MkdirAll("testdata", 0o755))
			must(t, os.WriteFile(name, page, 0o644))
		}
		want, err := os.ReadFile(name)
		must(t, err)
		if string(page) != string(want) {
			t.Errorf("%s: got\n%s", name, page)
		}
	}
}

// findings are another package's: they may grow without these pages.
var findings = regexp.MustCompile(`(?s)\n[^\n]*What is odd[^\n]*\n.*\n(\n[^\n]*Not read)`)

// What is odd is told once for each rule, with the first place.
func TestOdd(t *testing.T) {
	r := server()
	r.Sections["fstab"] = report.Section{Status: report.OK}
	for i := range 3 {
		r.Files = append(r.Files, report.Entry{Path: report.Raw(fmt.Sprintf("/z%d", i)), Type: report.File, Mode: 0o666})
	}
	var b bytes.Buffer
	must(t, Text(&b, r, Options{Width: 200}))
	if want := regexp.MustCompile(`(?m)^  \w+ +everybody may write +/z0 \(and 2 more\) +\w`); !want.Match(b.Bytes()) {
		t.Errorf("%s is missing in\n%s", want, &b)
	}
	if !strings.Contains(b.String(), "could not judge") {
		t.Error("nothing tells that rules could not judge")
	}
	b.Reset()
	must(t, Text(&b, r, Options{}))
	if strings.Contains(b.String(), "how to mend it") {
		t.Error("80 columns have no room for how to mend it")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
