package stages_test

import (
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// accounts is a tree as a small Debian has it.
func accounts() map[string]string {
	return map[string]string{
		"/etc/passwd":          `file 0644 0:0 "root:x:0:0:root:/root:/bin/bash\nold:x:1000:1000::/home/old:/bin/sh\n"`,
		"/etc/group":           `file 0644 0:0 "root:x:0:\nmail:x:8:\nsudo:x:27:old\nusers:x:100:\nold:x:1000:\nbig:x:1001:\n"`,
		"/etc/shadow":          `file 0640 0:42 "root:*:18000:0:99999:7:::\nold:!:18000:0:99999:7:::\n"`,
		"/etc/gshadow":         `file 0640 0:42 "root:*::\nmail:*::\nsudo:*::old\nusers:*::\nold:!::\nbig:!::\n"`,
		"/etc/subuid":          `file 0644 0:0 "old:100000:65536\n"`,
		"/etc/subgid":          `file 0644 0:0 "old:100000:65536\n"`,
		"/etc/login.defs":      `file 0644 0:0 "# comment\nUMASK\t\t022\nPASS_MAX_DAYS\t99999\nPASS_MIN_DAYS\t0\nPASS_WARN_AGE\t7\nUID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\n"`,
		"/etc/default/useradd": `file 0644 0:0 "SHELL=/bin/sh\n"`,
		"/etc/skel/.profile":   `file 0644 0:0 "# profile\n"`,
		"/etc/skel/link":       `link 0:0 ".profile"`,
		"/home":                `dir 0755 0:0`,
	}
}

// TestUsersLikeUseradd: the same tree as useradd(8) of the host leaves, which
// upstream runs, but for the backups that it makes.
func TestUsersLikeUseradd(t *testing.T) {
	fixtures.RequireTool(t, "useradd", "usermod", "passwd")
	const hash = "$6$saltsaltsaltsalt$abcdefghijklmnopqrstuvwxyz"
	tests := map[string]struct {
		before   map[string]string
		options  string
		commands [][]string
	}{
		"plain": {nil, `{"users": {"bob": {}}}`, [][]string{{"useradd", "bob"}}},
		"all": {
			nil,
			`{"users": {"bob": {"uid": 4242, "gid": 100, "groups": ["sudo", "mail"], "description": "Bob B", "home": "/home/bob", "shell": "/bin/bash",
			  "password": "` + hash + `", "expiredate": 20000}}}`,
			[][]string{{"useradd", "--uid", "4242", "-o", "--gid", "100", "--groups", "sudo,mail", "--comment", "Bob B", "--home-dir", "/home/bob", "--create-home",
				"--shell", "/bin/bash", "--password", hash, "--expiredate", "20000", "bob"}},
		},
		"two, the own gid taken": {
			nil, `{"users": {"ann": {"uid": 1001}, "bob": {"home": "/srv/deep/bob"}}}`,
			[][]string{{"useradd", "--uid", "1001", "-o", "ann"}, {"useradd", "--home-dir", "/srv/deep/bob", "--create-home", "bob"}},
		},
		"system uid": {nil, `{"users": {"bob": {"uid": 500, "home": ""}}}`, [][]string{{"useradd", "--uid", "500", "-o", "--no-create-home", "bob"}}},
		"uid not unique, password reset": {
			nil, `{"users": {"toor": {"uid": 0, "gid": 0, "password": "*", "force_password_reset": true}}}`,
			[][]string{{"useradd", "--uid", "0", "-o", "--gid", "0", "--password", "*", "toor"}, {"passwd", "--expire", "toor"}},
		},
		"like Fedora": {
			map[string]string{
				"/etc/login.defs": `file 0644 0:0 "MAIL_DIR /var/spool/mail\nUMASK 022\nHOME_MODE 0700\nPASS_MAX_DAYS 99999\nPASS_MIN_DAYS 0\nPASS_WARN_AGE 7\n` +
					`UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nSUB_UID_MIN 524288\nSUB_UID_MAX 600100000\nSUB_UID_COUNT 65536\n` +
					`SUB_GID_MIN 524288\nSUB_GID_MAX 600100000\nSUB_GID_COUNT 65536\nCREATE_HOME yes\nUSERGROUPS_ENAB yes\n"`,
				"/etc/default/useradd": `file 0644 0:0 "GROUP=100\nHOME=/home\nINACTIVE=-1\nEXPIRE=\nSHELL=/bin/bash\nSKEL=/etc/skel\nCREATE_MAIL_SPOOL=yes\n"`,
				"/var/spool/mail":      "dir 0775 0:8",
			},
			`{"users": {"ann": {}, "bob": {"groups": ["27"]}}}`, [][]string{{"useradd", "ann"}, {"useradd", "--groups", "27", "bob"}},
		},
		"no shadow files": {
			map[string]string{"/etc/shadow": "", "/etc/gshadow": "", "/etc/subuid": "", "/etc/subgid": ""},
			`{"users": {"bob": {"password": "` + hash + `", "groups": ["sudo"]}}}`, [][]string{{"useradd", "--password", hash, "--groups", "sudo", "bob"}},
		},
		"change": {
			map[string]string{"/home/old": "dir 0700 1000:1000"},
			`{"users": {"old": {"groups": ["mail"], "description": "Old", "shell": "/bin/bash", "password": "!", "expiredate": 1, "uid": 1000}}}`,
			[][]string{{"usermod", "--groups", "mail", "--comment", "Old", "--shell", "/bin/bash", "--password", "!", "--expiredate", "1", "old"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := merge(accounts(), test.before)
			ours, theirs := fixtures.Tree(t, before), fixtures.Tree(t, before)
			if _, err := run(t, definition(t, "org.osbuild.users"), ours, test.options, nil); err != nil {
				t.Fatal(err)
			}
			for _, argv := range test.commands {
				cmd := exec.Command(argv[0], append([]string{"--root", theirs}, argv[1:]...)...)
				cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1579910400")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %v: %s", argv, err, out)
				}
			}
			want := fixtures.Snapshot(t, theirs)
			maps.DeleteFunc(want, func(path, _ string) bool {
				return strings.HasPrefix(path, "/etc/") && strings.HasSuffix(path, "-") || path == "/etc/.pwd.lock"
			})
			requireTree(t, ours, want)
		})
	}
}

