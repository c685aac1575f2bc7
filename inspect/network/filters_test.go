package network

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

func TestFirewalld(t *testing.T) {
	r := fill(t, firewalld(), map[string]string{
		"/etc/firewalld/firewalld.conf":       "# x\nDefaultZone=site\nCleanupOnExit=yes \n",
		"/etc/firewalld/zones/site.xml":       `<zone target="DROP"><service name="mine"/><service name="gone"/><service name="../x"/></zone>`,
		"/usr/lib/firewalld/zones/site.xml":   `<zone><service name="hidden"/></zone>`,
		"/usr/lib/firewalld/zones/bad.xml":    `<zone><service`,
		"/usr/lib/firewalld/zones/other.xml":  `<other/>`,
		"/etc/firewalld/services/mine.xml":    `<service><port port="1" protocol="tcp"/><protocol value="gre"/><module name="m"/><destination ipv4="10.0.0.1" ipv6="::1"/><include service="ssh"/></service>`,
		"/usr/lib/firewalld/services/ssh.xml": `<service><port port="22" protocol="tcp"/></service>`,
		"/etc/firewalld/ipsets/b.xml":         "<ipset/>", "/etc/firewalld/policies/p.xml": "<policy/>",
		"/etc/firewalld/direct.xml": "<direct><rule ipv='ipv4'>x</rule><rule/><passthrough/><chain/></direct>",
	})
	f := r.Firewalld
	if len(f.Problems) != 4 || !strings.Contains(f.Problems[0], "/usr/lib/firewalld/zones/bad.xml") {
		t.Errorf("problems %q", f.Problems)
	}
	f.Problems = nil
	equal(t, "firewalld", f, &report.Firewalld{
		DefaultZone: "site", Settings: map[string]string{"DefaultZone": "site", "CleanupOnExit": "yes"}, Direct: 3, IPSets: []string{"b"}, Policies: []string{"p"},
		Zones:    []report.FirewallZone{{Name: "site", Path: "/etc/firewalld/zones/site.xml", Target: "DROP", Services: []string{"mine", "gone", "../x"}}},
		Services: []report.FirewallService{{Name: "mine", Path: "/etc/firewalld/services/mine.xml", Ports: []string{"1/tcp"}, More: []string{"protocol gre", "module m", "destination 10.0.0.1 ::1", "service ssh"}}},
	})
}

// TestFirewalldOracle compares the zones of this machine, and one of ours with all that a zone can
// have, with what firewalld's own tool says.
func TestFirewalldOracle(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "firewall-offline-cmd")
	root := t.TempDir()
	zone, err := os.ReadFile("testdata/zone.xml")
	if err != nil {
		t.Fatal(err)
	}
	put(t, root, map[string]string{
		"etc/firewalld/firewalld.conf": "DefaultZone=home\n", "etc/firewalld/zones/site.xml": string(zone),
		"etc/firewalld/services/mine.xml": `<service><port port="4242" protocol="tcp"/></service>`, "etc/firewalld/ipsets/black.xml": `<ipset type="hash:net"><entry>192.0.2.9</entry></ipset>`,
	})
	fixtures.Run(t, "mkdir", "-p", root+"/usr/lib")
	fixtures.Run(t, "cp", "-r", "/usr/lib/firewalld", root+"/usr/lib/firewalld")
	got := sectiontest.Fill(t, []section.Section{firewalld()}, treetest.Open(t, root)).Firewalld
	if len(got.Problems) > 0 || got.DefaultZone != "home" || len(got.Zones) < 9 {
		t.Errorf("%d zones, default %s, problems %q", len(got.Zones), got.DefaultZone, got.Problems)
	}
	theirs := zonesOf(fixtures.Run(t, "firewall-offline-cmd", "--system-config", root+"/etc/firewalld", "--list-all-zones"))
	for _, z := range got.Zones {
		if ours := zoneText(z); !slices.Equal(ours, theirs[z.Name]) {
			t.Errorf("zone %s:\ngot  %q\nthey %q", z.Name, ours, theirs[z.Name])
		}
	}
}

