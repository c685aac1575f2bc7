package inspect

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/report"
)

func TestUsers(t *testing.T) {
	r := inspectOf(t, directory(map[string]string{
		"/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n# a comment\n\n" +
			"bob:x:1000:1000:Bob,,,:/home/bob:/bin/sh\neve::1001:100::/home/eve:/bin/sh\n" +
			"old:aaBBccDDeeFFg:1002:100::/:/bin/sh\nlost:x:1003:100::relative:/bin/sh\ndaemon:*:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n",
		"/etc/shadow":                     "root:!$6$salt$hash:19000:0:99999:7:::\nbob:$y$j9T$salt$hash:19000::::::\nbob::19000::::::\n",
		"/home/bob/.ssh/authorized_keys":  "# mine\nssh-ed25519 AAAA bob@x\n\nssh-rsa BBBB\n",
		"/home/bob/.ssh/authorized_keys2": "ssh-rsa CCCC\n",
		"/root":                           "-> /home/bob",
	}), Options{})
	status(t, r, "users", report.OK)
	got := map[string]report.User{}
	for _, u := range r.Users {
		got[u.Name] = u
	}
	want := map[string]report.User{
		"root":   {Name: "root", Gecos: "root", Home: "/root", Shell: "/bin/bash", Password: "locked", Keys: 3},
		"bob":    {Name: "bob", UID: 1000, GID: 1000, Gecos: "Bob,,,", Home: "/home/bob", Shell: "/bin/sh", Password: "yescrypt", Keys: 3},
		"eve":    {Name: "eve", UID: 1001, GID: 100, Home: "/home/eve", Shell: "/bin/sh", Password: "none"},
		"old":    {Name: "old", UID: 1002, GID: 100, Home: "/", Shell: "/bin/sh", Password: "des"},
		"lost":   {Name: "lost", UID: 1003, GID: 100, Home: "relative", Shell: "/bin/sh", Password: "locked"},
		"daemon": {Name: "daemon", UID: 1, GID: 1, Gecos: "daemon", Home: "/usr/sbin", Shell: "/usr/sbin/nologin", Password: "locked"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if r.Users[0].Name != "bob" {
		t.Error("not sorted")
	}
}

func TestPasswordState(t *testing.T) {
	for field, want := range map[string]string{
		"": "none", "*": "locked", "!": "locked", "!!": "locked", "x": "locked", "!$6$a$b": "locked", "$6": "locked",
		"$y$j9T$a$b": "yescrypt", "$6$a$b": "sha512", "$5$a$b": "sha256", "$1$a$b": "md5", "$2b$12$abc": "bcrypt", "$7$a": "scrypt",
		"$gy$a$b": "gost-yescrypt", "$99$a$b": "unknown", "_J9..rasmBYk8r9AiWNc": "des", "rl.3StKT.4T8M": "des", "rl.3StKT.4T8M!": "locked",
	} {
		if got := passwordState(field); got != want {
			t.Errorf("%q: %s, want %s", field, got, want)
		}
	}
}

func TestGroups(t *testing.T) {
	r := inspectOf(t, directory(map[string]string{"/etc/group": "sudo:x:27:zoe,bob\nadm:*:4:\n"}), Options{})
	want := []report.Group{{Name: "adm", GID: 4}, {Name: "sudo", GID: 27, Members: []string{"bob", "zoe"}}}
	if !reflect.DeepEqual(r.Groups, want) {
		t.Errorf("%+v", r.Groups)
	}
}

// TestHostileTables holds that what cannot be read makes its section unread,
// and names the line.
func TestHostileTables(t *testing.T) {
	long := strings.Repeat("x", maxLine+1)
	for _, c := range []struct{ file, content, section, words string }{
		{"/etc/passwd", "root:x:0:0:root:/root\n", "users", "line 1: 6 fields"},
		{"/etc/passwd", "a:x:0:0::/:/b\nb:x:-1:0::/:/b\n", "users", "line 2"},
		{"/etc/passwd", "a:x:4294967296:0::/:/b\n", "users", "4294967296"},
		{"/etc/passwd", "a:x:0:0:\x00:/:/b\n", "users", "NUL"},
		{"/etc/passwd", long, "users", "line 1"},
		{"/etc/passwd", strings.Repeat("\n", maxRecords+2), "users", "lines"},
		{"/etc/passwd", "-> passwd", "users", "too many symbolic links"},
		{"/etc/passwd/", "", "users", "directory"},
		{"/etc/group", "a:x:b:\n", "groups", "line 1"},
		{"/etc/fstab", "only-one\n", "fstab", "line 1"},
		{"/etc/fstab", "a /b ext4 ro x\n", "fstab", `"x"`},
		{"/etc/os-release", "NAME=\"open\n", "os-release", "not closed"},
		{"/etc/os-release", "NAME=a b\n", "os-release", "follows"},
		{"/etc/os-release", "no assignment\n", "os-release", "NAME=VALUE"},
		{"/var/lib/dpkg/status", "Package: a\nno field\n", "packages", "line 2"},
		{"/var/lib/dpkg/status", "Version: 1\n\n", "packages", "names no package"},
		{"/var/lib/dpkg/status", "Package: ../../etc/x\n\n", "packages", "slash"},
		{"/usr/lib/systemd/system/a.service", "[Install]\n" + long, "services", "a.service"},
		{"/boot/grub/grub.cfg", strings.Repeat("if x {\n", maxBlocks+5), "boot", "blocks"},
		{"/boot/grub/grub.cfg", "menuentry 'a' {\n", "boot", "not closed"},
		{"/boot/loader/entries/x.conf", "title \x00", "boot", "x.conf"},
		{"/usr/lib/sysimage/rpm/rpmdb.sqlite", "SQLite format 3\x00 and nothing else", "packages", "rpmdb.sqlite"},
		{"/var/lib/rpm/Packages", "\x00\x00", "packages", "/var/lib/rpm/Packages"},
		{"/var/lib/rpm/Packages.db", "RpmP", "packages", "/var/lib/rpm/Packages.db"},
	} {
		name := strings.TrimSuffix(c.file, "/")
		r := inspectOf(t, directory(map[string]string{c.file: c.content}), Options{})
		t.Run(name+" "+c.words, func(t *testing.T) {
			status(t, r, c.section, report.Unread, c.words)
			if len(r.Sections[c.section].Reason) > maxReason+10 {
				t.Errorf("a reason of %d bytes", len(r.Sections[c.section].Reason))
			}
		})
	}
}

func TestHugeTable(t *testing.T) {
	img := directory(map[string]string{"/etc/passwd": ""})
	m := img.Trees[0].Tree.(*memTree)
	m.content = openHuge
	m.change = makeHuge
	status(t, inspectOf(t, img, Options{Sections: []string{"users"}}), "users", report.Unread, "4294967296 bytes")
}
