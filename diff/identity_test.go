package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-os/assay/report"
)

// An identified is a report of a disk with two filesystems whose identifiers
// are made of a letter.
func identified(letter string, change func(*report.Report, func(n int) string)) *report.Report {
	id := func(n int) string {
		return strings.ReplaceAll(fmt.Sprintf("%08d-xxxx-4xxx-8xxx-xxxxxxxxxxxx", n), "x", letter)
	}
	at := func(n int, f report.Filesystem) report.Partition {
		f.UUID = id(n)
		return report.Partition{Index: n, Start: int64(n) << 20, Size: 1 << 20, Type: "t", UUID: id(10 + n), Filesystem: &f}
	}
	r := tree(file("/etc/fstab", "UUID="+id(2), 0))
	r.Disk = &report.Disk{
		Format: "raw", Size: 9 << 20, Digest: letter, PartitionTable: "gpt", ID: id(9), SectorSize: 512,
		Partitions: []report.Partition{at(1, report.Filesystem{Type: "swap"}), at(2, report.Filesystem{Type: "ext4", Mountpoint: "/"}), at(3, report.Filesystem{Type: "crypto_LUKS"})},
		Mapped: []report.MappedDevice{{Name: "luks-" + id(3), Type: "crypt", UUID: id(3), Members: []string{"partition 3"},
			Filesystem: &report.Filesystem{Type: "ext4", UUID: id(4), Mountpoint: "/srv"}}},
		Regions: []report.Region{{Role: "partition table", Offset: 512, Length: 512, SHA256: "raw " + letter, Roles: "table"}},
	}
	r.Files[1].Roles = &report.Canonical{Rule: "identity", Version: 1, Digest: "root is partition 2"}
	r.Fstab = []report.FstabEntry{{Spec: "UUID=" + id(2), File: "/"}, {Spec: "/dev/mapper/luks-" + id(3), File: "/srv"}}
	r.Boot = []report.BootEntry{{Source: "/boot/grub/grub.cfg", Title: "x", Options: "root=UUID=" + id(2) + " resume=UUID=" + id(1)}}
	for _, s := range sections() {
		r.Sections[s.name] = report.Section{Status: report.OK}
	}
	if change != nil {
		change(r, id)
	}
	return r
}

// TestIdentityByRole: identifiers count by what they identify. Every near-miss
// names something else by them.
func TestIdentityByRole(t *testing.T) {
	stale := &report.Canonical{Rule: "identity", Version: 1, Digest: "root is another"}
	for name, c := range map[string]struct {
		b    *report.Report
		want Verdict
	}{
		"all others":   {identified("b", nil), Equivalent},
		"the same":     {identified("a", nil), Identical},
		"stale fstab":  {identified("b", func(r *report.Report, _ func(int) string) { r.Files[1].SHA256, r.Files[1].Roles = "UUID=of a", nil }), Different},
		"other file":   {identified("b", func(r *report.Report, _ func(int) string) { r.Files[1].Roles = nil }), Different},
		"roles differ": {identified("b", func(r *report.Report, _ func(int) string) { r.Files[1].Roles = stale }), Different},
		"same words, other meaning": {identified("a", func(r *report.Report, _ func(int) string) {
			r.Disk.Digest, r.Files[1].Roles = "b", nil
		}), Different},
		"swapped in fstab": {identified("b", func(r *report.Report, id func(int) string) { r.Fstab[0].Spec = "UUID=" + id(4) }), Different},
		"foreign in fstab": {identified("b", func(r *report.Report, id func(int) string) {
			r.Fstab[0].Spec = "UUID=" + strings.ReplaceAll(id(2), "b", "a")
		}), Different},
		"one byte in options": {identified("b", func(r *report.Report, id func(int) string) {
			r.Boot[0].Options = strings.Replace(r.Boot[0].Options, id(2), id(2)[:35]+"c", 1)
		}), Different},
		"cloned": {identified("b", func(r *report.Report, id func(int) string) { r.Disk.Partitions[0].Filesystem.UUID = id(2) }), Different},
		"absent": {identified("b", func(r *report.Report, _ func(int) string) { r.Disk.Partitions[0].UUID = "" }), Different},
		"no id of the disk": {identified("b", func(r *report.Report, _ func(int) string) {
			r.Disk.ID = "00000000-0000-0000-0000-000000000000"
		}), Different},
		"another spelling": {identified("b", func(r *report.Report, id func(int) string) { r.Fstab[0].Spec = "UUID=" + strings.ToUpper(id(2)) }), Different},
		"the table":        {identified("b", func(r *report.Report, _ func(int) string) { r.Disk.Regions[0].Roles = "other" }), Different},
	} {
		t.Run(name, func(t *testing.T) {
			a := identified("a", nil)
			for _, got := range []*Result{Compare(a, c.b), Compare(c.b, a)} {
				if got.Verdict != c.want {
					t.Errorf("%s, want %s: %+v", got.Verdict, c.want, got.Changes)
				}
				checkDigest(t, name, got)
			}
			if got := CompareBy(1, a, c.b); c.want == Equivalent && got.Verdict != Different {
				t.Errorf("by the rules of version 1: %s", got.Verdict)
			} else {
				checkDigest(t, name+", version 1", got)
			}
		})
	}
}

