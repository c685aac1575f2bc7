package stages_test

import "testing"

// The trees are what upstream's stage leaves.
func TestFstab(t *testing.T) {
	etc := map[string]string{"/etc": "dir 0755 0:0"}
	testChanges(t, "org.osbuild.fstab", map[string]change{
		"all kinds, the mode kept": {
			map[string]string{"/etc/fstab": `file 0600 0:0 "old\n"`},
			`{"filesystems": [
				{"uuid": "u-1", "path": "/", "vfs_type": "ext4", "options": "ro", "freq": 1, "passno": 1},
				{"label": "d", "path": "/srv"}, {"partlabel": "p", "path": "/x"}, {"device": "/dev/sda1", "path": "none", "vfs_type": "swap"}]}`,
			map[string]string{"/etc/fstab": `file 0600 0:0 "UUID=u-1\t/\text4\tro\t1\t1\nLABEL=d\t/srv\tnone\tdefaults\t0\t0\n` +
				`PARTLABEL=p\t/x\tnone\tdefaults\t0\t0\n/dev/sda1\tnone\tswap\tdefaults\t0\t0\n"`}, "",
		},
		"empty": {etc, `{"filesystems": []}`, map[string]string{"/etc/fstab": `file 0644 0:0 ""`}, ""},
	})
	testRefusals(t, "org.osbuild.fstab", []refusal{
		{etc, `{}`, "options.filesystems: is missing"},
		{etc, `{"filesystems": [{"path": "/"}]}`, "options.filesystems[0]: needs one of device, uuid, label, partlabel"},
		{etc, `{"filesystems": [{"uuid": "u"}]}`, "options.filesystems[0].path: is missing"},
		{etc, `{"filesystems": [{"uuid": "u", "label": "l", "path": "/"}]}`, "options.filesystems[0]: has uuid and label, of which only one may be given"},
		{etc, `{"filesystems": [{"uuid": "u", "path": "/a b"}]}`, `options.filesystems[0].path: "/a b" is not one field of fstab(5)`},
		{etc, `{"filesystems": [{"uuid": "u", "path": "/", "passno": "1"}]}`, "options.filesystems[0].passno: is a string, not an integer"},
		{etc, `{"filesystems": [{"uuid": "u", "path": "/", "vfstype": "ext4"}]}`, `options.filesystems[0].vfstype: is no known option; did you mean "vfs_type"?`},
		{etc, `{"filesystems": [], "ostree": {"deployment": {"default": true}}}`, "options.ostree: is not supported yet"},
		{nil, `{"filesystems": []}`, "/etc/fstab: no such file or directory"},
	})
}
