package sshconf_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/network/sshconf"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

func read(t testing.TB, d sshconf.Dialect, files map[string]string) *report.SSHConfig {
	t.Helper()
	config, err := sshconf.Read(treetest.Of(t, treetest.Map{Files: files}), d)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// text writes settings as lines.
func text(list []report.Setting) string {
	var lines []string
	for _, s := range list {
		lines = append(lines, s.Key+" "+s.Value)
	}
	return strings.Join(lines, "|")
}

func TestServer(t *testing.T) {
	config := read(t, sshconf.Server(), map[string]string{
		"/etc/ssh/sshd_config":          "# x\nInclude /etc/ssh/sshd_config.d/*.conf\nPort 22\nport=2222 # more\nPermitRootLogin yes\nBanner \"a b\"\nChallengeResponseAuthentication no\nKbdInteractiveAuthentication yes\nEmpty\nBad \"x\nMatch User bob,EVE Address 10.0.0.0/8\n\tX11Forwarding no\n\tX11Forwarding yes\n\tInclude in/*.conf\n\tPermitTTY no\nMatch all\nPermitRootLogin no\n",
		"/etc/ssh/sshd_config.d/b.conf": "PermitRootLogin without-password\n", "/etc/ssh/sshd_config.d/a.conf": "PasswordAuthentication no\nMatch Group x\nPasswordAuthentication yes\n",
		"/etc/ssh/sshd_config.d/c.conf": "-> nowhere", "/etc/ssh/sshd_config.d/d": "Port 1\n",
		"/etc/ssh/in/z.conf": "AllowTcpForwarding no\nMatch host=Y\nGatewayPorts no\n", "/etc/ssh/in/self.conf": "Include in/self.conf\n",
	})
	if got, want := text(config.Settings), `banner "a b"|kbdinteractiveauthentication no|passwordauthentication no|permitrootlogin without-password|port 22|port 2222`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got := ""
	for _, b := range config.Blocks {
		got += b.Condition + ": " + text(b.Settings) + "\n"
	}
	want := `Match group x: passwordauthentication yes
Match user bob,EVE address 10.0.0.0/8: allowtcpforwarding no|permittty no|x11forwarding no
Match user bob,EVE address 10.0.0.0/8; Match host=Y: gatewayports no
Match all: permitrootlogin no
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	problems := strings.Join(config.Problems, "\n")
	for _, want := range []string{
		"/etc/ssh/sshd_config:9: \"empty\" has no value", "/etc/ssh/sshd_config:10: a quote is not closed", "/etc/ssh/sshd_config:2: /etc/ssh/sshd_config.d/c.conf is no file",
		"/etc/ssh/in/self.conf:1: /etc/ssh/in/self.conf includes itself",
	} {
		if !strings.Contains(problems, want) {
			t.Errorf("no problem %q in\n%s", want, problems)
		}
	}
	if len(config.Files) != 5 || config.Files[1].Path != "/etc/ssh/sshd_config.d/a.conf" || config.Settings[2].Source != "/etc/ssh/sshd_config.d/a.conf:1" {
		t.Errorf("%+v", config)
	}
}

func TestClient(t *testing.T) {
	config := read(t, sshconf.Client(), map[string]string{
		"/etc/ssh/ssh_config":         "SendEnv A\nSendEnv B\nPort 1\nPort 2\nInclude ssh_config.d/*\nHost *.example !x\n  User bob\nMatch exec \"a b\" final\n  User eve\n",
		"/etc/ssh/ssh_config.d/a.txt": "Host h\nUser x\n",
	})
	if got := text(config.Settings); got != "port 1|sendenv A|sendenv B" {
		t.Errorf("got %s", got)
	}
	var conditions []string
	for _, b := range config.Blocks {
		conditions = append(conditions, b.Condition)
	}
	if want := []string{"Host h", "Host *.example !x", `Match exec "a b" final`}; !reflect.DeepEqual(conditions, want) {
		t.Errorf("got %q", conditions)
	}
}

func TestBlocksBounded(t *testing.T) {
	config := read(t, sshconf.Server(), map[string]string{"/etc/ssh/sshd_config": strings.Repeat("Match User x\nPort 1\n", 5000)})
	if len(config.Blocks) > 2000 || len(config.Problems) == 0 || len(config.Settings) != 0 {
		t.Errorf("%d blocks, %d problems, settings %q", len(config.Blocks), len(config.Problems), text(config.Settings))
	}
}

func TestMatchList(t *testing.T) {
	for _, x := range []struct {
		list, name string
		want       bool
	}{
		{"bob", "bob", true}, {"b*,!bob", "bob", false}, {"!bob,*", "bob", false}, {"b?b", "bob", true}, {"[b]ob", "bob", false}, {"a/*", "a/b/c", true}, {"", "", true}, {"x,y", "z", false},
	} {
		if got := sshconf.MatchList(x.list, x.name); got != x.want {
			t.Errorf("%s, %s: %v", x.list, x.name, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Include /etc/ssh/*\nMatch User a \"b\nx=y # z\nMatch all\n")
	f.Add("match\nHost\n=\n\"\"\n")
	f.Fuzz(func(t *testing.T, data string) {
		on := treetest.Of(t, treetest.Map{Files: map[string]string{"/etc/ssh/sshd_config": data, "/etc/ssh/ssh_config": data, "/etc/ssh/a": data}})
		for _, d := range []sshconf.Dialect{sshconf.Server(), sshconf.Client()} {
			if config, err := sshconf.Read(on, d); err == nil {
				sshconf.ForUser(config, "bob", []string{"x"}).Get("a", "")
			}
		}
	})
}
