package accounts

import (
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

// texts are all files that the sections read.
func texts() []string {
	return []string{
		"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/usr/lib/passwd", "/usr/lib/group", "/etc/subuid", "/etc/subgid", "/etc/shells", "/etc/login.defs",
		"/etc/nsswitch.conf", "/etc/sudoers", "/etc/sudoers.d/x", "/etc/pam.d/login", "/etc/pam.d/x", "/etc/polkit-1/rules.d/x.rules", "/etc/polkit-1/localauthority/a/x.pkla",
		"/usr/share/polkit-1/actions/x.policy", "/etc/ssh/sshd_config", "/root/.ssh/authorized_keys", "/etc/systemd/system/getty@.service", "/etc/gdm/custom.conf",
	}
}

// TestHostile gives every file a text that no program takes, a link that leaves the
// image, or no end.
func TestHostile(t *testing.T) {
	for name, text := range map[string]string{
		"NUL": "a\x00b\n", "long": strings.Repeat("x", section.MaxLine+1), "link": "-> ../../../../../../etc/shadow", "loop": "-> loop", "binary": "\xff\xfe:\x80\n@include \xff\n",
	} {
		files := map[string]string{}
		for _, file := range texts() {
			files[file] = text
			if name == "loop" {
				files[file] = "-> " + file
			}
		}
		for section, s := range sectiontest.Report(t, Sections(Options{}), files).Sections {
			if s.Status == report.Unread && !strings.Contains(s.Reason, "/") && section != "groups" && section != "users" {
				t.Errorf("%s: %s: the reason names no place: %s", name, section, s.Reason)
			}
			if name == "NUL" && s.Status != report.Unread && section != "polkit" && section != "skel" {
				t.Errorf("%s is %s over NUL bytes", section, s.Status)
			}
		}
	}
}

// TestLarge fills each file with lines that cost: none may cost more than in proportion.
func TestLarge(t *testing.T) {
	fixtures.RequireFull(t)
	key := strings.TrimSpace(bobKey)
	for _, line := range []string{
		"a:x:0:0::/root:/bin/sh\n", "a:$6$a$b:1:2:3:4:5:6:\n", "a:x:0:a,b,c\n", "a ALL=ALL\n", "@include /etc/sudoers.d/x\n", "@includedir /etc/sudoers.d\n", "@include x\n", "auth include x\n",
		"Match User x\nPermitRootLogin no\n", "AllowUsers x*y*z\n", "AuthorizedKeysFile %h%h%h%h\n", key + "\n", "[x]\na=b\n", "[Service]\nExecStart=agetty -a root\n", "Defaults a,b=c\n", "a \\\n", "<action x",
	} {
		files := map[string]string{"/bin/sh": "x", "/usr/sbin/sshd": "x"}
		for _, file := range texts() {
			files[file] = strings.Repeat(line, section.MaxConfig/4/len(line))
		}
		files["/etc/passwd"] = strings.Repeat("a:$6$a$b:0:0::/root:/bin/sh\n", 50_000)
		for _, s := range Sections(Options{}) {
			begin := time.Now()
			sectiontest.Report(t, []section.Section{s}, files)
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("%q: %s took %v", line, s.Name, took)
			}
		}
	}
}

// FuzzSections gives every file the same text, and links where the text says.
func FuzzSections(f *testing.F) {
	f.Add("root::0:0::/root:/bin/sh\n", "/etc/passwd")
	f.Add("a ALL=(b:c) NOPASSWD: /d\n@include x\n", "../x")
	f.Add("auth [a=b] x.so\n@include login\n", "/etc")
	f.Add("Match User root\nAuthorizedKeysFile %h/%u\n", "x")
	f.Fuzz(func(t *testing.T, text, target string) {
		if len(text) > 1<<12 {
			return
		}
		files := map[string]string{"/etc/sudoers.d/l": "-> " + target, "/etc/skel": "-> " + target, "/usr/sbin/sshd": "x"}
		for _, file := range texts() {
			files[file] = text
		}
		for name, s := range sectiontest.Report(t, Sections(Options{}), files).Sections {
			if strings.Contains(s.Reason, "gave up") || s.Status == report.Unread && s.Reason == "" {
				t.Errorf("section %s: %s", name, s.Reason)
			}
		}
	})
}
