package inspect

import (
	"context"
	"testing"

	"github.com/assay-os/assay/report"
)

// FuzzTree builds a tree whose files all hold the same hostile text and whose
// links all lead where it says, and runs every section over it.
func FuzzTree(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/sh\n", "/etc/passwd")
	f.Add("Package: a\n\n", "../../..")
	f.Add("menuentry a {\n}\n", "/boot/loader/entries/x.conf")
	f.Add("x", "/etc")
	f.Fuzz(func(t *testing.T, text, target string) {
		files := map[string]string{"/l": "-> " + target, "/var/lib/dpkg/info": "-> " + target, "/etc/systemd/system/default.target": "-> " + target}
		for _, name := range []string{
			"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/fstab", "/usr/lib/os-release", "/var/lib/dpkg/status", "/boot/grub/grub.cfg",
			"/boot/grub/grubenv", "/boot/loader/entries/x.conf", "/boot/loader/loader.conf", "/usr/lib/systemd/system/a.service",
		} {
			files[name] = text
		}
		r, err := Inspect(context.Background(), directory(files), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for name, s := range r.Sections {
			if s.Status == report.Unread && s.Reason == "" {
				t.Errorf("section %s is unread without a reason", name)
			}
		}
	})
}
