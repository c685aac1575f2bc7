package network

import (
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

func TestChrony(t *testing.T) {
	r := fill(t, chrony(), map[string]string{
		"/etc/chrony/chrony.conf":   "! x\n% y\n; z\npool p.example iburst maxsources 2\nserver\nconfdir /etc/chrony/conf.d /usr/share/chrony\nsourcedir /etc/chrony/sources.d\ndriftfile  /var/lib/drift\ninclude /etc/chrony/more*\ninclude /etc/none\nRefclock PHC /dev/ptp0\n",
		"/etc/chrony/conf.d/b.conf": "server b\n", "/usr/share/chrony/b.conf": "server hidden\n", "/usr/share/chrony/a.conf": "server a\n",
		"/etc/chrony/sources.d/s.sources": "server s\n", "/etc/chrony/more1": "leapsectz right/UTC\ninclude /etc/chrony/chrony.conf\n",
	})
	c := r.Chrony
	got := ""
	for _, s := range c.Sources {
		got += s.Kind + " " + s.Address + " " + s.Options + "|"
	}
	if want := "pool p.example iburst maxsources 2|server a |server b |refclock PHC /dev/ptp0|server s |"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	equal(t, "settings", c.Settings, []report.Setting{
		{Key: "sourcedir", Value: "/etc/chrony/sources.d", Source: "/etc/chrony/chrony.conf:7"}, {Key: "driftfile", Value: "/var/lib/drift", Source: "/etc/chrony/chrony.conf:8"},
		{Key: "leapsectz", Value: "right/UTC", Source: "/etc/chrony/more1:1"},
	})
	equal(t, "problems", c.Problems, []string{"/etc/chrony/chrony.conf:5: server has no address", "/etc/chrony/chrony.conf: /etc/chrony/chrony.conf includes itself", "/etc/chrony/chrony.conf:10: /etc/none is included and not there"})
	if r := fill(t, chrony(), map[string]string{"/etc/chrony.conf": "server x\n", "/etc/chrony/chrony.conf": "server y\n"}); r.Chrony.Sources[0].Address != "x" {
		t.Errorf("%+v", r.Chrony)
	}
}

func TestTimesyncd(t *testing.T) {
	r := fill(t, timesyncd(), map[string]string{
		"/usr/lib/systemd/timesyncd.conf": "[Time]\nNTP=hidden\n", "/etc/systemd/timesyncd.conf": "[Time]\n#NTP=\nNTP=a b\nFallbackNTP=f\n",
		"/usr/lib/systemd/timesyncd.conf.d/x.conf": "[Time]\nNTP=\nNTP=c\nPollIntervalMinSec=32\n",
	})
	equal(t, "sources", r.Timesyncd.Sources, []report.TimeSource{{Address: "c", Kind: "server", Source: "NTP"}, {Address: "f", Kind: "fallback", Source: "FallbackNTP"}})
	equal(t, "files", r.Timesyncd.Files, []string{"/etc/systemd/timesyncd.conf", "/usr/lib/systemd/timesyncd.conf.d/x.conf"})
}

func TestNTP(t *testing.T) {
	r := fill(t, ntp(), map[string]string{"/etc/ntp.conf": "# x\nserver a iburst\npool b # c\ncrypto pw hunter2\ncrypto randfile /x ident hunter2\nrestrict -4 default\nserver\n"})
	equal(t, "sources", r.NTP.Sources, []report.TimeSource{{Address: "a", Kind: "server", Options: "iburst", Source: "/etc/ntp.conf:2"}, {Address: "b", Kind: "pool", Source: "/etc/ntp.conf:3"}})
	if n := len(r.NTP.Settings); n != 4 || r.NTP.Settings[0].Value != "pw (present)" {
		t.Errorf("%+v", r.NTP.Settings)
	}
}

func TestListening(t *testing.T) {
	const units = "/usr/lib/systemd/system/"
	for name, x := range map[string]struct {
		files map[string]string
		want  string
	}{
		"sockets": {map[string]string{
			units + "a.socket": "[Socket]\nListenStream=22\nListenDatagram=[::1]:5353\nListenStream=%t/a.sock\nListenStream=@abs\nListenFIFO=/run/f\nListenNetlink=kobject-uevent 1\nListenStream=vsock::1\n",
			units + "b.socket": "[Socket]\nListenStream=1\n", "/etc/systemd/system/b.socket.d/x.conf": "[Socket]\nListenStream=\nListenStream=2\n",
			units + "c.socket": "[Socket]\nListenStream=3\n", "/etc/systemd/system/c.socket": "-> /dev/null",
			"/etc/systemd/system/sockets.target.wants/a.socket": "-> " + units + "a.socket",
		}, "fifo /run/f a.socket true|netlink kobject-uevent 1 a.socket true|tcp 2 b.socket false|tcp 22 a.socket true|udp [::1]:5353 a.socket true|unix /run/a.sock a.socket true|unix @abs a.socket true|vsock :1 a.socket true"},
		"sshd": {map[string]string{units + "sshd.service": "x", "/etc/ssh/sshd_config": "Port 22\nPort 2222\nListenAddress 192.0.2.1\nListenAddress ::1\nListenAddress [::2]:5\nListenAddress h:6\n", "/etc/systemd/system/multi-user.target.wants/sshd.service": "-> x"},
			"tcp 192.0.2.1:22 sshd.service true|tcp 192.0.2.1:2222 sshd.service true|tcp [::1]:22 sshd.service true|tcp [::1]:2222 sshd.service true|tcp [::2]:5 sshd.service true|tcp h:6 sshd.service true"},
		"sshd by default": {map[string]string{units + "ssh.service": "x"}, "tcp 22 ssh.service false"},
		"chronyd":         {map[string]string{units + "chronyd.service": "x", "/etc/chrony.conf": "allow 10.0.0.0/8\ncmdport 0\n"}, "udp 123 chronyd.service false"},
		"chronyd alone":   {map[string]string{units + "chrony.service": "x"}, "udp 127.0.0.1:323 chrony.service false|udp [::1]:323 chrony.service false"},
		"resolved":        {map[string]string{units + "systemd-resolved.service": "x", "/etc/systemd/resolved.conf": "[Resolve]\nDNSStubListener=udp\n"}, "udp 127.0.0.53:53 systemd-resolved.service false"},
		"web": {map[string]string{
			units + "apache2.service": "x", "/etc/apache2/ports.conf": "Listen 80\n<IfModule ssl>\n\tListen 443 https\n</IfModule>\n",
			units + "nginx.service": "x", "/etc/nginx/sites-enabled/a": "-> /etc/nginx/a", "/etc/nginx/a": "server {\n listen [::]:8080 default_server;\n listen 192.0.2.1;\n listen unix:/run/n;\n}\n",
			units + "lighttpd.service": "x", "/etc/lighttpd/lighttpd.conf": "server.port                 = 81\n",
		}, "tcp 192.0.2.1:80 nginx.service false|tcp 443 apache2.service false|tcp 80 apache2.service false|tcp 81 lighttpd.service false|tcp [::]:8080 nginx.service false|unix /run/n nginx.service false"},
	} {
		r := fill(t, listening(), x.files)
		sectiontest.Status(t, r, "listening", report.OK)
		var got []string
		for _, l := range r.Listening {
			enabled := " false"
			if l.Enabled {
				enabled = " true"
			}
			got = append(got, l.Address+" "+l.Unit+enabled)
			if l.Source == "" {
				t.Errorf("%s: %+v has no source", name, l)
			}
		}
		if text := strings.Join(got, "|"); text != x.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, text, x.want)
		}
	}
}
