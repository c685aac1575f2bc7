package lint_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/lint"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// A plant is a fault, put into a system that has none.
type plant struct {
	// files come into the tree; "" in the place of a content takes a file away.
	files map[string]string
	// change bends a node, disk the record of the disk.
	change func(*image.Node)
	disk   func(*report.Disk)
	// at is where the finding is.
	at string
}

const (
	rootID = "11111111-1111-1111-1111-111111111111"
	dataID = "22222222-2222-2222-2222-222222222222"
)

// clean is a small system without a fault.
func clean() map[string]string {
	return map[string]string{
		"/etc/machine-id": "\n", "/etc/os-release": "ID=x\n",
		"/etc/passwd": "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n", "/etc/group": "root:x:0:\nbob:x:1000:\n", "/etc/shadow": "root:*::::::\nbob:!::::::\n",
		"/etc/fstab": "UUID=" + rootID + " / ext4 defaults 0 1\nUUID=" + dataID + " /data ext4 defaults 0 2\nUUID=not-here /opt ext4 nofail 0 2\n",
		"/data/":     "", "/opt/": "", "/tmp/": "", "/home/bob/": "", "/bin/sh": "sh",
		"/var/lib/dpkg/status":         "Package: base\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nMaintainer: x\nDescription: x\n",
		"/var/lib/dpkg/info/base.list": "/.\n/bin\n/bin/sh\n/usr/bin/su\n/usr/share/doc/base/x\n", "/usr/bin/su": "su", "/usr/share/doc/base/x": "doc\n",
		"/var/lib/dpkg/info/base.md5sums": "49995c85be6f95a1dbef19aafa8f1f53  usr/share/doc/base/x\n",
		"/boot/grub/grub.cfg":             "menuentry 'x' {\n linux /boot/vmlinuz-6 root=UUID=" + rootID + "\n initrd /boot/initrd.img-6\n}\n", "/boot/vmlinuz-6": "k", "/boot/initrd.img-6": "i",
		"/usr/lib/systemd/system/a.service": "[Service]\nExecStart=/bin/sh\n[Install]\nWantedBy=x.target\n", "/etc/systemd/system/x.target.wants/a.service": "-> /usr/lib/systemd/system/a.service",
		"/etc/apt/sources.list": "deb [signed-by=/k.gpg] https://x.example/debian stable main\n",
		"/etc/link":             "-> ../bin/sh", "/etc/runtime": "-> /run/x",
	}
}

func cleanDisk() *report.Disk {
	return &report.Disk{
		Format: "raw", Size: 1 << 30, PartitionTable: "gpt", ID: "33333333-3333-3333-3333-333333333333", SectorSize: 512,
		Partitions: []report.Partition{
			{Index: 1, UUID: "44444444-4444-4444-4444-444444444444", Filesystem: &report.Filesystem{Type: "ext4", UUID: rootID}},
			{Index: 2, UUID: "55555555-5555-5555-5555-555555555555", Filesystem: &report.Filesystem{Type: "ext4", UUID: dataID}},
		},
	}
}

