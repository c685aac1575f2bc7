package network

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
		"/etc/hosts", "/etc/resolv.conf", "/etc/NetworkManager/NetworkManager.conf", "/etc/NetworkManager/system-connections/x", "/etc/systemd/network/x.network",
		"/etc/sysconfig/network", "/etc/sysconfig/network-scripts/ifcfg-x", "/etc/netplan/x.yaml", "/etc/network/interfaces", "/etc/firewalld/firewalld.conf",
		"/etc/firewalld/zones/public.xml", "/etc/firewalld/direct.xml", "/etc/nftables.conf", "/etc/sysconfig/iptables", "/etc/ssh/sshd_config", "/etc/ssh/ssh_config",
		"/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_rsa_key.pub", "/etc/chrony.conf", "/etc/systemd/timesyncd.conf", "/etc/ntp.conf",
		"/etc/systemd/system/x.socket", "/etc/systemd/system/nginx.service", "/etc/nginx/nginx.conf",
	}
}

// TestHostile gives every file that a section reads a text that no program takes, or a link
// that leaves the image, or no end.
func TestHostile(t *testing.T) {
	for name, text := range map[string]string{
		"NUL": "a\x00b\n", "long": strings.Repeat("x", section.MaxLine+1), "link": "-> ../../../../../../etc/shadow", "loop": "-> loop",
		"binary": "\xff\xfe[\x80]\n\x80=\xff\n<a", "big": strings.Repeat("y\n", section.MaxConfig),
	} {
		files := map[string]string{}
		for _, file := range texts() {
			files[file] = text
			if name == "loop" {
				files[file] = "-> " + file
			}
		}
		r := sectiontest.Report(t, Sections(), files)
		for section, s := range r.Sections {
			if s.Status == report.Unread && !strings.Contains(s.Reason, "/") {
				t.Errorf("%s: %s: the reason names no place: %s", name, section, s.Reason)
			}
			if name == "NUL" && s.Status != report.Unread && section != "netplan" && section != "ssh-host-keys" && section != "firewalld" {
				t.Errorf("%s is %s over NUL bytes", section, s.Status)
			}
		}
	}
}

// TestLarge fills each file with lines that cost: none may cost more than
// in proportion.
func TestLarge(t *testing.T) {
	fixtures.RequireFull(t)
	for _, line := range []string{
		"a b\n", "Match User x\n", "Host x\n", "Include *\n", "[x]\n", "a=b\n", "x {\n", "table a {\n", "chain a {\n", "auto a\n", "iface a inet b\n", ":a A\n*b\n", "server a\n", "listen 1;\n",
		"include /etc/*\n", "<a>", "<zone>", "x: &a [*a,*a]\n", "- \n", "{", "source *\n", "confdir /etc /etc\n", "{a: ", "ListenStream=1\n", "a \\\n",
	} {
		files := map[string]string{}
		for i, file := range texts() {
			files[file] = strings.Repeat(line, section.MaxConfig/4/len(line))
			if strings.Contains(line, "=b") { // each key another one
				files[file] = distinct(line, i)
			}
		}
		for _, s := range Sections() {
			begin := time.Now()
			sectiontest.Report(t, []section.Section{s}, files)
			if took := time.Since(begin); took > 5*time.Second {
				println(line, s.Name, took.String())
				t.Errorf("%q: %s took %v", line, s.Name, took)
			}
		}
	}
}

func distinct(line string, seed int) string {
	var b strings.Builder
	for i := seed; b.Len() < section.MaxConfig/4; i++ {
		b.WriteString(strings.Repeat("k", i%7))
		for n := i; n > 0; n /= 26 {
			b.WriteByte(byte('a' + n%26))
		}
		b.WriteString(line)
	}
	return b.String()
}

// FuzzSections gives every file the same text, and links where the text says.
func FuzzSections(f *testing.F) {
	f.Add("Include /etc/ssh/*\nMatch User a\n", "/etc/ssh/sshd_config")
	f.Add("network:\n  ethernets: {a: {addresses: [x]}}\n", "../x")
	f.Add("auto a\niface a inet dhcp\n psk x\nsource *\n", "/etc")
	f.Add("server a\nconfdir /etc\ninclude /etc/*\n", "/etc/chrony.conf")
	f.Add("[connection]\nid=a\\s\n[ipv4]\naddress1=a,b\nroute0=x\n", "x")
	f.Fuzz(func(t *testing.T, text, target string) {
		if len(text) > 1<<12 {
			return
		}
		files := map[string]string{"/etc/ssh/x": "-> " + target, "/etc/nft.d": "-> " + target}
		for _, file := range texts() {
			files[file] = text
		}
		r := sectiontest.Report(t, Sections(), files)
		for name, s := range r.Sections {
			if strings.Contains(s.Reason, "gave up") || s.Status == report.Unread && s.Reason == "" {
				t.Errorf("section %s: %s", name, s.Reason)
			}
		}
	})
}