// merge changes a tree; an empty line takes an entry out.
func merge(tree, change map[string]string) map[string]string {
	maps.Copy(tree, change)
	maps.DeleteFunc(tree, func(_, line string) bool { return line == "" })
	return tree
}

func TestUsersKeysAndHomes(t *testing.T) {
	small := map[string]string{
		"/etc/passwd": `file 0644 0:0 "root:x:0:0:root:/root:/bin/bash\n"`, "/etc/group": `file 0644 0:0 "root:x:0:\n"`, "/root": "dir 0700 0:0",
	}
	testChanges(t, "org.osbuild.users", map[string]change{
		"keys": {
			small, `{"users": {"bob": {"key": "k3", "keys": ["k1", "k2"], "home": "/home/bob"}}}`,
			merge(map[string]string{
				"/home/bob": "dir 0755 1000:1000", "/home/bob/.ssh": "dir 0700 1000:1000",
				"/home/bob/.ssh/authorized_keys": `file 0600 1000:1000 "k1\nk2\nk3\n"`,
				"/etc/passwd":                    `file 0644 0:0 "root:x:0:0:root:/root:/bin/bash\nbob:!:1000:1000::/home/bob:\n"`,
				"/etc/group":                     `file 0644 0:0 "root:x:0:\nbob:!:1000:\n"`,
			}, map[string]string{"/root": "dir 0700 0:0"}), "",
		},
		"more keys": {
			merge(map[string]string{"/root/.ssh/authorized_keys": `file 0644 0:0 "k0\n"`}, small), `{"users": {"root": {"key": "k1"}}}`,
			merge(map[string]string{"/root/.ssh/authorized_keys": `file 0600 0:0 "k0\nk1\n"`}, small), "",
		},
		// useradd 4.13 of Debian loses what the skeleton's directories hold.
		"a skeleton with directories": {
			merge(map[string]string{"/etc/skel/bin": "dir 0750 0:0", "/etc/skel/bin/x": `file 0755 0:0 "x"`}, small), `{"users": {"bob": {"home": "/bob"}}}`,
			merge(map[string]string{
				"/etc/skel/bin": "dir 0750 0:0", "/etc/skel/bin/x": `file 0755 0:0 "x"`,
				"/bob": "dir 0755 1000:1000", "/bob/bin": "dir 0750 1000:1000", "/bob/bin/x": `file 0755 1000:1000 "x"`,
			}, merge(maps.Clone(small), map[string]string{
				"/etc/passwd": `file 0644 0:0 "root:x:0:0:root:/root:/bin/bash\nbob:!:1000:1000::/bob:\n"`,
				"/etc/group":  `file 0644 0:0 "root:x:0:\nbob:!:1000:\n"`,
			})), "",
		},
		"a home that is not there": {
			merge(map[string]string{"/etc/passwd": `file 0644 0:0 "w:x:33:33::/var/www:/x\n"`, "/etc/skel/f": `file 0640 0:0 "s"`}, withoutPasswd(small)), `{"users": {"w": {}}}`,
			merge(map[string]string{
				"/etc/passwd": `file 0644 0:0 "w:x:33:33::/var/www:/x\n"`, "/etc/skel/f": `file 0640 0:0 "s"`,
				"/var/www": "dir 0755 33:33", "/var/www/f": `file 0640 33:33 "s"`,
			}, withoutPasswd(small)), "",
		},
	})
}

