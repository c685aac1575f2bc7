package diff

import (
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/report"
)

// sample is a report with something in every field.
func sample() *report.Report {
	at := time.Date(2024, 1, 2, 3, 4, 5, 6, time.UTC)
	ok := report.Section{Status: report.OK}
	r := &report.Report{
		SchemaVersion: report.SchemaVersion,
		Subject:       report.Subject{Kind: "disk", Format: "raw"},
		Disk: &report.Disk{
			Format: "raw", Size: 1 << 30, Digest: "d0", PartitionTable: "gpt", ID: "00000001-1111-4111-8111-111111111111", SectorSize: 512,
			Partitions: []report.Partition{{
				Index: 1, Start: 1 << 20, Size: 1 << 29, Type: "t", UUID: "00000002-1111-4111-8111-111111111111", Label: "root", Bootable: true, Attributes: 4,
				Filesystem: &report.Filesystem{Type: "ext4", UUID: "00000003-1111-4111-8111-111111111111", Label: "root", Features: []string{"extent"},
					Settings: map[string]string{"errors": "1"}, Mountpoint: "/"},
			}},
			Filesystem: &report.Filesystem{Type: "ext4", UUID: "00000004-1111-4111-8111-111111111111", Label: "data", Features: []string{"64bit"},
				Settings: map[string]string{"errors": "2"}, Mountpoint: "/data"},
			Mapped: []report.MappedDevice{{Name: "vg/lv", Type: "lvm2", UUID: "00000005-1111-4111-8111-111111111111", Size: 1 << 20, Members: []string{"partition 1"},
				Settings: map[string]string{"segments": "0+1"}, Filesystem: &report.Filesystem{Type: "ext4", UUID: "00000006-1111-4111-8111-111111111111", Label: "var",
					Features: []string{"extent"}, Settings: map[string]string{"errors": "3"}, Mountpoint: "/var"}}},
			Regions: []report.Region{{Role: "boot code", Device: "vg/lv", Offset: 0, Length: 446, SHA256: "b"}},
		},
		Container: &report.Container{
			OS: "linux", Architecture: "arm", Variant: "v7", OSVersion: "1", OSFeatures: []string{"f"}, User: "1:1", WorkingDir: "/",
			Entrypoint: []string{"e"}, Cmd: []string{"c"}, Env: []string{"A=b"}, ExposedPorts: []string{"80/tcp"}, Volumes: []string{"/v"},
			Labels: map[string]string{"a": "b"}, StopSignal: "TERM", Shell: []string{"sh"}, OnBuild: []string{"RUN x"},
			Healthcheck: &report.Healthcheck{Test: []string{"CMD"}, Interval: "1s", Timeout: "1s", StartPeriod: "1s", StartInterval: "1s", Retries: 1},
			Digest:      "sha256:d", ConfigDigest: "sha256:c", Names: []string{"n"}, Layers: 1, History: 2, Created: "t", Author: "a",
		},
		Files: []report.Entry{
			{Path: "/", Type: report.Directory, Mode: 0o755, Mtime: at},
			{
				Path: "/usr/bin/su", Type: report.File, Mode: 0o4755, UID: 1, GID: 2, Size: 3, Mtime: at, SHA256: "s",
				Target: "t", Device: "1:2", Xattrs: map[string]report.Raw{"user.a": "b"}, SELinux: "l",
				Capabilities: "cap_chown=ep", ACL: "user::rwx", DefaultACL: "user::r-x", Project: 7, Attributes: "immutable", Hardlink: "/usr/bin/su",
			},
		},
		Packages:  []report.Package{{Name: "login", Version: "1", Arch: "amd64", Manager: "dpkg", State: "install ok installed"}},
		Users:     []report.User{{Name: "root", UID: 1, GID: 1, Gecos: "g", Home: "/root", Shell: "/bin/sh", Password: "locked", Keys: 1}},
		Groups:    []report.Group{{Name: "adm", GID: 4, Members: []string{"bob"}}},
		OSRelease: map[string]string{"ID": "debian"},
		Fstab:     []report.FstabEntry{{Spec: "UUID=00000003-1111-4111-8111-111111111111", File: "/", VfsType: "ext4", Options: "ro", Freq: 1, Passno: 1}},
		Services:  report.Services{Enabled: []string{"a.service"}, Disabled: []string{"b.service"}, Masked: []string{"c.service"}, DefaultTarget: "multi-user.target"},
		Boot:      []report.BootEntry{{Source: "/boot/grub/grub.cfg", Title: "Debian", Linux: "/vmlinuz", Initrd: "/initrd", Options: "quiet", Default: true}},
		Sections:  map[string]report.Section{},
	}
	for _, s := range sections() {
		r.Sections[s.name] = ok
	}
	return r
}

