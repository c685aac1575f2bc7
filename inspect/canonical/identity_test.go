package canonical_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/canonical"
	"github.com/assay-os/assay/report"
)

// diskOf is a disk of two filesystems with UUIDs that end in a letter.
func diskOf(letter string) (d *report.Disk, root, data string) {
	root, data = "11111111-1111-4111-8111-11111111111"+letter, "22222222-1111-4111-8111-11111111111"+letter
	return &report.Disk{Partitions: []report.Partition{
		{Index: 1, Filesystem: &report.Filesystem{Type: "ext4", UUID: root}},
		{Index: 2, Filesystem: &report.Filesystem{Type: "ext4", UUID: data}},
	}}, root, data
}

// byRole gives both forms of a file of a disk.
func byRole(t *testing.T, place string, data []byte, d *report.Disk) (plain, roles *report.Canonical) {
	t.Helper()
	plain, roles, used, err := canonical.ApplyRoles(context.Background(), canonical.Input{
		Entry: &report.Entry{Path: report.Raw(place), Type: report.File}, Content: bytes.NewReader(data), Place: place, Identities: d.Identities(),
	})
	if err != nil {
		t.Fatalf("%s: %v", place, err)
	}
	if named := len(used) > 0 && used[len(used)-1] == canonical.Identity(); named != (roles != nil) {
		t.Errorf("%s: rules %v, form %v", place, used, roles)
	}
	return plain, roles
}

func TestIdentityOfText(t *testing.T) {
	d, root, data := diskOf("a")
	e, otherRoot, otherData := diskOf("b")
	text := "UUID=" + root + " / ext4\nUUID=" + data + " /srv ext4\n"
	_, want := byRole(t, "/etc/fstab", []byte(text), d)
	if want == nil || want.Rule != "identity" {
		t.Fatalf("form %+v", want)
	}
	for what, c := range map[string]struct {
		text string
		same bool
	}{
		"its own":    {strings.NewReplacer(root, otherRoot, data, otherData).Replace(text), true},
		"swapped":    {strings.NewReplacer(root, otherData, data, otherRoot).Replace(text), false},
		"one stale":  {strings.ReplaceAll(text, data, otherData), false},
		"all stale":  {text, false},
		"one byte":   {strings.NewReplacer(root, otherRoot, data, otherData, "ext4", "ext3").Replace(text), false},
		"two spaces": {strings.NewReplacer(root, otherRoot, data, otherData, " / ", "  / ").Replace(text), false},
		"role words": {"UUID={filesystem of partition 1} / ext4\nUUID={filesystem of partition 2} /srv ext4\n", false},
	} {
		_, got := byRole(t, "/etc/fstab", []byte(c.text), e)
		if same := got != nil && got.Digest == want.Digest; same != c.same {
			t.Errorf("%s: the same %t, want %t", what, same, c.same)
		}
	}
}

// TestIdentityPlaces: only where it is known who reads it is a UUID more than its
// bytes.
func TestIdentityPlaces(t *testing.T) {
	d, root, _ := diskOf("a")
	for place, want := range map[string]bool{
		"/etc/fstab": true, "/etc/crypttab": true, "/etc/kernel/cmdline": true, "/etc/default/grub": true,
		"/boot/grub/grub.cfg": true, "/boot/grub2/grubenv": true, "/boot/loader/entries/x.conf": true, "/efi/loader/entries/x.conf": true,
		"/boot/efi/EFI/debian/grub.cfg": true, "/efi/EFI/fedora/grub.cfg": true, "partition 1:/EFI/debian/grub.cfg": true,
		"/etc/fstab.bak": false, "/srv/etc/fstab": false, "/etc/motd": false, "/boot/grub/custom.cfg": false, "/home/a/grub.cfg": false,
		"/boot/loader/entries/sub/x.conf": false, "partition 2:/etc/motd": false, "x": false,
	} {
		plain, got := byRole(t, place, []byte("root=UUID="+root+"\n"), d)
		if (got != nil) != want || plain != nil {
			t.Errorf("%s: %v, %v", place, plain, got)
		}
	}
	if _, got := byRole(t, "/etc/fstab", []byte("root=UUID="+root), nil); got != nil {
		t.Error("no disk, and all the same roles")
	}
}

// TestIdentityOfInitramfs: in the members that dracut makes for one disk, names and
// contents go by roles; all else of the archive counts as before.
func TestIdentityOfInitramfs(t *testing.T) {
	d, root, data := diskOf("a")
	e, otherRoot, otherData := diskOf("b")
	hook := func(id string) string { return `usr/lib/dracut/hooks/initqueue/finished/devexists-\x2f` + id + ".sh" }
	members := func(id string) map[string]string {
		return map[string]string{"etc/cmdline.d/root.conf": "root=UUID=" + id, hook(id): "[ -e /dev/disk/by-uuid/" + id + " ]", "init": "#!"}
	}
	plain, want := byRole(t, "/boot/initrd.img", cpioOf(t, members(root)), d)
	if plain == nil || plain.Rule != "initramfs" || want == nil || want.Rule != "identity" {
		t.Fatalf("forms %+v, %+v", plain, want)
	}
	if got := apply(t, "/boot/initrd.img", cpioOf(t, members(root))); got.Digest != plain.Digest {
		t.Error("the plain form depends on the disk")
	}
	stale, elsewhere := members(otherRoot), members(otherRoot)
	stale["etc/cmdline.d/root.conf"] = "root=UUID=" + root
	elsewhere["init"] = "#! " + otherRoot
	half := members(otherRoot)
	half[hook(otherData)] = half[hook(otherRoot)]
	delete(half, hook(otherRoot))
	for what, c := range map[string]struct {
		members map[string]string
		same    bool
	}{
		"its own": {members(otherRoot), true}, "another's": {members(otherData), false}, "stale": {stale, false},
		"in a file of all disks": {elsewhere, false}, "another's name": {half, false}, "the first's": {members(root), false},
	} {
		_, got := byRole(t, "/boot/initrd.img", cpioOf(t, c.members), e)
		if same := got != nil && got.Digest == want.Digest; same != c.same {
			t.Errorf("%s: the same %t, want %t", what, same, c.same)
		}
	}
	if _, got := byRole(t, "/boot/initrd.img", cpioOf(t, map[string]string{"init": "#! " + data}), d); got != nil {
		t.Error("no member that is made for one disk, and all the same roles")
	}
}
