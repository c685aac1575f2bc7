package report_test

import (
	"strings"
	"testing"

	"github.com/assay-os/assay/report"
)

const (
	uuid1 = "8f4f3a10-5b1c-4d2e-9a77-0123456789ab"
	uuid2 = "8f4f3a10-5b1c-4d2e-9a77-0123456789ac"
	uuid3 = "8f4f3a10-5b1c-4d2e-9a77-0123456789ad"
	uuid4 = "8f4f3a10-5b1c-4d2e-9a77-0123456789ae"
	lvmID = "q3Vd5a-0001-0002-0003-0004-0005-abcXYZ"
)

func identityDisk() *report.Disk {
	fs := func(kind, uuid string) *report.Filesystem { return &report.Filesystem{Type: kind, UUID: uuid} }
	return &report.Disk{
		ID: "0x1234abcd",
		Partitions: []report.Partition{
			{Index: 1, Filesystem: fs("vfat", "ABCD-0001")},
			{Index: 2, Filesystem: fs("ext4", uuid1)},
			{Index: 3, Filesystem: fs("crypto_LUKS", uuid2)},
			{Index: 4, Filesystem: fs("ext4", "00000000-0000-0000-0000-000000000000")},
		},
		Mapped: []report.MappedDevice{
			{Name: "luks-" + uuid2, Type: "crypt", UUID: uuid2, Members: []string{"partition 3"}, Filesystem: fs("LVM2_member", lvmID)},
			{Name: "vg/root", Type: "lvm2", UUID: uuid3, Members: []string{"luks-" + uuid2}, Filesystem: fs("xfs", uuid4)},
		},
	}
}

// TestIdentities holds what is found in a text, and where nothing is to be found.
func TestIdentities(t *testing.T) {
	ids := identityDisk().Identities()
	for text, want := range map[string]string{
		"UUID=" + uuid1 + " /":            "UUID={filesystem of partition 2} /",
		uuid1:                             "{filesystem of partition 2}",
		`"` + uuid1 + `","` + uuid4 + `"`: `"{filesystem of partition 2}","{filesystem of vg/root}"`,
		"/dev/disk/by-uuid/ABCD-0001":     "/dev/disk/by-uuid/{filesystem of partition 1}",
		"PARTUUID=1234abcd-02":            "PARTUUID={partition 2}",
		"0x1234abcd":                      "{disk}",
		"luks-" + uuid2:                   "luks-{filesystem of partition 3}",
		"id " + lvmID:                     "id {filesystem of luks-(filesystem of partition 3)}",
		strings.ToUpper(uuid1):            "{filesystem of partition 2 (capitals)}",
		`by-uuid\x2f` + uuid1 + ".sh":     `by-uuid\x2f{filesystem of partition 2}.sh`,
		`dev-disk-by\x2duuid-` + strings.ReplaceAll(uuid1, "-", `\x2d`) + ".device": `dev-disk-by\x2duuid-{filesystem of partition 2 (escaped)}.device`,
		uuid3 + uuid1:                          "",
		uuid1 + "0":                            "",
		"0" + uuid1:                            "",
		uuid1[:35]:                             "",
		uuid1[:35] + "f":                       "",
		"11111111-abcd-0001-9a77-0123456789ab": "", // no serial of FAT in it
		"9a77-1234abcd-02":                     "",
		"PARTUUID=1234abcd-021":                "",
		"00000000-0000-0000-0000-000000000000": "",
		"":                                     "",
		"\x00" + "text with a mark":            "",
	} {
		got, found := ids.Replace(text)
		if want == "" {
			if found || strings.ReplaceAll(got, "\x00\x00", "\x00") != text {
				t.Errorf("%q: %q", text, got)
			}
			continue
		}
		want = strings.NewReplacer("{", report.Mark, "}", report.Mark).Replace(want)
		if !found || got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestClonedIdentity: what two things have stays as it is.
func TestClonedIdentity(t *testing.T) {
	for name, change := range map[string]func(*report.Disk){
		"two filesystems":            func(d *report.Disk) { d.Partitions[3].Filesystem.UUID = uuid1 },
		"a filesystem and a volume":  func(d *report.Disk) { d.Mapped[1].UUID = uuid1 },
		"a partition and its own":    func(d *report.Disk) { d.Partitions[1].UUID = uuid1 },
		"two partitions and another": func(d *report.Disk) { d.Partitions[2].UUID, d.Partitions[3].UUID, d.ID = uuid1, uuid1, uuid1 },
	} {
		d := identityDisk()
		change(d)
		if role := d.Identities().Role(uuid1); role != "" {
			t.Errorf("%s: %s", name, role)
		}
	}
}

// TestSharedIdentity: the members of an array are one thing, and so is a hash tree
// with its partition.
func TestSharedIdentity(t *testing.T) {
	member := func(n int) report.Partition {
		return report.Partition{Index: n, Filesystem: &report.Filesystem{Type: "linux_raid_member", UUID: uuid1, Settings: map[string]string{"member": []string{uuid3, uuid4}[n-1]}}}
	}
	data := &report.Filesystem{Type: "ext4", UUID: uuid2}
	d := &report.Disk{
		Partitions: []report.Partition{member(1), member(2), {Index: 3, Filesystem: data}, {Index: 4, Filesystem: &report.Filesystem{Type: "DM_verity_hash", UUID: lvmID}}},
		Mapped: []report.MappedDevice{
			{Name: "md/" + uuid1, Type: "raid", UUID: uuid1, Members: []string{"partition 1", "partition 2"}},
			{Name: "verity of partition 4", Type: "verity", UUID: lvmID, Members: []string{"partition 3", "partition 4"}, Filesystem: data},
		},
	}
	ids := d.Identities()
	for id, want := range map[string]string{
		uuid1: "array on partition 1, partition 2", uuid3: "member on partition 1", uuid4: "member on partition 2",
		uuid2: "filesystem of partition 3", lvmID: "filesystem of partition 4",
	} {
		if got := ids.Role(id); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}

func TestNoIdentities(t *testing.T) {
	var none *report.Disk
	var empty *report.Identities
	if !none.Identities().Empty() || !empty.Empty() || empty.Role(uuid1) != "" || empty.Split(uuid1) != nil {
		t.Error("no disk has identities")
	}
}

// FuzzReplace holds that a text and its roles stand for each other: two texts
// with equal forms are equal.
func FuzzReplace(f *testing.F) {
	ids := identityDisk().Identities()
	f.Add("UUID=" + uuid1 + " x \x00\\x2d" + strings.ToUpper(uuid2))
	f.Add("\x00filesystem of partition 2\x00")
	f.Fuzz(func(t *testing.T, text string) {
		var whole strings.Builder
		for _, p := range ids.Split(text) {
			whole.WriteString(p.Text)
		}
		form, found := ids.Replace(text)
		if found && whole.String() != text {
			t.Errorf("%q: the pieces are %q", text, whole.String())
		}
		if !found && strings.ReplaceAll(form, "\x00\x00", "\x00") != text {
			t.Errorf("%q: %q", text, form)
		}
	})
}
