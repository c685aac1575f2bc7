package secret

import (
	"strings"
	"testing"
	"time"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"http://u:S@h/x https://S@h": "http://(present)@h/x https://(present)@h", "deb https://h/x y": "deb https://h/x y",
		"root=x rd.iscsi.password=S netroot=iscsi:u:S@h quiet":                "root=x rd.iscsi.password=(present) netroot=iscsi:(present)@h quiet",
		"systemd.set_credential=a:S ro":                                       "systemd.set_credential=(present) ro",
		"rd.luks.key=/k rd.luks.uuid=u":                                       "rd.luks.key=/k rd.luks.uuid=u",
		"username=u,password=S,pass=S,uid=0":                                  "username=u,password=(present),pass=(present),uid=0",
		`x --password=S --token S --user u:S --path /p`:                       `x --password=(present) --token (present) --user u:(present) --path /p`,
		`PGPASSWORD="a b" pg_dump`:                                            `PGPASSWORD=(present) pg_dump`,
		`curl -H "Authorization: Bearer S" h`:                                 `curl -H "Authorization: Bearer (present)" h`,
		"https://h/?token=S&a=b":                                              "https://h/?token=(present)&a=b",
		`apt: {key: S, "token": "S", uri: x}`:                                 `apt: {key: (present), "token": (present), uri: x}`,
		"-----BEGIN RSA PRIVATE KEY-----\nS\n-----END RSA PRIVATE KEY-----\n": "(present)\n",
		"-----BEGIN PRIVATE KEY-----\nS":                                      "(present)",
		`line 3: "$6$S$S" is no number`:                                       `line 3: "(present)" is no number`,

		"PasswordAuthentication=yes": "PasswordAuthentication=yes", "password=yes": "password=yes", "passwd_tries=3": "passwd_tries=3",
		"system_u:object_r:passwd_exec_t:s0": "system_u:object_r:passwd_exec_t:s0", "passwd: files systemd": "passwd: files systemd",
		`ATTR{key}=="x", KERNEL=="sd*"`: `ATTR{key}=="x", KERNEL=="sd*"`, "ssh user@host --help": "ssh user@host --help",
		"Environment=API_KEY=S": "Environment=API_KEY=(present)", `Defaults x="TOKEN=S"`: `Defaults x="TOKEN=(present)"`, "list=https://h/?key=S": "list=https://h/?key=(present)",
		"ConditionCredential=|a": "ConditionCredential=|a",
		"token=(present)":        "token=(present)",
	} {
		if got := Text(text); got != want {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
		if once := Text(text); Text(once) != once {
			t.Errorf("%q: twice is other than once: %q", text, Text(once))
		}
	}
}

func TestTextIsLinear(t *testing.T) {
	begin := time.Now()
	for _, piece := range []string{"a=", "--a ", "{a: ", "-----BEGIN PRIVATE KEY-----", "http://", "a:", "$6$", "a='", "token='", "token=x", "key=/", "token=yes'", "token=="} {
		Text(strings.Repeat(piece, 1<<17/len(piece)))
	}
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
}
