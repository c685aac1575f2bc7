package stages_test

import "testing"

// The trees are what upstream's stage leaves, but for livesys and desktop.
func TestSysconfig(t *testing.T) {
	testChanges(t, "org.osbuild.sysconfig", map[string]change{
		"kernel, network, interface": {
			nil, `{"kernel": {"update_default": true, "default_kernel": "kernel-core"}, "network": {"networking": true, "no_zero_conf": false}, "network-scripts": {"ifcfg":
				{"eth0": {"userctl": true, "bootproto": "dhcp", "device": "eth0", "ipv6init": false, "onboot": true, "peerdns": true, "type": "Ethernet"}}}}`,
			map[string]string{
				"/etc/sysconfig/kernel":                     `file 0644 0:0 "UPDATEDEFAULT=yes\nDEFAULTKERNEL=kernel-core\n"`,
				"/etc/sysconfig/network":                    `file 0644 0:0 "NETWORKING=yes\nNOZEROCONF=no\n"`,
				"/etc/sysconfig/network-scripts/ifcfg-eth0": `file 0644 0:0 "BOOTPROTO=\"dhcp\"\nDEVICE=\"eth0\"\nIPV6INIT=\"no\"\nONBOOT=\"yes\"\nPEERDNS=\"yes\"\nTYPE=\"Ethernet\"\nUSERCTL=\"yes\"\n"`,
			}, "",
		},
		"an interface with nothing": {nil, `{"network-scripts": {"ifcfg": {"eth0": {}}}}`, map[string]string{"/etc/sysconfig/network-scripts": "dir 0755 0:0"}, ""},
		"livesys and desktop": {
			nil, `{"livesys": {"session": "gnome"}, "desktop": {"displaymanager": "GDM"}}`,
			map[string]string{"/etc/sysconfig/livesys": `file 0644 0:0 "livesys_session=\"gnome\"\n"`, "/etc/sysconfig/desktop": `file 0644 0:0 "DISPLAYMANAGER=GDM\n"`}, "",
		},
	})
	testRefusals(t, "org.osbuild.sysconfig", []refusal{
		{nil, `{"kernel": {"update_default": "yes"}}`, "options.kernel.update_default: is a string, not a boolean"},
		{nil, `{"network-scripts": {"ifcfg": {"a/b": {}}}}`, `options.network-scripts.ifcfg["a/b"]: is not the name of an interface`},
		{nil, `{"network-scripts": {"ifcfg": {"eth0": {"device": "a\"\nX=\""}}}}`, "options.network-scripts.ifcfg.eth0.device: "},
		{nil, `{"desktop": {}}`, "options.desktop: needs one of preferred, displaymanager"},
		{nil, `{"livesys": {}}`, "options.livesys.session: is missing"},
	})
}