// put writes files of a tree.
func put(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// zonesOf takes the tool's list apart: for each zone its facts, sorted.
func zonesOf(text string) map[string][]string {
	zones, name, key := map[string][]string{}, "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n ")
		switch {
		case line == "":
		case line[0] == '\t':
			zones[name] = append(zones[name], key+" "+strings.TrimSpace(line))
		case line[0] != ' ':
			name, _, _ = strings.Cut(line, " ")
		default:
			var values string
			key, values, _ = strings.Cut(strings.TrimSpace(line), ":")
			for _, v := range strings.Fields(values) {
				zones[name] = append(zones[name], key+" "+v)
			}
		}
	}
	for name := range zones {
		slices.Sort(zones[name])
	}
	return zones
}

func zoneText(z report.FirewallZone) []string {
	yes := map[bool]string{true: "yes", false: "no"}
	out := []string{"target " + z.Target, "icmp-block-inversion " + yes[z.IcmpBlockInversion], "masquerade " + yes[z.Masquerade], "forward " + yes[z.Forward]}
	for key, values := range map[string][]string{
		"interfaces": z.Interfaces, "sources": z.Sources, "services": z.Services, "ports": z.Ports, "source-ports": z.SourcePorts,
		"protocols": z.Protocols, "forward-ports": z.ForwardPorts, "icmp-blocks": z.IcmpBlocks, "rich rules": z.Rules,
	} {
		for _, v := range values {
			out = append(out, key+" "+v)
		}
	}
	slices.Sort(out)
	return out
}

const nftText = `#!/usr/sbin/nft -f
flush ruleset
define ports = { 22, 80 }
table inet filter {
	set black { type ipv4_addr; elements = { 192.0.2.1,
		192.0.2.2 } }
	map m {
		type inet_service : verdict
		elements = { 22 : accept }
	}
	chain input {
		type filter hook input priority filter + 10; policy drop;
		tcp dport { 22, 80 } accept; udp dport 53 accept
		tcp dport $ports counter \
			accept comment "a { brace; and # more"
		ip saddr @black drop # no
	}
	chain empty {
	}
	counter c { }
}
table ip nat { chain pre { type nat hook prerouting priority -100; }; }
add rule ip nat pre counter
add chain ip nat post { type nat hook postrouting priority srcnat; policy accept; }
insert rule ip nat post ip saddr { 10.0.0.0/8 } masquerade
include "/etc/nft.d/*.nft"
`

const nftMore = "table inet filter {\n\tchain input {\n\t\tct state vmap { established : accept, invalid : drop }\n\t}\n}\n"

func TestNftables(t *testing.T) {
	r := fill(t, nftables(), map[string]string{"/etc/nftables.conf": nftText + "include \"none.nft\"\n}\n", "/etc/nft.d/a.nft": nftMore, "/etc/nft.d/b.nft": "include \"/etc/nftables.conf\"\ntable x {\n", "/etc/sysconfig/nftables.conf": "# nothing\n"})
	if len(r.Nftables) != 2 {
		t.Fatalf("%+v", r.Nftables)
	}
	f := r.Nftables[0]
	equal(t, "includes", f.Includes, []string{"/etc/nft.d/a.nft", "/etc/nft.d/b.nft", "/etc/nftables.conf"})
	equal(t, "problems", f.Problems, []string{
		"/etc/nftables.conf: /etc/nftables.conf includes itself", "/etc/nft.d/b.nft: a brace is not closed",
		"/etc/nftables.conf:27: /etc/none.nft is included and not there", "/etc/nftables.conf:28: a brace closes nothing",
	})
	equal(t, "tables", f.Tables, []report.NftTable{
		{Name: "filter", Family: "inet", Sets: 2, Chains: []report.NftChain{
			{Name: "input", Type: "filter", Hook: "input", Priority: "filter + 10", Policy: "drop", Rules: 5}, {Name: "empty"}}},
		{Name: "nat", Family: "ip", Chains: []report.NftChain{
			{Name: "pre", Type: "nat", Hook: "prerouting", Priority: "-100", Rules: 1}, {Name: "post", Type: "nat", Hook: "postrouting", Priority: "srcnat", Policy: "accept", Rules: 1}}},
		{Name: "x", Family: "ip"},
	})
	if !f.Flush || r.Nftables[1].Flush || len(f.SHA256) != 64 {
		t.Errorf("%+v", r.Nftables)
	}
}

