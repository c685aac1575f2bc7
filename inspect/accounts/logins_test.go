package accounts

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

const bobKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIdufsxIMcexNKxNGCDDevcdESfVGlU3Pii2UFoxxy4s bob@x\n"

// host is a system with a login program, sshd and users; more replaces files.
func host(more map[string]string) map[string]string {
	files := map[string]string{
		"/bin/login": "x", "/usr/sbin/sshd": "x", "/bin/bash": "x", "/usr/sbin/nologin": "x",
		"/etc/passwd":                    "root:x:0:0::/root:/bin/bash\nbob:x:1000:100::/home/bob:/bin/bash\nwww:x:33:33::/var/www:/usr/sbin/nologin\n",
		"/etc/shadow":                    "root:$6$s$secret:19000::::::\nbob:!$6$s$secret:19000::::::\nwww:*:19000::::::\n",
		"/etc/group":                     "users:x:100:\nsftp:x:101:bob\n",
		"/home/bob/.ssh/authorized_keys": bobKey,
	}
	maps.Copy(files, more)
	return files
}

// enter fills the logins; programs may be run, and bob has what is his.
func enter(t *testing.T, files map[string]string) map[string]report.Login {
	t.Helper()
	on := treetest.Of(t, treetest.Map{Files: files, Change: func(n *image.Node) {
		path := string(n.Path)
		if strings.HasPrefix(path, "/bin") || strings.HasPrefix(path, "/usr/sbin") {
			n.Mode = 0o755
		}
		if strings.HasPrefix(path, "/home/bob") {
			n.UID = 1000
		}
		if strings.HasSuffix(path, "open") {
			n.Mode = 0o777
		}
	}})
	r := sectiontest.Fill(t, []section.Section{logins()}, on)
	sectiontest.Status(t, r, "logins", report.OK)
	noSecret(t, r)
	got := map[string]report.Login{}
	for _, l := range r.Logins {
		got[l.Name] = l
	}
	return got
}

// short is how a user gets in, and what bars him.
func short(l report.Login) string {
	text := strings.Join(l.Ways, ", ")
	if len(l.Barred) > 0 {
		text += " | " + strings.Join(l.Barred, ", ")
	}
	if len(l.Conditions) > 0 {
		text += " | if " + strings.Join(l.Conditions, ", ")
	}
	return text
}

func TestLogins(t *testing.T) {
	const config, dropIn = "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/a.conf"
	for _, x := range []struct {
		name, root, bob string
		files           map[string]string
	}{
		{"defaults", "console | sshd: PermitRootLogin prohibit-password", " | sshd: the account is locked", nil},
		{"with PAM", "console | sshd: PermitRootLogin prohibit-password", "ssh key", map[string]string{config: "UsePAM yes\n"}},
		{"root", "console, ssh password", "ssh key", map[string]string{config: "UsePAM yes\nPermitRootLogin yes\n"}},
		{"no root", "console | sshd: PermitRootLogin no", "ssh key", map[string]string{config: "Include sshd_config.d/*.conf\nUsePAM yes\nPermitRootLogin yes\n", dropIn: "PermitRootLogin no\n"}},
		{"no passwords", "console | sshd asks for no password", "ssh key", map[string]string{config: "UsePAM yes\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"}},
		{"no keys", "console | sshd: PermitRootLogin prohibit-password", " | sshd: PubkeyAuthentication no", map[string]string{config: "UsePAM yes\nPubkeyAuthentication no\n"}},
		{"a match", "console, ssh password", " | sshd: PubkeyAuthentication no", map[string]string{config: "UsePAM yes\nPermitRootLogin yes\nMatch User b?b Group sftp\nPubkeyAuthentication no\nMatch Group none\nPasswordAuthentication no\n"}},
		{"a condition", "console | sshd: PermitRootLogin prohibit-password | if Match address 10.0.0.0/8", "ssh key | if Match address 10.0.0.0/8", map[string]string{config: "UsePAM yes\nMatch Address 10.0.0.0/8\nPermitRootLogin yes\n"}},
		{"allowed from", "console | sshd: AllowUsers names others", "ssh key | if from 10.*", map[string]string{config: "UsePAM yes\nAllowUsers bob@10.*\n"}},
		{"denied group", "console | sshd: PermitRootLogin prohibit-password", " | sshd: DenyGroups", map[string]string{config: "UsePAM yes\nDenyGroups sf*\n"}},
		{"keys elsewhere", "console | sshd: PermitRootLogin prohibit-password", "ssh key", map[string]string{config: "UsePAM yes\nAuthorizedKeysFile /etc/keys/%u none\n", "/etc/keys/bob": bobKey, "/home/bob/.ssh/authorized_keys": ""}},
		{"loose modes", "console | sshd: PermitRootLogin prohibit-password", " | sshd: StrictModes refuses /home/bob/.open (mode 0777, owner 1000)", map[string]string{config: "UsePAM yes\nAuthorizedKeysFile .open/k\n", "/home/bob/.open/k": bobKey}},
		{"methods", "console | sshd: PermitRootLogin prohibit-password | if AuthenticationMethods publickey,password", "ssh key | if AuthenticationMethods publickey,password", map[string]string{config: "UsePAM yes\nAuthenticationMethods publickey,password\n"}},
		{"no sshd", "console", " | there is no sshd", map[string]string{"/usr/sbin/sshd": "-> nowhere"}},
		{"no login", " | there is no login program, sshd: PermitRootLogin prohibit-password", " | sshd: the account is locked", map[string]string{"/bin/login": "-> nowhere"}},
		{"nologin", "console | sshd: PermitRootLogin prohibit-password", " | /etc/nologin lets only root in", map[string]string{"/etc/nologin": ""}},
		{"no shell", " | shell /bin/bash is not there", " | shell /bin/bash is not there", map[string]string{"/bin/bash": "-> nowhere"}},
		{"expired", " | the account expired on day 1", " | the account expired on day 18999", map[string]string{"/etc/shadow": "root:$6$s$x:19000:::::1:\nbob:$6$s$x:19000:::::18999:\n"}},
		{"no password", "console without password", "console without password, ssh password", map[string]string{"/etc/passwd": "root::0:0::/:/bin/bash\nbob::1000:100::/:/bin/bash\n", config: "PermitEmptyPasswords yes\nMatch User root\nPasswordAuthentication no\nPermitEmptyPasswords no\n"}},
		{"PAM takes none", " | login takes no empty password", "", map[string]string{"/etc/passwd": "root::0:0::/:\n", "/bin/sh": "x", "/etc/pam.d/login": "auth required pam_unix.so\n"}},
		{"getty", "autologin, console | sshd: PermitRootLogin prohibit-password", "ssh key", map[string]string{config: "UsePAM yes\n",
			"/usr/lib/systemd/system/getty@.service":             "[Service]\nExecStart=-/sbin/agetty -o '-p -- \\\\u' --noclear - $TERM\n",
			"/etc/systemd/system/getty@tty1.service.d/a.conf":    "[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin root --noclear %I $TERM\n",
			"/etc/systemd/system/serial-getty@.service.d/[.conf": "[Service]\nExecStart=/sbin/agetty -a nobody\nExecStart=\n"}},
		{"desktop", "console | sshd: PermitRootLogin prohibit-password", "autologin", map[string]string{"/etc/gdm3/daemon.conf": "[daemon]\nAutomaticLoginEnable=true\nAutomaticLogin=bob\n", "/home/bob/.ssh/authorized_keys": ""}},
	} {
		got := enter(t, host(x.files))
		if r, b := short(got["root"]), short(got["bob"]); r != x.root || b != x.bob {
			t.Errorf("%s:\nroot %s\nwant %s\nbob  %s\nwant %s", x.name, r, x.root, b, x.bob)
		}
		if _, ok := got["www"]; ok {
			t.Errorf("%s: who has nothing to log in with is listed", x.name)
		}
	}
}

