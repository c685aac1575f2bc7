package settings

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

// TestSections has one tree for each section, and what is to be found in it.
func TestSections(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  report.SettingFacts
	}{
		"hostname":           {map[string]string{"/etc/hostname": "# mine\n\nhost.example\nother\n"}, report.SettingFacts{Hostname: "host.example"}},
		"timezone":           {map[string]string{"/etc/localtime": "-> ../usr/share/zoneinfo/Europe/Berlin"}, report.SettingFacts{Timezone: "Europe/Berlin"}},
		"timezone of Debian": {map[string]string{"/etc/timezone": "Etc/UTC\n"}, report.SettingFacts{Timezone: "Etc/UTC"}},
		"timezone as a copy": {map[string]string{"/etc/localtime": "TZif"}, report.SettingFacts{Timezone: "a copy"}},
		"sysctl": {map[string]string{
			"/etc/sysctl.d/b.conf": "net.ipv4.ip_forward=1\n-kernel.x\n; c\n", "/usr/lib/sysctl.d/a.conf": "net/ipv4/ip_forward = 0\nnet.ipv4.conf.eth0/1.x=2\nnonsense\n",
			"/usr/lib/sysctl.d/b.conf": "hidden = 1\n",
		}, report.SettingFacts{Sysctl: []report.Setting{
			{Key: "kernel.x", Value: "(left as it is)", Source: "/etc/sysctl.d/b.conf"},
			{Key: "net.ipv4.conf.eth0/1.x", Value: "2", Source: "/usr/lib/sysctl.d/a.conf"},
			{Key: "net.ipv4.ip_forward", Value: "1", Source: "/etc/sysctl.d/b.conf"},
		}}},
		"modprobe": {map[string]string{"/etc/modprobe.d/x.conf": "blacklist pc-spkr\noptions snd index=0 \\\n  id=\"a\"\nx\n# off \\\nblacklist swallowed\n"}, report.SettingFacts{Modprobe: []report.ModprobeRule{
			{Module: "pc_spkr", Command: "blacklist", Source: "/etc/modprobe.d/x.conf"},
			{Module: "snd", Command: "options", Argument: `index=0 id="a"`, Source: "/etc/modprobe.d/x.conf"},
		}}},
		"modules-load": {map[string]string{"/usr/lib/modules-load.d/x.conf": "# c\nloop\n"}, report.SettingFacts{ModulesLoad: []report.Setting{{Key: "loop", Value: "at boot", Source: "/usr/lib/modules-load.d/x.conf"}}}},
		"tmpfiles": {map[string]string{"/etc/tmpfiles.d/x.conf": "d /run/x 0755 root - 10d -\nf+ \"/run/a b\" - - - - one 'two'\nw\n", "/usr/lib/tmpfiles.d/y.conf": "-> /dev/null"}, report.SettingFacts{Tmpfiles: []report.TmpfilesLine{
			{Path: "/run/a b", Type: "f+", Argument: "one 'two'", Source: "/etc/tmpfiles.d/x.conf"},
			{Path: "/run/x", Type: "d", Mode: "0755", User: "root", Age: "10d", Source: "/etc/tmpfiles.d/x.conf"},
		}}},
		"sysusers": {map[string]string{"/usr/lib/sysusers.d/x.conf": "u httpd 404 \"HTTP User\" /var/www\nm bob wheel\n"}, report.SettingFacts{Sysusers: []report.SysusersLine{
			{Name: "bob", Type: "m", ID: "wheel", Source: "/usr/lib/sysusers.d/x.conf"},
			{Name: "httpd", Type: "u", ID: "404", Gecos: "HTTP User", Home: "/var/www", Source: "/usr/lib/sysusers.d/x.conf"},
		}}},
		"udev-rules": {map[string]string{"/etc/udev/rules.d/9.rules": "A==\"1\", \\\n  B=\"2\"\n# c\nC=\"3\"\n", "/usr/lib/udev/rules.d/1.rules": "X=\"1\"\n"}, report.SettingFacts{UdevRules: []report.UdevRules{
			{Name: "1.rules", Source: "/usr/lib/udev/rules.d/1.rules", Rules: 1},
			{Name: "9.rules", Source: "/etc/udev/rules.d/9.rules", Rules: 2, Lines: []string{`A=="1", B="2"`, `C="3"`}},
		}}},
		"limits": {map[string]string{"/etc/security/limits.conf": "* soft core 0 # none\n", "/etc/security/limits.d/x.conf": "@db hard nofile 9\nbad line\n"}, report.SettingFacts{Limits: []report.Limit{
			{Domain: "*", Type: "soft", Item: "core", Value: "0", Source: "/etc/security/limits.conf"},
			{Domain: "@db", Type: "hard", Item: "nofile", Value: "9", Source: "/etc/security/limits.d/x.conf"},
		}}},
		"cron": {map[string]string{
			"/etc/crontab": "SHELL=/bin/sh\n17 * * * * root  cd / && run\n@reboot bob x y\n", "/etc/cron.d/a.dpkg-old": "0 0 * * * root no\n",
			"/var/spool/cron/crontabs/eve": "*/5 * * * * beep\n", "/etc/anacrontab": "START_HOURS_RANGE=3-22\n7 25 cron.weekly nice run-parts /etc/cron.weekly\n", "/etc/cron.daily/off": "",
		}, report.SettingFacts{Cron: []report.CronJob{
			{Source: "/etc/anacrontab", Schedule: "every 7 days", Command: "nice run-parts /etc/cron.weekly"},
			{Source: "/etc/crontab", Schedule: "17 * * * *", User: "root", Command: "cd / && run"},
			{Source: "/etc/crontab", Schedule: "@reboot", User: "bob", Command: "x y"},
			{Source: "/var/spool/cron/crontabs/eve", Schedule: "*/5 * * * *", User: "eve", Command: "beep"},
		}}},
		"ld-so-conf": {map[string]string{"/etc/ld.so.conf": "include ld.so.conf.d/*.conf\n/last\n", "/etc/ld.so.conf.d/b.conf": "/opt/b # x\n", "/etc/ld.so.conf.d/a.conf": "/a1:/a2\nhwcap 0 nosegneg\n"}, report.SettingFacts{LdSoConf: []report.Setting{
			{Key: "/a1", Value: "searched", Source: "/etc/ld.so.conf.d/a.conf"}, {Key: "/a2", Value: "searched", Source: "/etc/ld.so.conf.d/a.conf"},
			{Key: "/opt/b", Value: "searched", Source: "/etc/ld.so.conf.d/b.conf"}, {Key: "/last", Value: "searched", Source: "/etc/ld.so.conf"},
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := sectiontest.Report(t, Sections(), c.files)
			sectiontest.Status(t, r, strings.Fields(name)[0], report.OK)
			c.want.MachineID = &report.MachineID{State: "absent"}
			if !reflect.DeepEqual(r.SettingFacts, c.want) {
				t.Errorf("got  %+v\nwant %+v", r.SettingFacts, c.want)
			}
		})
	}
}