// inspected is the report of the clean system with a plant.
func inspected(t *testing.T, p plant) *report.Report {
	t.Helper()
	files := clean()
	maps.Copy(files, p.files)
	maps.DeleteFunc(files, func(name, content string) bool { return content == "" && !strings.HasSuffix(name, "/") })
	disk := cleanDisk()
	if p.disk != nil {
		p.disk(disk)
	}
	change := func(n *image.Node) {
		switch n.Path {
		case "/tmp":
			n.Mode = 0o1777
		case "/etc/shadow":
			n.Mode = 0o640
		case "/usr/bin/su":
			n.Mode = 0o4755
		}
		if p.change != nil {
			p.change(n)
		}
	}
	img := &image.Image{Subject: report.Subject{Kind: "disk", Format: "raw"}, Disk: disk, Trees: []image.Volume{
		{Partition: 1, Filesystem: *disk.Partitions[0].Filesystem, Tree: &treetest.Map{Files: files, Change: change}},
	}}
	r, err := inspect.Inspect(context.Background(), img, inspect.Options{Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mode gives a path a mode.
func mode(path report.Raw, m report.Mode) func(*image.Node) {
	return func(n *image.Node) {
		if n.Path == path {
			n.Mode = m
		}
	}
}

func file(path, content string) plant {
	return plant{files: map[string]string{path: content}, at: path}
}

// plants have one fault for each rule at least.
func plants(t *testing.T) map[string][]plant {
	return map[string][]plant{
		"machine-id-set":     {file("/etc/machine-id", strings.Repeat("a", 32)+"\n"), file("/var/lib/dbus/machine-id", strings.Repeat("a", 32)+"\n")},
		"ssh-host-key":       {file("/etc/ssh/ssh_host_rsa_key", "key")},
		"random-seed":        {file("/var/lib/systemd/random-seed", "seed"), file("/boot/efi/loader/random-seed", "seed")},
		"private-key":        {file("/etc/ssl/private/x.key", "key")},
		"first-boot-done":    {file("/var/log/journal/aa/system.journal", "j"), file("/var/lib/cloud/instances/i/x", "y"), file("/var/lib/dhcp/dhclient.leases", "lease")},
		"known-id":           {{disk: func(d *report.Disk) { d.ID = "D209C89E-EA5E-4FBD-B161-B461CCE297E0" }, at: "the disk"}},
		"duplicate-id":       {{disk: func(d *report.Disk) { d.Partitions[1].UUID = strings.ToUpper(d.Partitions[0].UUID) }, at: "partition 2"}},
		"log-entries":        {file("/var/log/syslog", "line\n")},
		"shell-history":      {file("/root/.bash_history", "ls\n")},
		"build-leftover":     {file("/osbuild-script", "x"), file("/var/tmp/dracut.a1B2c3/x", "y")},
		"package-leftover":   {file("/etc/x.rpmsave", "x"), file("/etc/y.dpkg-dist", "x")},
		"temporary-file":     {file("/tmp/x", "x")},
		"package-cache":      {{files: map[string]string{"/var/cache/apt/archives/a.deb": "x"}, at: "/var/cache/apt/archives"}},
		"world-writable":     {{change: mode("/etc/passwd", 0o666), at: "/etc/passwd"}, {change: mode("/home/bob", 0o777), at: "/home/bob"}},
		"unowned-privilege":  {{files: map[string]string{"/usr/bin/evil": "x"}, change: mode("/usr/bin/evil", 0o4755), at: "/usr/bin/evil"}},
		"writable-privilege": {{change: mode("/usr/bin/su", 0o4775), at: "/usr/bin/su"}},
		"privileged-shell":   {{files: map[string]string{"/usr/bin/python3.11": "x"}, change: mode("/usr/bin/python3.11", 0o2755), at: "/usr/bin/python3.11"}},
		"unknown-owner": {{change: func(n *image.Node) {
			if n.Path == "/bin/sh" {
				n.UID = 4242
			}
		}, at: "/bin/sh"}},
		"broken-link": {file("/etc/dangling", "-> /nowhere"), file("/etc/loop", "-> loop")},
		"label": {{files: map[string]string{"/etc/selinux/config": "SELINUX=enforcing\nSELINUXTYPE=t\n", "/etc/selinux/t/contexts/files/file_contexts": "/bin/sh\t--\tsystem_u:object_r:shell_exec_t:s0\n"},
			change: func(n *image.Node) {
				if n.Path == "/bin/sh" {
					n.SELinux = "system_u:object_r:tmp_t:s0"
				}
			}, at: "/bin/sh"}, {files: map[string]string{"/etc/selinux/config": "SELINUX=enforcing\nSELINUXTYPE=t\n", "/etc/selinux/t/contexts/files/file_contexts": "/bin/sh\t--\tsystem_u:object_r:shell_exec_t:s0\n"}, at: "/"}},
		"shadow-readable": {{change: mode("/etc/shadow", 0o644), at: "/etc/shadow"}},
		"empty-password":  {{files: map[string]string{"/etc/shadow": "root:*::::::\nbob:::::::\n"}, at: "bob"}},
		"weak-hash":       {{files: map[string]string{"/etc/shadow": "root:*::::::\nbob:$1$a$b::::::\n"}, at: "bob"}},
		"root-key": {{files: map[string]string{"/root/.ssh/authorized_keys": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE x\n"}, at: "root"}, {files: map[string]string{
			"/etc/ssh/sshd_config": "AuthorizedKeysFile /etc/ssh/keys/%u\n", "/etc/ssh/keys/root": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1Wv0pCzrY5b0z0tXcCyf2uVn1rdaBn3cQsQOaQmJfS x\n",
		}, at: "root"}},
		"second-root":              {{files: map[string]string{"/etc/passwd": clean()["/etc/passwd"] + "toor:x:0:0::/root:/bin/sh\n"}, at: "toor"}},
		"duplicate-account":        {{files: map[string]string{"/etc/passwd": clean()["/etc/passwd"] + "bob:x:1001:1000::/:/bin/sh\n"}, at: "bob"}},
		"missing-file":             {{files: map[string]string{"/usr/share/doc/base/x": ""}, at: "/usr/share/doc/base/x"}},
		"changed-file":             {},
		"half-installed":           {{files: map[string]string{"/var/lib/dpkg/status": "Package: base\nStatus: install ok half-configured\nArchitecture: all\nVersion: 1\n"}, at: "base"}},
		"unchecked-repository":     {{files: map[string]string{"/etc/apt/sources.list": "deb [trusted=yes] https://x.example/debian stable main\n"}, at: "/etc/apt/sources.list"}},
		"boot-file":                {file("/boot/vmlinuz-6", "").located("/boot/grub/grub.cfg")},
		"kernel-without-initramfs": {{files: map[string]string{"/boot/grub/grub.cfg": "menuentry 'x' {\n linux /boot/vmlinuz-6 root=/dev/vda1\n}\n", "/boot/initrd.img-6": ""}, at: "/boot/vmlinuz-6"}},
		"fstab-nothing":            {{files: map[string]string{"/etc/fstab": "UUID=" + rootID + " / ext4 defaults 0 1\nLABEL=gone /data ext4 defaults 0 2\n"}, at: "/data"}},
		"mount-point":              {{files: map[string]string{"/etc/fstab": "UUID=" + rootID + " / ext4 defaults 0 1\nUUID=" + dataID + " /not/there ext4 defaults 0 2\n"}, at: "/not/there"}},
		"unit-nothing":             {file("/etc/systemd/system/x.target.wants/gone.service", "-> /usr/lib/systemd/system/gone.service")},
		"expired-certificate":      {{files: map[string]string{"/etc/ssl/certs/ca-certificates.crt": expiredCertificate(t)}, at: "CN=old"}},
		"expired-key":              {},
	}
}

// located moves the place where the finding is expected.
func (p plant) located(at string) plant {
	p.at = at
	return p
}

// TestClean: a system without a fault has no finding, and every rule could look.
func TestClean(t *testing.T) {
	result := lint.Check(inspected(t, plant{}), lint.Options{})
	if len(result.Findings) != 0 || len(result.Unjudged) != 0 {
		t.Errorf("%+v", result)
	}
}

// TestPlants: each planted fault is found by its rule, at its place.
func TestPlants(t *testing.T) {
	all := plants(t)
	for _, rule := range lint.Rules() {
		list, known := all[rule.ID]
		if !known {
			t.Errorf("rule %s has no planted fault", rule.ID)
		}
		if rule.Summary == "" || rule.Reason == "" || rule.Fix == "" {
			t.Errorf("rule %s needs a summary, a reason and a remedy", rule.ID)
		}
		for _, p := range list {
			result := lint.Check(inspected(t, p), lint.Options{At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
			if !slices.ContainsFunc(result.Findings, func(f lint.Finding) bool { return f.Rule == rule.ID && string(f.Path) == p.at }) {
				t.Errorf("%s: nothing at %s: %+v", rule.ID, p.at, result)
			}
		}
	}
}

// TestRecorded has the faults that need more than a tree of a few files: they are
// written into the record itself.
func TestRecorded(t *testing.T) {
	r := inspected(t, plant{})
	r.Verification.Different = append(r.Verification.Different,
		report.Difference{Path: "/bin/sh", Package: "base", Manager: "dpkg", Result: "??5??????"},
		report.Difference{Path: "/etc/conf", Package: "base", Manager: "dpkg", Result: "??5??????", Attribute: "c"})
	r.RepositoryKeys = []report.RepositoryKey{
		{Fingerprint: "AA", Source: "/etc/apt/trusted.gpg.d/a.asc", Expires: "2001-01-01T00:00:00Z"}, {Fingerprint: "BB", Source: "/etc/apt/trusted.gpg.d/b.asc", Revoked: true},
		{Fingerprint: "CC", Source: "/usr/share/keyrings/c.gpg", Expires: "2001-01-01T00:00:00Z"}, {Fingerprint: "DD", Source: "/etc/apt/trusted.gpg.d/d.asc", Expires: "2001-09-10T00:00:00Z"},
	}
	r.Sections["repository-keys"] = report.Section{Status: report.OK}
	var got []string
	for _, f := range lint.Check(r, lint.Options{}).Findings {
		got = append(got, f.Rule+" "+string(f.Path))
	}
	// The newest file is of 2001-09-09.
	want := []string{"changed-file /bin/sh", "expired-key /etc/apt/trusted.gpg.d/a.asc", "expired-key /etc/apt/trusted.gpg.d/b.asc"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestUnread: a rule that cannot look says so.
func TestUnread(t *testing.T) {
	r := inspected(t, plant{})
	r.Sections["users"] = report.Section{Status: report.Unread, Reason: "bad block"}
	delete(r.Sections, "packages")
	result := lint.Check(r, lint.Options{})
	rules := map[string]string{}
	for _, u := range result.Unjudged {
		rules[u.Rule] = u.Section + ": " + u.Reason
	}
	if len(result.Findings) != 0 || rules["root-key"] != "users: bad block" || !strings.Contains(rules["half-installed"], "packages: the report does not have it") {
		t.Errorf("%+v", result)
	}
	if result := lint.Check(&report.Report{Sections: r.Sections}, lint.Options{}); slices.ContainsFunc(result.Unjudged, func(u lint.Unjudged) bool { return u.Rule == "known-id" }) {
		t.Error("of a tree it is asked what lies around it")
	}
	if ignored := lint.Check(r, lint.Options{Ignore: []string{"root-key"}}); slices.ContainsFunc(ignored.Unjudged, func(u lint.Unjudged) bool { return u.Rule == "root-key" }) {
		t.Error("an ignored rule was asked")
	}
}

func TestLevels(t *testing.T) {
	for _, c := range []struct {
		a, b lint.Level
		want bool
	}{{lint.Error, lint.Warning, true}, {lint.Warning, lint.Warning, true}, {lint.Note, lint.Warning, false}} {
		if c.a.AtLeast(c.b) != c.want {
			t.Errorf("%s at least %s: %t", c.a, c.b, !c.want)
		}
	}
}

// expiredCertificate is one of a day long gone.
func expiredCertificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "old"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1e9, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TestNotVerified: programs that nobody compared with their packages are not taken for unchanged.
func TestNotVerified(t *testing.T) {
	r := inspected(t, plant{})
	r.Verification.Unread = 7
	result := lint.Check(r, lint.Options{})
	if len(result.Unjudged) != 1 || result.Unjudged[0].Rule != "changed-file" {
		t.Errorf("%+v", result)
	}
}
