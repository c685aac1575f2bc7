package configfiles

import (
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

// lines are the files that were kept, each with its lines in quotes.
func lines(r *report.Report) map[string]string {
	out := map[string]string{}
	for _, c := range r.ConfigFiles {
		out[c.Path] = strings.Join(c.Lines, "|")
	}
	return out
}

func TestFill(t *testing.T) {
	r := sectiontest.Report(t, Sections(), map[string]string{
		"/etc/sysctl.d/a.conf":                   "# one\na = 1\r\n\n  ; two\n",
		"/etc/sysctl.d/.hidden.conf":             "b = 1\n",
		"/etc/sysctl.d/masked.conf":              "-> /dev/null",
		"/etc/sysctl.d/gone.conf":                "-> ../nowhere.conf",
		"/etc/sysctl.d/link.conf":                "-> /etc/sysctl.conf",
		"/etc/sysctl.conf":                       "c = 1",
		"/etc/sysctl.d/other.txt":                "d = 1\n",
		"/etc/hosts":                             "# kept\n\n::1 localhost\n",
		"/etc/systemd/system/a.service.d/x.conf": "[Service]\nEnvironment=A=1\n",
		"/usr/lib/sysctl.d/bad.conf":             "a\xff = 1\n",
	})
	sectiontest.Status(t, r, "config-files", report.OK)
	want := map[string]string{
		"/etc/sysctl.d/a.conf": "a = 1|  ; two", "/etc/sysctl.d/link.conf": "c = 1", "/etc/hosts": "# kept||::1 localhost",
		"/etc/systemd/system/a.service.d/x.conf": "[Service]|Environment=A=1", "/usr/lib/sysctl.d/bad.conf": "a\ufffd = 1",
	}
	got := lines(r)
	for path, text := range want {
		if got[path] != text {
			t.Errorf("%s: got %q, want %q", path, got[path], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %q", got)
	}
}

// TestStates: nothing is certain only where everything was looked at; what cannot
// be read is told, and the rest is kept.
func TestStates(t *testing.T) {
	r := sectiontest.Report(t, Sections(), map[string]string{"/etc/x": ""})
	sectiontest.Status(t, r, "config-files", report.Absent)
	r = sectiontest.Report(t, Sections(), map[string]string{
		"/etc/hosts": "a\x00b\n", "/etc/hostname": "h\n", "/etc/fstab": strings.Repeat("x", 1<<20+1), "/etc/locale.conf": strings.Repeat("y", 65<<10),
	})
	sectiontest.Status(t, r, "config-files", report.Unread, "/etc/hosts: line 1: it holds a NUL byte", "/etc/fstab: read", "/etc/locale.conf: line 1:")
	if got := lines(r); len(got) != 1 || got["/etc/hostname"] != "h" {
		t.Errorf("got %q", got)
	}
}

func TestCensor(t *testing.T) {
	for text, want := range map[string]string{
		"proxy_password = abc":                      "proxy_password = (present)",
		"password=abc":                              "password=(present)",
		"    passwd: $6$abc":                        "    passwd: (present)",
		"  - hashed_passwd: 'x:y'":                  "  - hashed_passwd: (present)",
		"proxy_password =":                          "proxy_password =",
		"lock_passwd: true":                         "lock_passwd: true",
		"ssh_pwauth: 0":                             "ssh_pwauth: 0",
		"gpgkey=file:///etc/pki/x":                  "gpgkey=file:///etc/pki/x",
		"PasswordAuthentication no":                 "PasswordAuthentication no",
		"kernel.pid_max = 1":                        "kernel.pid_max = 1",
		"%wheel ALL=(ALL) PASSWD: ALL":              "%wheel ALL=(ALL) PASSWD: ALL",
		"":                                          "",
		"a: 1\npassword: |\n  one\n\n  two\nb: 2":   "a: 1\npassword: (present)\nb: 2",
		"chpasswd:\n  list:\n  - root:secret\nb: 2": "chpasswd:\nb: 2",
		"[a]\ntoken = x\n\ty\nb = 1":                "[a]\ntoken = (present)\nb = 1",
		"rsa: |\n -----BEGIN RSA PRIVATE KEY-----\n abc\n -----END RSA PRIVATE KEY-----\nb: 2": "rsa: |\n (present)\nb: 2",
	} {
		var c censor
		var got []string
		for line := range strings.SplitSeq(text, "\n") {
			if line, shown := c.line(line); shown {
				got = append(got, line)
			}
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzCensor(f *testing.F) {
	f.Add("api_key: x\n y")
	f.Fuzz(func(t *testing.T, text string) {
		var c censor
		for line := range strings.SplitSeq(text, "\n") {
			if got, _ := c.line(line); len(got) > len(line)+len("(present)") {
				t.Errorf("%q became %q", line, got)
			}
		}
	})
}