func TestCompareEqual(t *testing.T) {
	got := Compare(sample(), sample())
	if got.Verdict != Identical || got.Scope != Disk || len(got.Changes) != 0 {
		t.Fatalf("got %+v", got)
	}
	if got.DigestA == "" || got.DigestA != got.DigestB || !strings.HasPrefix(got.DigestA, "fd2:") {
		t.Fatalf("digests %q and %q", got.DigestA, got.DigestB)
	}
	if d := Digest(sample()); d.Functional() != got.DigestA {
		t.Fatalf("Digest gives %q, Compare %q", d.Functional(), got.DigestA)
	}
}

func TestCompareOneFact(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*report.Report)
		verdict Verdict
		want    string // section path fields rule of the first change
	}{
		"setuid":          {func(r *report.Report) { r.Files[1].Mode = 0o755 }, Different, "files /usr/bin/su mode "},
		"mtime":           {func(r *report.Report) { r.Files[1].Mtime = r.Files[1].Mtime.Add(1) }, Identical, "files /usr/bin/su mtime mtime"},
		"mtime, no bytes": {func(r *report.Report) { r.Files[1].Mtime = r.Files[1].Mtime.Add(1); r.Disk.Digest = "d1" }, Equivalent, "disk disk digest block-placement"},
		"container":       {func(r *report.Report) { r.Disk.Format = "qcow2" }, Identical, "disk disk format container"},
		"placement":       {func(r *report.Report) { r.Disk.Digest = "d1" }, Equivalent, "disk disk digest block-placement"},
		"removed file":    {func(r *report.Report) { r.Files = r.Files[:1] }, Different, "files /usr/bin/su acl,attributes,capabilities,default_acl,device,gid,hardlink,mode,mtime,project,selinux,sha256,size,target,type,uid,xattrs "},
		"boot code":       {func(r *report.Report) { r.Disk.Regions[0].SHA256 = "c" }, Different, "regions boot code at 0 sha256 "},
		"masked":          {func(r *report.Report) { r.Services.Masked = nil }, Different, "services c.service state "},
		"unread":          {func(r *report.Report) { r.Sections["boot"] = report.Section{Status: report.Unread, Reason: "x"} }, Inconclusive, ""},
		"unread, setuid": {func(r *report.Report) {
			r.Sections["boot"] = report.Section{Status: report.Unread, Reason: "x"}
			r.Files[1].Mode = 0o755
		}, Different, "files /usr/bin/su mode "},
	} {
		t.Run(name, func(t *testing.T) {
			b := sample()
			test.change(b)
			got := Compare(sample(), b)
			if got.Verdict != test.verdict {
				t.Errorf("verdict %s, want %s", got.Verdict, test.verdict)
			}
			if s := first(got); s != test.want {
				t.Errorf("first change %q, want %q", s, test.want)
			}
		})
	}
}

func first(r *Result) string {
	if len(r.Changes) == 0 {
		return ""
	}
	c := r.Changes[0]
	return strings.Join([]string{c.Section, string(c.Path), strings.Join(c.Fields, ","), c.Rule}, " ")
}

func TestScopeTree(t *testing.T) {
	tree := sample()
	tree.Disk, tree.Subject = nil, report.Subject{Kind: "tree"}
	tree.Sections = map[string]report.Section{"files": {Status: report.OK}}
	got := Compare(sample(), tree)
	if got.Verdict != Identical || got.Scope != Tree || got.DigestA != got.DigestB {
		t.Fatalf("got %+v", got)
	}
	if !strings.Contains(strings.Join(got.NotCompared, " "), "disk partitions regions container packages users") {
		t.Fatalf("not compared: %v", got.NotCompared)
	}
}

func TestDifferentFactsOfOneEntryAreToldApart(t *testing.T) {
	b := sample()
	b.Files[1].Mtime = b.Files[1].Mtime.Add(time.Hour)
	b.Files[1].UID = 7
	got := Compare(sample(), b)
	if len(got.Changes) != 2 || got.Changes[0].Rule != "" || got.Changes[0].Fields[0] != "uid" || got.Changes[1].Rule != "mtime" {
		t.Fatalf("changes %+v", got.Changes)
	}
	if got.Changes[0].A["uid"] != "1" || got.Changes[0].B["uid"] != "7" {
		t.Fatalf("values %+v", got.Changes[0])
	}
}