func TestMachineID(t *testing.T) {
	for text, want := range map[string]report.MachineID{
		"": {State: "empty"}, "uninitialized": {State: "uninitialized"}, strings.Repeat("A1", 16): {State: "set", ID: strings.Repeat("a1", 16)},
		strings.Repeat("0", 32): {State: "invalid"}, "x": {State: "invalid"}, strings.Repeat("a", 33): {State: "invalid"},
	} {
		if got := machineIDOf(text); *got != want {
			t.Errorf("%q: %+v, want %+v", text, *got, want)
		}
	}
}

// TestHostile has what no parser may believe.
func TestHostile(t *testing.T) {
	for _, c := range []struct{ file, content, section, words string }{
		{"/etc/ld.so.conf", "include ld.so.conf\n", "ld-so-conf", "includes itself"},
		{"/etc/ld.so.conf", strings.Repeat("include none*\n", section.MaxIncludes+1), "ld-so-conf", "lines include files"},
		{"/etc/ld.so.conf", "a\x00b\n", "ld-so-conf", "line 1"},
		{"/etc/sysctl.d/x.conf", strings.Repeat("x", section.MaxLine+1), "sysctl", "/etc/sysctl.d/x.conf: line 1"},
		{"/etc/hostname", strings.Repeat("\n", section.MaxConfig+1), "hostname", "bytes"},
		{"/etc/tmpfiles.d/x.conf", "-> x.conf", "tmpfiles", "symbolic links"},
	} {
		r := sectiontest.Report(t, Sections(), map[string]string{c.file: c.content})
		sectiontest.Status(t, r, c.section, report.Unread, c.words)
	}
}

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"a b c d":             {"a", "b", "c d"},
		"a":                   {"a", "", ""},
		"- - -":               {"", "", ""},
		`"a b" c\ d 'e f'`:    {"a b", "c d", "e f"},
		`a "open b`:           {"a", "open b", ""},
		"a\t b   \"c\" \"d\"": {"a", "b", `"c" "d"`},
	} {
		if got := splitWords(line, 3); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func FuzzSections(f *testing.F) {
	f.Add("a b c d e f g")
	f.Add("include *\nx = y\n@daily root x\n\"a\\")
	f.Fuzz(func(t *testing.T, text string) {
		files := map[string]string{}
		for _, name := range []string{
			"/etc/hostname", "/etc/machine-id", "/etc/timezone", "/etc/sysctl.d/x.conf", "/etc/modprobe.d/x.conf", "/etc/modules-load.d/x.conf", "/etc/tmpfiles.d/x.conf",
			"/etc/sysusers.d/x.conf", "/etc/udev/rules.d/x.rules", "/etc/security/limits.conf", "/etc/crontab", "/etc/anacrontab", "/etc/ld.so.conf", "/etc/ssl/cert.pem",
		} {
			files[name] = text
		}
		r := sectiontest.Report(t, Sections(), files)
		for name, s := range r.Sections {
			if strings.Contains(s.Reason, "gave up") {
				t.Errorf("%s: %s", name, s.Reason)
			}
		}
	})
}
