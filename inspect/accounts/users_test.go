package accounts

import (
	"reflect"
	"testing"

	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

func TestUsers(t *testing.T) {
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{
		"/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n# a comment\n\n" +
			"bob:x:1000:1000:Bob,,,:/home/bob:/bin/sh\neve::1001:100::/home/eve:/bin/sh\n" +
			"old:aaBBccDDeeFFg:1002:100::/:/bin/sh\nlost:x:1003:100::relative:/bin/sh\ndaemon:*:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n",
		"/etc/shadow":                     "root:!$6$salt$hash:19000:0:99999:7:::\nbob:$y$j9T$salt$hash:19000::::::\nbob::19000::::::\n",
		"/home/bob/.ssh/authorized_keys":  "# mine\nssh-ed25519 AAAA bob@x\n\nssh-rsa BBBB\n",
		"/home/bob/.ssh/authorized_keys2": "ssh-rsa CCCC\n",
		"/root":                           "-> /home/bob",
	})
	sectiontest.Status(t, r, "users", report.OK)
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
	r := sectiontest.Report(t, Sections(Options{}), map[string]string{"/etc/group": "sudo:x:27:zoe,bob\nadm:*:4:\n"})
	want := []report.Group{{Name: "adm", GID: 4}, {Name: "sudo", GID: 27, Members: []string{"bob", "zoe"}}}
	if !reflect.DeepEqual(r.Groups, want) {
		t.Errorf("%+v", r.Groups)
	}
}

// FuzzTables gives any bytes to the parsers: none may panic or run on.
func FuzzTables(f *testing.F) {
	for _, seed := range []string{"root:x:0:0:root:/root:/bin/sh\n", "sudo:x:27:a,b\n", "\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		parsePasswd(data)
		parseShadow(data, map[string]string{})
		parseGroup(data)
	})
}