func TestShells(t *testing.T) {
	for text, want := range map[string]bool{"# x\n/bin/bash\n": false, "/bin/zsh\n": true, "": false} {
		if got := enter(t, host(map[string]string{"/etc/shells": text}))["root"]; got.UnlistedShell != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestAuthorizedKeys(t *testing.T) {
	keys, problems, err := authorizedKeys([]byte(`# mine
`+bobKey+`
from="10.0.0.0/8,!10.1.*",command="echo \"a, b\"",environment="TOKEN=secret",no-pty `+bobKey+`
ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIIdufsxIMcexNKxNGCDDevcdESfVGlU3Pii2UFoxxy4s the wrong type
no-pty
ssh-ed25519 AAAA
command="never closed `+bobKey), "/k")
	if err != nil || len(keys) != 2 || len(problems) != 4 {
		t.Fatalf("%+v, %q, %v", keys, problems, err)
	}
	want := report.AuthorizedKey{
		Type: "ssh-ed25519", Fingerprint: keys[0].Fingerprint, Comment: "bob@x", Source: "/k:4",
		Options: []string{`from="10.0.0.0/8,!10.1.*"`, `command="echo \"a, b\""`, `environment="TOKEN=(present)"`, "no-pty"},
	}
	if !reflect.DeepEqual(keys[1], want) {
		t.Errorf("got  %+v\nwant %+v", keys[1], want)
	}
}

func FuzzAuthorizedKeys(f *testing.F) {
	f.Add([]byte(bobKey))
	f.Add([]byte(`from="a\",b",x ssh-rsa AAAAB3NzaC1yc2E= c` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, _, _ := authorizedKeys(data, "x")
		for _, k := range keys {
			if strings.Contains(strings.Join(k.Options, ""), "=secret") && !strings.Contains(string(data), "=secret") {
				t.Error("made up")
			}
			if !strings.HasPrefix(k.Fingerprint, "SHA256:") || k.Type == "" {
				t.Errorf("%+v", k)
			}
		}
	})
}

func FuzzPAM(f *testing.F) {
	f.Add([]byte("auth [default=die\\]] pam_x.so a=[b c]\n@include x\n-session\\\n required y\n"))
	f.Fuzz(func(_ *testing.T, data []byte) { parsePAM(data, "x") })
}

func FuzzShadow(f *testing.F) {
	f.Add([]byte("a:!$6$b$c:1:2:3:4:5:6:\n"))
	f.Fuzz(func(_ *testing.T, data []byte) { shadowEntry(string(data)) })
}