// inNetns runs a command in a network of its own, as root.
func inNetns(t *testing.T, command string) string {
	t.Helper()
	fixtures.RequireRoot(t)
	out, err := exec.Command("unshare", "--net", "sh", "-ec", command).CombinedOutput()
	if err != nil {
		fixtures.Missing(t, fmt.Sprintf("no filter of packets to ask: %v: %s", err, out))
	}
	return string(out)
}

// TestNftablesOracle has the kernel load the rules and list them.
func TestNftablesOracle(t *testing.T) {
	fixtures.RequireTool(t, "nft", "unshare")
	inNetns(t, "nft add table inet x") // the kernel has it
	dir := t.TempDir()
	put(t, dir, map[string]string{"etc/nftables.conf": strings.ReplaceAll(nftText, "/etc/nft.d", dir+"/etc/nft.d"), "etc/nft.d/a.nft": nftMore})
	var want struct {
		Nftables []struct {
			Table, Set, Map *struct{ Family, Name, Table string }
			Chain           *struct{ Family, Table, Name, Type, Hook, Policy string }
			Rule            *struct{ Family, Table, Chain string }
		}
	}
	text := inNetns(t, "nft -f "+dir+"/etc/nftables.conf && nft -j list ruleset")
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	theirs, rules := []string{}, map[string]int{}
	for _, x := range want.Nftables {
		if x.Rule != nil {
			rules[x.Rule.Family+" "+x.Rule.Table+" "+x.Rule.Chain]++
		}
	}
	for _, x := range want.Nftables {
		if c := x.Chain; c != nil {
			theirs = append(theirs, fmt.Sprintln(c.Family, c.Table, c.Name, c.Type, c.Hook, rules[c.Family+" "+c.Table+" "+c.Name]))
		}
	}
	ours := []string{}
	for _, table := range fill(t, nftables(), map[string]string{"/etc/nftables.conf": nftText, "/etc/nft.d/a.nft": nftMore}).Nftables[0].Tables {
		for _, c := range table.Chains {
			ours = append(ours, fmt.Sprintln(table.Family, table.Name, c.Name, c.Type, c.Hook, c.Rules))
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	equal(t, "chains and their rules", ours, theirs)
}

const iptablesText = "# Generated\n*nat\n:PREROUTING ACCEPT [0:0]\n:mine - [0:0]\n[1:2] -A PREROUTING -j mine\n-A mine -j ACCEPT\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"

func TestIptables(t *testing.T) {
	r := fill(t, iptables(), map[string]string{"/etc/iptables/rules.v4": iptablesText, "/etc/sysconfig/iptables": "-A INPUT\n*filter\nwhat\n[1:2]\n"})
	f := r.Iptables[0]
	equal(t, "tables", f.Tables, []report.IptablesTable{
		{Name: "nat", Chains: []report.NftChain{{Name: "PREROUTING", Policy: "ACCEPT", Rules: 1}, {Name: "mine", Rules: 1}}},
		{Name: "filter", Chains: []report.NftChain{{Name: "INPUT", Policy: "DROP", Rules: 2}, {Name: "FORWARD", Policy: "ACCEPT"}, {Name: "OUTPUT", Policy: "ACCEPT"}}},
	})
	equal(t, "problems", r.Iptables[1].Problems, []string{`/etc/sysconfig/iptables:1: "-A INPUT" stands in no table`, `/etc/sysconfig/iptables:3: "what" is not understood`})
}

func FuzzNft(f *testing.F) {
	f.Add([]byte(nftText))
	f.Add([]byte("table { chain { } } } ; \"x\nadd rule a b { c"))
	f.Fuzz(func(t *testing.T, data []byte) {
		statements, err := nftStatements(data)
		if err != nil {
			return
		}
		w := nftWalk{reader: &nftReader{tree: treetest.Of(t, treetest.Map{})}, file: "x"}
		for _, s := range statements {
			w.statement(s)
		}
	})
}

func FuzzZone(f *testing.F) {
	data, err := os.ReadFile("testdata/zone.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(_ *testing.T, data []byte) {
		var z xmlZone
		if xml.Unmarshal(data, &z) == nil {
			zone("x", "/x", z)
		}
	})
}

func FuzzIptables(f *testing.F) {
	f.Add([]byte(iptablesText))
	f.Fuzz(func(_ *testing.T, data []byte) { iptablesFile("x", data) })
}