// withoutPasswd is a tree without its passwd.
func withoutPasswd(tree map[string]string) map[string]string {
	tree = maps.Clone(tree)
	delete(tree, "/etc/passwd")
	return tree
}

func TestUsersRefusals(t *testing.T) {
	testRefusals(t, "org.osbuild.users", []refusal{
		{accounts(), `{"users": {"old": {"uid": 7}}}`, "options.users.old.uid: the tree has this user with the uid 1000, which stays"},
		{accounts(), `{"users": {"bob": {"uid": "7"}}}`, "options.users.bob.uid: is a string, not an integer"},
		{accounts(), `{"users": {"bob": {"uid": -1}}}`, "options.users.bob.uid: -1 is less than 0"},
		{accounts(), `{"users": {"bob": {"udi": 1}}}`, `options.users.bob.udi: is no known option; did you mean "uid"?`},
		{accounts(), `{"users": {"bob": {"gid": 77}}}`, "options.users.bob.gid: the tree has no group of the id 77"},
		{accounts(), `{"users": {"bob": {"groups": ["mail", "wheel"]}}}`, "options.users.bob.groups[1]: the tree has no group wheel"},
		{accounts(), `{"users": {"big": {}}}`, "options.users.big: the tree has a group of this name"},
		{accounts(), `{"users": {"bob": {"password": "hunter2"}}}`, "options.users.bob.password: is not a hash by crypt(3); make one with openssl passwd -6"},
		{accounts(), `{"users": {"bob": {"password": "a:b"}}}`, "options.users.bob.password: "},
		{accounts(), `{"users": {"bob": {"description": "a:b"}}}`, `options.users.bob.description: "a:b" is not one line without a colon`},
		{accounts(), `{"users": {"bob": {"home": "home"}}}`, "options.users.bob.home: "},
		{accounts(), `{"users": {"bob": {"shell": "/bin/sh\nroot2::0:0:::"}}}`, "options.users.bob.shell: "},
		{accounts(), `{"users": {"bob": {"key": "k"}}}`, "options.users.bob.home: the home directory /home/bob does not exist"},
		{accounts(), `{"users": {"a b": {}}}`, `options.users["a b"]: is not a user's name`},
		{accounts(), `{"users": {"123": {}}}`, "is no name for a group"},
		{nil, `{"users": {"bob": {}}}`, "there is no /etc/group in the tree"},
	})
	_, err := run(t, definition(t, "org.osbuild.users"), fixtures.Tree(t, accounts()), `{"users": {"bob": {"password": "hunter2"}}}`, nil)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the password is repeated: %v", err)
	}
}

// TestUsersHostileSkeleton: a skeleton that contains the home ends.
func TestUsersHostileSkeleton(t *testing.T) {
	tree := accounts()
	maps.DeleteFunc(tree, func(path, _ string) bool { return strings.HasPrefix(path, "/etc/skel") })
	tree["/etc/skel"] = `link 0:0 "/"`
	dir := fixtures.Tree(t, tree)
	if _, err := run(t, definition(t, "org.osbuild.users"), dir, `{"users": {"bob": {"home": "/home/bob"}}}`, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir + "/home/bob/home/bob"); err == nil {
		t.Error("the home is copied into itself")
	}
}
