package network

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/network/sshconf"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/section/yamltext"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// TestDebian reads a whole Debian system, and asks its own programs.
func TestDebian(t *testing.T) {
	root := fixtures.DebianTree(t)
	r := sectiontest.Fill(t, Sections(), treetest.Open(t, root))
	for name, s := range r.Sections {
		if s.Status == report.Unread {
			t.Errorf("section %s: %s", name, s.Reason)
		}
	}
	in := func(argv ...string) string {
		out, err := fixtures.InTree(t, root, nil, "", argv...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	t.Run("hosts", func(t *testing.T) {
		got := ""
		for _, h := range r.Hosts.Entries {
			got += strings.Replace(h.Address, "::1", "127.0.0.1", 1) + " " + strings.Join(h.Names, " ") + "\n" // getent shows ::1 so
		}
		if want := in("getent", "hosts"); got != fieldsOf(want) {
			t.Errorf("got\n%sgetent says\n%s", got, want)
		}
	})
	t.Run("chrony", func(t *testing.T) { compareChrony(t, r.Chrony, in("chronyd", "-p", "-f", "/etc/chrony/chrony.conf")) })
	t.Run("sshd", func(t *testing.T) { compareSSH(t, r.Sshd, in("sshd", "-T")) })
	t.Run("keys", func(t *testing.T) {
		for _, k := range r.SSHHostKeys {
			compareWithKeygen(t, root, k)
		}
	})
	if len(r.SSHHostKeys) != 3 || len(r.Listening) < 15 {
		t.Errorf("%d keys, %d listeners", len(r.SSHHostKeys), len(r.Listening))
	}
}

// fieldsOf has one space between the words of each line.
func fieldsOf(text string) string {
	out := ""
	for line := range strings.Lines(text) {
		out += strings.Join(strings.Fields(line), " ") + "\n"
	}
	return out
}

func compareChrony(t *testing.T, got *report.TimeService, text string) {
	t.Helper()
	var ours []string
	for _, s := range got.Sources {
		ours = append(ours, strings.TrimSpace(s.Kind+" "+s.Address+" "+s.Options))
	}
	for _, s := range got.Settings {
		ours = append(ours, strings.TrimSpace(s.Key+" "+s.Value))
	}
	theirs := strings.Split(strings.TrimSpace(fieldsOf(text)), "\n")
	slices.Sort(ours)
	slices.Sort(theirs)
	equal(t, "lines of chrony", ours, theirs)
}

// compareSSH requires that each setting is what the program says it will use.
func compareSSH(t *testing.T, got *report.SSHConfig, text string) {
	t.Helper()
	said := map[string][]string{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[key] = append(said[key], value)
	}
	for _, s := range got.Settings {
		want := said[s.Key]
		s.Value = strings.ReplaceAll(s.Value, `"`, "") // the program shows none
		values := []string{s.Value}
		if s.Key == "acceptenv" || s.Key == "allowusers" || s.Key == "denygroups" {
			values = strings.Fields(s.Value) // each is a line of its own
		}
		for _, v := range values {
			if v == "prohibit-password" {
				v = "without-password"
			}
			if !slices.Contains(want, v) {
				t.Errorf("%s %s, the program says %q", s.Key, v, want)
			}
		}
	}
	for key, values := range said {
		if ours := sshconf.All(got.Settings, key); len(ours) > 0 && len(ours) < len(values) && key != "acceptenv" && key != "allowusers" && key != "denygroups" {
			t.Errorf("%s: %q, the program says %q", key, ours, values)
		}
	}
}

// sshdConfigs are configurations whose order, quotes and blocks matter.
var sshdConfigs = []map[string]string{
	{"/etc/ssh/sshd_config": "Port 2222\nport=22\nPermitRootLogin = \"no\"\nPermitRootLogin yes\nInclude /etc/ssh/sshd_config.d/*.conf\nMaxAuthTries 3\nAllowUsers a b@10.*\nAllowUsers c\nX11Forwarding yes # no\n"},
	{"/etc/ssh/sshd_config": "Include sshd_config.d/10*.conf\nMatch User bob\nPasswordAuthentication yes\nInclude /etc/ssh/sshd_config.d/10-site.conf\nMatch all\nPermitTTY no\n"},
	{"/etc/ssh/sshd_config": "ChallengeResponseAuthentication no\nKbdInteractiveAuthentication yes\nBanner \"/etc/a b\"\nSubsystem sftp internal-sftp -f AUTH\nDenyGroups x\nDenyGroups y z\nListenAddress 192.0.2.1:5\nAuthorizedKeysFile /etc/%u 'a b'\n"},
}

// TestSshdOracle asks sshd about each, for everybody and for one user.
func TestSshdOracle(t *testing.T) {
	root := fixtures.DebianTree(t)
	for i, files := range sshdConfigs {
		out, err := fixtures.InTree(t, root, files, "", "sshd", "-T")
		if err != nil {
			t.Fatal(err)
		}
		site, err := os.ReadFile(filepath.Join(root, "etc/ssh/sshd_config.d/10-site.conf"))
		if err != nil {
			t.Fatal(err)
		}
		config, err := sshconf.Read(treetest.Of(t, treetest.Map{Files: map[string]string{
			"/etc/ssh/sshd_config": files["/etc/ssh/sshd_config"], "/etc/ssh/sshd_config.d/10-site.conf": string(site),
		}}), sshconf.Server())
		if err != nil || len(config.Problems) > 0 {
			t.Fatalf("%v, %q", err, config.Problems)
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) { compareSSH(t, config, out) })
		// The groups are those that the users have in the tree.
		for user, groups := range map[string][]string{"bob": {"bob", "sudo"}, "root": {"root"}} {
			out, err := fixtures.InTree(t, root, files, "", "sshd", "-T", "-C", "user="+user+",host=h,addr=192.0.2.9,laddr=192.0.2.1,lport=22")
			if err != nil {
				t.Fatal(err)
			}
			view := sshconf.ForUser(config, user, groups)
			for _, key := range []string{"passwordauthentication", "permitrootlogin", "permittty", "kbdinteractiveauthentication", "forcecommand"} {
				got := view.Get(key, "")
				if got != "" && !strings.Contains(out, "\n"+key+" "+got+"\n") {
					t.Errorf("%d, %s: %s %s is not what sshd says:\n%s", i, user, key, got, out)
				}
			}
		}
	}
}

// TestSSHOracle asks ssh about its own configuration.
func TestSSHOracle(t *testing.T) {
	root := fixtures.DebianTree(t)
	text := "Port 2222\nPort 1\nIdentityFile /a\nIdentityFile \"/b c\"\nServerAliveInterval=5\nHost other\nUser eve\n"
	out, err := fixtures.InTree(t, root, map[string]string{"/etc/ssh/ssh_config": text}, "", "ssh", "-G", "host")
	if err != nil {
		t.Fatal(err)
	}
	config, err := sshconf.Read(treetest.Of(t, treetest.Map{Files: map[string]string{"/etc/ssh/ssh_config": text}}), sshconf.Client())
	if err != nil {
		t.Fatal(err)
	}
	compareSSH(t, config, out)
}

// TestChronyOracle asks chronyd about includes and directories.
func TestChronyOracle(t *testing.T) {
	root := fixtures.DebianTree(t)
	text := "# x\nserver  a iburst\n! y\ninclude /etc/chrony/conf.d/site.conf\nallow\nconfdir /etc/chrony/conf.d /none\npool b maxsources 3\n"
	out, err := fixtures.InTree(t, root, map[string]string{"/etc/chrony/chrony.conf": text}, "", "chronyd", "-p", "-f", "/etc/chrony/chrony.conf")
	if err != nil {
		t.Fatal(err)
	}
	site, err := os.ReadFile(filepath.Join(root, "etc/chrony/conf.d/site.conf"))
	if err != nil {
		t.Fatal(err)
	}
	r := fill(t, chrony(), map[string]string{"/etc/chrony/chrony.conf": text, "/etc/chrony/conf.d/site.conf": string(site)})
	compareChrony(t, r.Chrony, out)
}

// TestInterfacesOracle asks ifquery for what comes up by itself, and for options.
func TestInterfacesOracle(t *testing.T) {
	root := fixtures.DebianTree(t)
	text := "auto lo eth0 \\\n  eth1\niface lo inet loopback\niface eth0 inet static\n\taddress 192.0.2.1/24\n\tgateway 192.0.2.254\n\tup ip \\\n route\niface eth1 inet manual\n  hwaddress 02:00:00:00:00:01\nsource-directory interfaces.d\n"
	out, err := fixtures.InTree(t, root, map[string]string{"/etc/network/interfaces": text}, "", "ifquery", "--list", "-a")
	if err != nil {
		t.Fatal(err)
	}
	got := fill(t, interfaces(), map[string]string{"/etc/network/interfaces": text}).Interfaces
	equal(t, "auto", got.Auto, strings.Fields(out))
	for _, s := range got.Stanzas {
		out, err := fixtures.InTree(t, root, map[string]string{"/etc/network/interfaces": text}, "", "ifquery", s.Name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(fieldsOf(out)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			if key == "netmask" || key == "broadcast" { // ifquery computes them
				continue
			}
			if key == "address" {
				value, _, _ = strings.Cut(value, "/")
			}
			if !slices.ContainsFunc(s.Options, func(o string) bool { return strings.HasPrefix(o, key+" "+value) }) {
				t.Errorf("%s: ifquery says %s %s, not in %q", s.Name, key, value, s.Options)
			}
		}
	}
}

// TestNetworkdOracle asks systemd for a file with its drop-ins.
func TestNetworkdOracle(t *testing.T) {
	fixtures.RequireTool(t, "systemd-analyze")
	root := t.TempDir()
	put(t, root, map[string]string{
		"etc/systemd/network/10-a.network": "[Match]\nName=en*\n", "usr/lib/systemd/network/10-a.network": "[Match]\nName=hidden\n",
		"usr/lib/systemd/network/10-a.network.d/z.conf": "[Network]\nDNS=192.0.2.53\n", "etc/systemd/network/10-a.network.d/z.conf": "[Network]\nDHCP=yes\n",
		"usr/lib/systemd/network/10-a.network.d/b.conf": "# x\n[Network]\n\nDNS=192.0.2.54\n",
	})
	var theirs []string
	for line := range strings.Lines(fixtures.Run(t, "systemd-analyze", "--root="+root, "cat-config", "systemd/network/10-a.network")) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			theirs = append(theirs, line)
		}
	}
	var ours []string
	for _, s := range sectiontest.Fill(t, []section.Section{networkd()}, treetest.Open(t, root)).Networkd[0].Sections {
		ours = append(append(ours, "["+s.Name+"]"), s.Values...)
	}
	equal(t, "lines", ours, theirs)
}