// TestIdentityIsNamed: a person sees the words of both sides and the rule, or
// what equal words mean.
func TestIdentityIsNamed(t *testing.T) {
	got := Compare(identified("a", nil), identified("b", nil))
	for _, c := range got.Changes {
		if c.Rule != "identity" && c.Rule != "block-placement" {
			t.Errorf("change %+v", c)
		}
		if c.Section == "fstab" && !strings.Contains(string(c.A["spec"]), "aaaa") {
			t.Errorf("the report's own words are not there: %+v", c)
		}
		if strings.Contains(string(c.Path), "bbbb") || strings.Contains(string(c.Path), report.Mark) {
			t.Errorf("path %q", c.Path)
		}
	}
	moved := identified("a", func(r *report.Report, id func(int) string) {
		p := r.Disk.Partitions
		p[0].Filesystem.UUID, p[1].Filesystem.UUID = id(2), id(1)
	})
	found := false
	for _, c := range Compare(identified("a", nil), moved).Changes {
		found = found || c.Section == "fstab" && c.A["spec"] == "UUID={filesystem of partition 2}" && c.B["spec"] == "UUID={filesystem of partition 1}"
	}
	if !found {
		t.Error("fstab that means another partition is not told")
	}
}

// TestIdentityScope: a tree has no disk that a UUID could mean, so there the
// words count.
func TestIdentityScope(t *testing.T) {
	packed := identified("a", nil)
	packed.Disk = nil
	packed.Files[1].Roles = nil
	if got := Compare(identified("a", nil), packed); got.Verdict != Identical || got.Scope != Tree {
		t.Errorf("a disk and its own tree: %s, %+v", got.Verdict, got.Changes)
	}
	if got := Compare(identified("b", nil), packed); got.Verdict != Different {
		t.Errorf("a tree with another fstab: %s", got.Verdict)
	}
	a, b := Digest(identified("a", nil)), Digest(packed)
	if a.Tree != b.Tree || a.Disk == "" || a.Disk == a.Tree {
		t.Errorf("digests %+v and %+v", a, b)
	}
}

// TestIdentityUnread: who did not look for roles cannot tell that there are none.
func TestIdentityUnread(t *testing.T) {
	b := identified("a", nil)
	b.Files[1].Roles = nil
	b.Sections["canonical"] = report.Section{Status: report.Unread, Reason: "not asked for"}
	if got := Compare(identified("a", nil), b); got.Verdict != Inconclusive || len(got.Changes) > 0 {
		t.Errorf("%s, %+v", got.Verdict, got.Changes)
	}
}
