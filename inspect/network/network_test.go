package network

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// fill runs one section over files, all of root's and closed to others.
func fill(t testing.TB, s section.Section, files map[string]string) *report.Report {
	t.Helper()
	on := treetest.Of(t, treetest.Map{Files: files, Change: func(n *image.Node) {
		if n.Type == report.File {
			n.Mode = 0o600
		}
	}})
	r := sectiontest.Fill(t, []section.Section{s}, on)
	noSecret(t, r)
	return r
}

// noSecret requires that a report does not hold the word that tests plant as one.
func noSecret(t testing.TB, r *report.Report) {
	t.Helper()
	var b strings.Builder
	if err := r.Encode(&b); err != nil {
		t.Fatal(err)
	}
	if i := strings.Index(b.String(), "hunter2"); i >= 0 {
		t.Errorf("a secret is in the report: %s", b.String()[max(0, i-200):i+20])
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}

func TestAbsent(t *testing.T) {
	r := sectiontest.Report(t, Sections(), map[string]string{"/etc/x": ""})
	for name := range r.Sections {
		sectiontest.Status(t, r, name, report.Absent)
	}
}

func TestHosts(t *testing.T) {
	r := fill(t, hosts(), map[string]string{"/etc/hosts": "# names\n127.0.0.1\tlocalhost  a # b\n\n ::1 ip6\nalone\n"})
	equal(t, "hosts", r.Hosts, &report.Hosts{
		Entries: []report.Host{{Address: "127.0.0.1", Names: []string{"localhost", "a"}}, {Address: "::1", Names: []string{"ip6"}}},
		Lines:   []string{"# names", "127.0.0.1\tlocalhost  a # b", "::1 ip6", "alone"},
	})
}

func TestResolvConf(t *testing.T) {
	for name, x := range map[string]struct {
		files map[string]string
		want  report.ResolvConf
	}{
		"file": {map[string]string{"/etc/resolv.conf": "# x\n; y\ndomain a\nsearch b  c\nnameserver 192.0.2.1\nnameserver\t::1 x\noptions edns0\noptions ndots:2 rotate\n"},
			report.ResolvConf{Nameservers: []string{"192.0.2.1", "::1"}, Search: []string{"b", "c"}, Options: []string{"edns0", "ndots:2", "rotate"},
				Lines: []string{"; y", "domain a", "search b  c", "nameserver 192.0.2.1", "nameserver\t::1 x", "options edns0", "options ndots:2 rotate"}}},
		"link into /run": {map[string]string{"/etc/resolv.conf": "-> ../run/systemd/resolve/stub-resolv.conf"}, report.ResolvConf{Link: "../run/systemd/resolve/stub-resolv.conf"}},
		"link":           {map[string]string{"/etc/resolv.conf": "-> /r", "/r": "search x\n"}, report.ResolvConf{Link: "/r", Search: []string{"x"}, Lines: []string{"search x"}}},
	} {
		r := fill(t, resolvConf(), x.files)
		sectiontest.Status(t, r, "resolv-conf", report.OK)
		equal(t, name, r.ResolvConf, &x.want)
	}
}

func TestNetworkManager(t *testing.T) {
	const dir = "/etc/NetworkManager/system-connections/"
	files := map[string]string{
		"/etc/NetworkManager/NetworkManager.conf":      "[main]\nplugins=keyfile\nno-auto-default=a\n[connectivity]\nenabled=false\n",
		"/usr/lib/NetworkManager/conf.d/a.conf":        "[main]\nplugins=ifcfg-rh\ndns=none\n",
		"/usr/lib/NetworkManager/conf.d/b.conf":        "[main]\ndns=hidden\n",
		"/etc/NetworkManager/conf.d/b.conf":            "[main]\nno-auto-default+=b\n[secrets]\nx=hunter2\n",
		dir + "wifi.nmconnection":                      "[connection]\nid=Caf\\sé\nuuid=1\ntype=wifi\ninterface-name=wlan0\nautoconnect=false\n\n[wifi]\nssid=x;\n[wifi-security]\nkey-mgmt=wpa-psk\npsk=hunter2\npsk-flags=0\n[802-1x]\npassword=hunter2\nprivate-key=hunter2\n[vpn-secrets]\nwhatever=hunter2\n[ipv4]\nmethod=manual\naddress1=192.0.2.1/24,192.0.2.254\naddress2=192.0.2.2/24\ndns=192.0.2.53;192.0.2.54;\ndns-search=a;b;\nroute1=10.0.0.0/8,192.0.2.3\n[ipv6]\nmethod=auto\ngateway=fe80::1\n",
		dir + "wire":                                   "[connection]\ntype=wireguard\n[wireguard]\nprivate-key=hunter2\n[wireguard-peer.abc=]\npreshared-key=hunter2\nendpoint=x:1\nlost line\n",
		dir + "old.nmconnection~":                      "x",
		dir + ".hidden":                                "x",
		dir + "save.rpmsave":                           "x",
		"/usr/lib/NetworkManager/system-connections/d": "x",
	}
	r := fill(t, networkManager(), files)
	sectiontest.Status(t, r, "networkmanager", report.OK)
	n := r.NetworkManager
	settings := map[string]string{}
	for _, s := range n.Settings {
		settings[s.Key] = s.Value
	}
	equal(t, "settings", settings, map[string]string{"main.plugins": "keyfile", "main.dns": "none", "main.no-auto-default": "a,b", "connectivity.enabled": "false", "secrets.x": "(present)"})
	if len(n.Connections) != 2 || len(n.Problems) != 1 || n.Problems[0] != dir+"wire:8: \"lost line\" is no assignment" {
		t.Fatalf("%d connections, problems %q", len(n.Connections), n.Problems)
	}
	c := n.Connections[0]
	for _, key := range []string{"wifi-security.psk", "802-1x.password", "802-1x.private-key", "vpn-secrets.whatever"} {
		if c.Settings[key] != "(present)" {
			t.Errorf("%s: %q", key, c.Settings[key])
		}
	}
	c.Settings = nil
	equal(t, "connection", c, report.NMConnection{
		Path: dir + "wifi.nmconnection", ID: "Caf é", UUID: "1", Type: "wifi", Interface: "wlan0",
		IPv4: report.NMIP{Method: "manual", Addresses: []string{"192.0.2.1/24", "192.0.2.2/24"}, Gateway: "192.0.2.254", DNS: []string{"192.0.2.53", "192.0.2.54"}, Search: []string{"a", "b"}, Routes: []string{"10.0.0.0/8,192.0.2.3"}},
		IPv6: report.NMIP{Method: "auto", Gateway: "fe80::1"},
	})
	if c := n.Connections[1]; c.ID != "wire" || !c.Autoconnect || c.Refused != "" {
		t.Errorf("%+v", c)
	}
	open := sectiontest.Report(t, []section.Section{networkManager()}, files)
	if why := open.NetworkManager.Connections[0].Refused; why != "its mode is 0644, others than root have access" {
		t.Errorf("refused: %s", why)
	}
}

func TestNetworkd(t *testing.T) {
	r := fill(t, networkd(), map[string]string{
		"/etc/systemd/network/10-a.network":              "[Match]\nName=en*\n[Address]\nAddress=192.0.2.1/24\n[Address]\nAddress=192.0.2.2/24\n",
		"/usr/lib/systemd/network/10-a.network":          "[Match]\nName=hidden\n",
		"/usr/lib/systemd/network/10-a.network.d/z.conf": "[Network]\nDNS=192.0.2.53\n",
		"/etc/systemd/network/10-a.network.d/b.conf":     "[Network]\nDHCP=yes\nbad\n",
		"/etc/systemd/network/off.link":                  "-> /dev/null", "/etc/systemd/network/empty.link": "",
		"/etc/systemd/network/[wg.netdev": "[NetDev]\nKind=wireguard\n[WireGuard]\nPrivateKey=hunter2\nPrivateKeyFile=/x\n[WireGuardPeer]\nPublicKey=p\nPresharedKey=hunter2\n",
		"/etc/systemd/network/README":     "",
	})
	sectiontest.Status(t, r, "networkd", report.OK)
	equal(t, "files", r.Networkd, []report.NetworkdFile{
		{Name: "10-a.network", Path: "/etc/systemd/network/10-a.network",
			DropIns: []string{"/etc/systemd/network/10-a.network.d/b.conf", "/usr/lib/systemd/network/10-a.network.d/z.conf"},
			Sections: []report.NetworkdSection{
				{Name: "Match", Values: []string{"Name=en*"}}, {Name: "Address", Values: []string{"Address=192.0.2.1/24"}}, {Name: "Address", Values: []string{"Address=192.0.2.2/24"}},
				{Name: "Network", Values: []string{"DHCP=yes"}}, {Name: "Network", Values: []string{"DNS=192.0.2.53"}},
			},
			Problems: []string{`/etc/systemd/network/10-a.network.d/b.conf:3: "bad" is no assignment`}},
		{Name: "[wg.netdev", Path: "/etc/systemd/network/[wg.netdev", Sections: []report.NetworkdSection{
			{Name: "NetDev", Values: []string{"Kind=wireguard"}}, {Name: "WireGuard", Values: []string{"PrivateKey=(present)", "PrivateKeyFile=/x"}},
			{Name: "WireGuardPeer", Values: []string{"PublicKey=p", "PresharedKey=(present)"}},
		}},
		{Name: "empty.link", Path: "/etc/systemd/network/empty.link", Masked: true},
		{Name: "off.link", Path: "/etc/systemd/network/off.link", Masked: true},
	})
}

func TestIfcfg(t *testing.T) {
	r := fill(t, ifcfg(), map[string]string{
		"/etc/sysconfig/network": "NETWORKING=yes\nNOZEROCONF=\"yes\"\n", "/etc/sysconfig/network-scripts/ifcfg-eth0": "DEVICE=eth0\nBOOTPROTO='dhcp' # x\nKEY1=hunter2\nWPA_PSK=hunter2\nif true\n",
		"/etc/sysconfig/network-scripts/route-eth0": "x", "/etc/sysconfig/network-scripts/keys-eth0": "WPA_PSK=hunter2", "/etc/sysconfig/network-scripts/ifup": "x",
		"/etc/sysconfig/network-scripts/ifcfg-gone": "-> nowhere",
	})
	equal(t, "Red Hat's", r.Ifcfg, &report.Ifcfg{
		Network: map[string]string{"NETWORKING": "yes", "NOZEROCONF": "yes"},
		Interfaces: []report.IfcfgInterface{{Name: "eth0", Path: "/etc/sysconfig/network-scripts/ifcfg-eth0",
			Values: map[string]string{"DEVICE": "eth0", "BOOTPROTO": "dhcp", "KEY1": "(present)", "WPA_PSK": "(present)"}}},
		Others:   []string{"/etc/sysconfig/network-scripts/keys-eth0", "/etc/sysconfig/network-scripts/route-eth0"},
		Problems: []string{`/etc/sysconfig/network-scripts/ifcfg-eth0:5: "if true" is not NAME=VALUE`},
	})
	r = fill(t, ifcfg(), map[string]string{"/etc/sysconfig/network/config": "A=b\n", "/etc/sysconfig/network/ifcfg-lo": "IPADDR=127.0.0.1/8\n"})
	equal(t, "SUSE's", r.Ifcfg, &report.Ifcfg{Network: map[string]string{"A": "b"}, Interfaces: []report.IfcfgInterface{{Name: "lo", Path: "/etc/sysconfig/network/ifcfg-lo", Values: map[string]string{"IPADDR": "127.0.0.1/8"}}}})
}

func TestNetplan(t *testing.T) {
	r := fill(t, netplan(), map[string]string{
		"/etc/netplan/10-a.yaml": "network:\n  version: 2\n  renderer: networkd\n  ethernets:\n    eth0:\n      dhcp4: yes\n      addresses: [192.0.2.1/24]\n      mtu: 9000\n    eth1: {}\n",
		"/lib/netplan/20-b.yaml": "network:\n  ethernets:\n    eth0:\n      dhcp4: false\n      mtu: null\n      addresses:\n      - 192.0.2.2/24\n      nameservers: {addresses: [192.0.2.53]}\n  wifis:\n    wlan0:\n      access-points:\n        \"my.net\": {password: hunter2}\n        other: {auth: {key-management: psk, password: hunter2}}\n  tunnels:\n    wg0: {keys: {private: hunter2}, peers: [{keys: {public: p, shared: hunter2}}]}\n",
		"/lib/netplan/10-a.yaml": "hidden: true\n", "/etc/netplan/30-bad.yaml": "network: [\n", "/etc/netplan/40.yaml": "x: 1\n",
	})
	n := r.Netplan
	equal(t, "files", n.Files, []string{"/etc/netplan/10-a.yaml", "/lib/netplan/20-b.yaml", "/etc/netplan/30-bad.yaml", "/etc/netplan/40.yaml"})
	if n.Renderer != "networkd" || len(n.Problems) != 2 || !strings.HasPrefix(n.Problems[0], "/etc/netplan/30-bad.yaml: ") {
		t.Errorf("%+v", n)
	}
	equal(t, "interfaces", n.Interfaces, []report.NetplanInterface{
		{ID: "eth0", Kind: "ethernets", Addresses: []string{"192.0.2.1/24", "192.0.2.2/24"}, Nameservers: []string{"192.0.2.53"},
			Settings: map[string]string{"dhcp4": "false", "addresses.0": "192.0.2.1/24", "addresses.1": "192.0.2.2/24", "nameservers.addresses.0": "192.0.2.53"}},
		{ID: "eth1", Kind: "ethernets", Settings: map[string]string{}},
		{ID: "wg0", Kind: "tunnels", Settings: map[string]string{"keys.private": "(present)", "peers.0.keys.public": "p", "peers.0.keys.shared": "(present)"}},
		{ID: "wlan0", Kind: "wifis", Settings: map[string]string{"access-points.my.net.password": "(present)", "access-points.other.auth.key-management": "psk", "access-points.other.auth.password": "(present)"}},
	})
}

func TestInterfaces(t *testing.T) {
	r := fill(t, interfaces(), map[string]string{
		"/etc/network/interfaces":     "# x\nauto lo \\\n eth0\nallow-hotplug eth1\nallow-x eth2\niface lo inet loopback\niface eth0 inet static\n\taddress 192.0.2.1/24\n\twpa-psk hunter2\n\tup ip route add \\\n  x\nsource interfaces.d/*\nsource-directory /etc/network/more\nmapping eth*\n script /x\niface eth3 inherits eth0\n option\nsource /etc/none\n",
		"/etc/network/interfaces.d/a": "iface eth4 inet6 auto\nsource /etc/network/interfaces\n", "/etc/network/more/b": "stray 1\n", "/etc/network/more/c.bak": "auto no\n",
	})
	i := r.Interfaces
	equal(t, "auto", i.Auto, []string{"lo", "eth0"})
	equal(t, "hotplug", i.Hotplug, []string{"eth1"})
	equal(t, "allow", i.Allow, []string{"allow-x eth2"})
	equal(t, "files", i.Files, []string{"/etc/network/interfaces", "/etc/network/interfaces.d/a", "/etc/network/more/b"})
	equal(t, "problems", i.Problems, []string{"/etc/network/interfaces.d/a:2: /etc/network/interfaces includes itself", `/etc/network/more/b:1: "stray 1" stands in no stanza`})
	equal(t, "stanzas", i.Stanzas, []report.InterfaceStanza{
		{Name: "lo", Family: "inet", Method: "loopback", Source: "/etc/network/interfaces:6"},
		{Name: "eth0", Family: "inet", Method: "static", Options: []string{"address 192.0.2.1/24", "wpa-psk (present)", "up ip route add x"}, Source: "/etc/network/interfaces:7"},
		{Name: "eth4", Family: "inet6", Method: "auto", Source: "/etc/network/interfaces.d/a:1"},
		{Name: "eth*", Method: "mapping", Options: []string{"script /x"}, Source: "/etc/network/interfaces:14"},
		{Name: "eth3", Method: "inherits eth0", Options: []string{"option"}, Source: "/etc/network/interfaces:16"},
	})
}
