package inspect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// put writes files of a tree.
func put(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		at := filepath.Join(root, name)
		check(t, os.MkdirAll(filepath.Dir(at), 0o755))
		check(t, os.WriteFile(at, []byte(content), 0o644))
	}
}

// TestFstabOracle compares with what findmnt reads of the same file.
func TestFstabOracle(t *testing.T) {
	fixtures.RequireTool(t, "findmnt")
	root := t.TempDir()
	put(t, root, map[string]string{"etc/fstab": "# x\nUUID=0-a / ext4 rw,relatime 0 1\n/dev/sr0 /media/a\\040b udf,iso9660 ro,noauto 0 0\nLABEL=\"x\" /b xfs defaults 1 2\n"})
	want := runTool(t, "findmnt", "--tab-file", filepath.Join(root, "etc/fstab"), "-n", "--list", "--notruncate", "-o", "FSTYPE,OPTIONS,FREQ,PASSNO,TARGET")
	lines := strings.Split(strings.TrimSpace(want), "\n")
	r := inspectPath(t, root)
	if len(lines) != len(r.Fstab) {
		t.Fatalf("%d entries, findmnt says\n%s", len(r.Fstab), want)
	}
	for i, e := range r.Fstab {
		got := fmt.Sprintf("%s %s %d %d %s", e.VfsType, e.Options, e.Freq, e.Passno, e.File)
		if words := strings.Join(strings.Fields(lines[i]), " "); words != got {
			t.Errorf("got %s, findmnt says %s", got, words)
		}
	}
}

// TestPasswordOracle compares the states with those of passwd(1).
func TestPasswordOracle(t *testing.T) {
	fixtures.RequireTool(t, "passwd")
	fixtures.RequireRoot(t)
	root := t.TempDir()
	fields := map[string]string{"none": "", "star": "*", "bang": "!", "off": "!$6$a$b", "sha": "$6$saltsalt$" + strings.Repeat("a", 86), "yes": "$y$j9T$a$b"}
	// The program asks for the name of who runs it, root.
	passwd, shadow := "root:x:0:0::/:/bin/sh\n", "root:*:19000::::::\n"
	for name, field := range fields {
		passwd += name + ":x:1000:1000::/:/bin/sh\n"
		shadow += name + ":" + field + ":19000:0:99999:7:::\n"
	}
	put(t, root, map[string]string{"etc/passwd": passwd, "etc/shadow": shadow})
	states := map[string]string{"NP": "none", "L": "locked", "P": "a hash"}
	for _, u := range inspectPath(t, root).Users {
		out := strings.Fields(runTool(t, "passwd", "--root", root, "--status", u.Name))
		got := u.Password
		if got != "none" && got != "locked" {
			got = "a hash"
		}
		// passwd(1) calls a field that no hash can be a password; crypt(3) never matches it.
		if want := states[out[1]]; got != want {
			t.Errorf("%s: %s, passwd says %s", u.Name, got, out[1])
		}
	}
}

// TestDpkgOracle compares with dpkg-query over the same database.
func TestDpkgOracle(t *testing.T) {
	fixtures.RequireTool(t, "dpkg-query")
	root := t.TempDir()
	put(t, root, map[string]string{
		"var/lib/dpkg/status": "Package: b\nStatus: install ok installed\nMaintainer: x <x@x>\nArchitecture: amd64\nVersion: 1:2.0-1+b1\nDescription: x\n y\n\n" +
			"Package: a\nStatus: deinstall ok config-files\nMaintainer: x <x@x>\nArchitecture: all\nVersion: 3\nDescription: x\n\n",
		"var/lib/dpkg/available": "", "var/lib/dpkg/info/format": "1\n", "var/lib/dpkg/info/b.list": "/.\n", "var/lib/dpkg/info/a.list": "/.\n",
	})
	want := runTool(t, "dpkg-query", "--admindir="+filepath.Join(root, "var/lib/dpkg"), "-W", "-f", "${Package} ${Version} ${Architecture} ${Status}\n")
	got := ""
	for _, p := range inspectPath(t, root).Packages {
		got += fmt.Sprintf("%s %s %s %s\n", p.Name, p.Version, p.Arch, p.State)
	}
	if got != want {
		t.Errorf("got\n%sdpkg-query says\n%s", got, want)
	}
}