// TestNetplanOracle has netplan merge its files.
func TestNetplanOracle(t *testing.T) {
	fixtures.RequireTool(t, "netplan")
	files := map[string]string{
		"/etc/netplan/10-a.yaml": "network:\n  version: 2\n  renderer: networkd\n  ethernets:\n    eth0:\n      dhcp4: true\n      addresses: [192.0.2.1/24]\n      mtu: 9000\n",
		"/lib/netplan/10-a.yaml": "network:\n  ethernets: {hidden: {mtu: 1}}\n",
		"/lib/netplan/20-b.yaml": "network:\n  ethernets:\n    eth0:\n      dhcp4: false\n      addresses:\n      - 192.0.2.2/24\n      nameservers: {addresses: [192.0.2.53, 192.0.2.54], search: [a]}\n      routes:\n      - to: default\n        via: 192.0.2.254\n  bridges:\n    br0: {interfaces: [eth0]}\n",
	}
	root := t.TempDir()
	for name, text := range files {
		put(t, root, map[string]string{name: text})
	}
	leaves, err := yamltext.Leaves([]byte(fixtures.Run(t, "netplan", "get", "--root-dir", root)))
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs []string
	for _, l := range leaves {
		if key := strings.NewReplacer("[", "", "]", "").Replace(strings.Join(l.Path, ".")); key != "network.version" && key != "network.renderer" {
			theirs = append(theirs, key+" = "+l.Value)
		}
	}
	for _, i := range fill(t, netplan(), files).Netplan.Interfaces {
		for key, value := range i.Settings {
			ours = append(ours, "network."+i.Kind+"."+i.ID+"."+key+" = "+value)
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	equal(t, "values", ours, theirs)
}

// TestIptablesOracle has the kernel load the rules and save them again.
func TestIptablesOracle(t *testing.T) {
	fixtures.RequireTool(t, "iptables-restore", "iptables-save", "unshare")
	dir := t.TempDir()
	put(t, dir, map[string]string{"rules": iptablesText})
	saved := inNetns(t, "iptables-restore <"+dir+"/rules && iptables-save")
	want, err := iptablesFile("x", []byte(saved))
	if err != nil || len(want.Problems) > 0 {
		t.Fatalf("%v, %q", err, want.Problems)
	}
	got, err := iptablesFile("x", []byte(iptablesText))
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range got.Tables {
		i := slices.IndexFunc(want.Tables, func(t report.IptablesTable) bool { return t.Name == table.Name })
		if i < 0 {
			t.Fatalf("the kernel has no table %s:\n%s", table.Name, saved)
		}
		for _, c := range table.Chains {
			if !slices.Contains(want.Tables[i].Chains, c) {
				t.Errorf("%s: %+v, the kernel has %+v", table.Name, c, want.Tables[i].Chains)
			}
		}
	}
}
