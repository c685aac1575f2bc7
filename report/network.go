package report

// NetworkFacts say how a system is connected. No secret of a
// configuration is in them: its value is "(present)".
type NetworkFacts struct {
	Hosts      *Hosts      `json:"hosts,omitempty"`
	ResolvConf *ResolvConf `json:"resolv_conf,omitempty"`
	// The ways to set up interfaces: one is used, as a rule.
	NetworkManager *NetworkManager `json:"networkmanager,omitempty"`
	Networkd       []NetworkdFile  `json:"networkd,omitempty"`
	Ifcfg          *Ifcfg          `json:"ifcfg,omitempty"`
	Netplan        *Netplan        `json:"netplan,omitempty"`
	Interfaces     *Interfaces     `json:"interfaces,omitempty"`
	// The filters of packets.
	Firewalld *Firewalld     `json:"firewalld,omitempty"`
	Nftables  []NftFile      `json:"nftables,omitempty"`
	Iptables  []IptablesFile `json:"iptables,omitempty"`
	// Sshd is sshd_config(5) with what it includes, SSHClient ssh_config(5).
	Sshd        *SSHConfig   `json:"sshd,omitempty"`
	SSHClient   *SSHConfig   `json:"ssh_client,omitempty"`
	SSHHostKeys []SSHHostKey `json:"ssh_host_keys,omitempty"`
	// The programs that set the clock.
	Chrony    *TimeService `json:"chrony,omitempty"`
	Timesyncd *TimeService `json:"timesyncd,omitempty"`
	NTP       *TimeService `json:"ntp,omitempty"`
	// Listening is what others can connect to, as far as files tell.
	Listening []Listener `json:"listening,omitempty"`
}

// Hosts is the table of hosts(5).
type Hosts struct {
	Entries []Host `json:"entries,omitempty"`
	// Lines are those of the file that are not empty, comments too.
	Lines []string `json:"lines,omitempty"`
}

// A Host is one address with its names, the canonical one first.
type Host struct {
	Address string   `json:"address"`
	Names   []string `json:"names"`
}

// ResolvConf is resolv.conf(5).
type ResolvConf struct {
	// Link is the target where it is a symbolic link. Into /run it leads to what a running
	// system makes, and then there is nothing more to tell.
	Link        string   `json:"link,omitempty"`
	Nameservers []string `json:"nameservers,omitempty"`
	Search      []string `json:"search,omitempty"`
	Options     []string `json:"options,omitempty"`
	// Lines are those of the file, without comments.
	Lines []string `json:"lines,omitempty"`
}

// NetworkManager is what NetworkManager.conf(5) and keyfiles say.
type NetworkManager struct {
	// Settings are "section.key" of the daemon's configuration.
	Settings    []Setting      `json:"settings,omitempty"`
	Connections []NMConnection `json:"connections,omitempty"`
	Problems    []string       `json:"problems,omitempty"`
}

// An NMConnection is one connection profile: nm-settings-keyfile(5).
type NMConnection struct {
	Path        string `json:"path"`
	ID          string `json:"id"`
	UUID        string `json:"uuid,omitempty"`
	Type        string `json:"type"`
	Interface   string `json:"interface,omitempty"`
	Autoconnect bool   `json:"autoconnect"`
	IPv4        NMIP   `json:"ipv4"`
	IPv6        NMIP   `json:"ipv6"`
	// Refused says why NetworkManager would not take the file.
	Refused string `json:"refused,omitempty"`
	// Settings are all values by "section.key".
	Settings map[string]string `json:"settings"`
}

// An NMIP is how a connection gets its addresses.
type NMIP struct {
	Method    string   `json:"method,omitempty"`
	Addresses []string `json:"addresses,omitempty"`
	Gateway   string   `json:"gateway,omitempty"`
	DNS       []string `json:"dns,omitempty"`
	Search    []string `json:"search,omitempty"`
	Routes    []string `json:"routes,omitempty"`
}

// A NetworkdFile is one file of systemd.network(5), systemd.netdev(5) or
// systemd.link(5), with its drop-ins.
type NetworkdFile struct {
	Name    string   `json:"name"`
	Path    string   `json:"path"`
	DropIns []string `json:"drop_ins,omitempty"`
	// Masked: a link to /dev/null, or empty, which turns the name off.
	Masked   bool              `json:"masked,omitempty"`
	Sections []NetworkdSection `json:"sections,omitempty"`
	Problems []string          `json:"problems,omitempty"`
}

// A NetworkdSection is one section; a name can come more than once.
type NetworkdSection struct {
	Name string `json:"name"`
	// Values are "Key=value" in their order.
	Values []string `json:"values,omitempty"`
}

// Ifcfg is what /etc/sysconfig has of the network.
type Ifcfg struct {
	// Network is /etc/sysconfig/network (or .../network/config).
	Network map[string]string `json:"network,omitempty"`
	// Interfaces are the files ifcfg-*.
	Interfaces []IfcfgInterface `json:"interfaces,omitempty"`
	// Others are the files route-*, rule-* and keys-* beside them.
	Others   []string `json:"others,omitempty"`
	Problems []string `json:"problems,omitempty"`
}

// An IfcfgInterface is one file ifcfg-Name.
type IfcfgInterface struct {
	Name   string            `json:"name"`
	Path   string            `json:"path"`
	Values map[string]string `json:"values"`
}

// Netplan is what netplan(5) makes of its files together.
type Netplan struct {
	Files    []string `json:"files"`
	Renderer string   `json:"renderer,omitempty"`
	// Interfaces are the definitions of all kinds.
	Interfaces []NetplanInterface `json:"interfaces,omitempty"`
	Problems   []string           `json:"problems,omitempty"`
}

// A NetplanInterface is one definition.
type NetplanInterface struct {
	ID string `json:"id"`
	// Kind is "ethernets", "wifis", "bridges", "bonds", "vlans", ...
	Kind        string   `json:"kind"`
	Renderer    string   `json:"renderer,omitempty"`
	DHCP4       bool     `json:"dhcp4,omitempty"`
	DHCP6       bool     `json:"dhcp6,omitempty"`
	Addresses   []string `json:"addresses,omitempty"`
	Nameservers []string `json:"nameservers,omitempty"`
	// Settings are all values by their path ("routes.0.to").
	Settings map[string]string `json:"settings,omitempty"`
}

// Interfaces is interfaces(5) of ifupdown.
type Interfaces struct {
	Files []string `json:"files"`
	// Auto are brought up at boot, Hotplug when they appear; other classes of "allow-" are in Allow.
	Auto     []string          `json:"auto,omitempty"`
	Hotplug  []string          `json:"hotplug,omitempty"`
	Allow    []string          `json:"allow,omitempty"`
	Stanzas  []InterfaceStanza `json:"stanzas,omitempty"`
	Problems []string          `json:"problems,omitempty"`
}

// An InterfaceStanza is "iface Name Family Method", or "mapping Name".
type InterfaceStanza struct {
	Name   string `json:"name"`
	Family string `json:"family,omitempty"`
	Method string `json:"method"`
	// Options are "key value" in their order.
	Options []string `json:"options,omitempty"`
	Source  string   `json:"source"`
}

// Firewalld is what firewalld(1) reads from /etc/firewalld over
// /usr/lib/firewalld.
type Firewalld struct {
	DefaultZone string `json:"default_zone"`
	// Settings are those of firewalld.conf(5).
	Settings map[string]string `json:"settings,omitempty"`
	Zones    []FirewallZone    `json:"zones,omitempty"`
	// Services are those that zones name, and their ports.
	Services []FirewallService `json:"services,omitempty"`
	// Policies and IPSets are the names of those that are defined below /etc.
	Policies []string `json:"policies,omitempty"`
	IPSets   []string `json:"ipsets,omitempty"`
	// Direct counts the rules and passthroughs of firewalld.direct(5).
	Direct   int      `json:"direct,omitempty"`
	Problems []string `json:"problems,omitempty"`
}

// A FirewallZone is one zone: firewalld.zone(5).
type FirewallZone struct {
	Name string `json:"name"`
	Path string `json:"path"`
	// Target is "default", "ACCEPT", "DROP" or "%%REJECT%%".
	Target       string   `json:"target"`
	Interfaces   []string `json:"interfaces,omitempty"`
	Sources      []string `json:"sources,omitempty"`
	Services     []string `json:"services,omitempty"`
	Ports        []string `json:"ports,omitempty"`
	SourcePorts  []string `json:"source_ports,omitempty"`
	Protocols    []string `json:"protocols,omitempty"`
	ForwardPorts []string `json:"forward_ports,omitempty"`
	IcmpBlocks   []string `json:"icmp_blocks,omitempty"`
	Masquerade   bool     `json:"masquerade,omitempty"`
	Forward      bool     `json:"forward,omitempty"`
	// IcmpBlockInversion: only what is listed is let in.
	IcmpBlockInversion bool `json:"icmp_block_inversion,omitempty"`
	// Rules are rich rules in firewalld.richlanguage(5).
	Rules []string `json:"rules,omitempty"`
}

// A FirewallService is one service: firewalld.service(5).
type FirewallService struct {
	Name  string   `json:"name"`
	Path  string   `json:"path"`
	Ports []string `json:"ports,omitempty"`
	// More are protocols, modules, destinations and included services.
	More []string `json:"more,omitempty"`
}

// An NftFile is a file of nft(8) commands, with what it includes.
type NftFile struct {
	Path string `json:"path"`
	// SHA256 is of the file alone.
	SHA256   string     `json:"sha256"`
	Includes []string   `json:"includes,omitempty"`
	Flush    bool       `json:"flush,omitempty"`
	Tables   []NftTable `json:"tables,omitempty"`
	Problems []string   `json:"problems,omitempty"`
}

// An NftTable is one table.
type NftTable struct {
	Name   string     `json:"name"`
	Family string     `json:"family"`
	Chains []NftChain `json:"chains,omitempty"`
	// Sets counts sets and maps.
	Sets int `json:"sets,omitempty"`
}

// An NftChain is one chain; a base chain has a hook.
type NftChain struct {
	Name     string `json:"name"`
	Type     string `json:"type,omitempty"`
	Hook     string `json:"hook,omitempty"`
	Priority string `json:"priority,omitempty"`
	Policy   string `json:"policy,omitempty"`
	Rules    int    `json:"rules"`
}

// An IptablesFile is what iptables-save(8) wrote.
type IptablesFile struct {
	Path     string          `json:"path"`
	SHA256   string          `json:"sha256"`
	Tables   []IptablesTable `json:"tables,omitempty"`
	Problems []string        `json:"problems,omitempty"`
}

// An IptablesTable is one table with its chains.
type IptablesTable struct {
	Name   string     `json:"name"`
	Chains []NftChain `json:"chains,omitempty"`
}

// An SSHConfig is a configuration of OpenSSH, included files in their places.
type SSHConfig struct {
	Files []ConfigText `json:"files"`
	// Settings hold for all, keys in lower case, sorted; the first value of a key
	// counts, but of keys that add up there is one for each line.
	Settings []Setting `json:"settings,omitempty"`
	// Blocks are those of Match and Host, in their order.
	Blocks   []SSHBlock `json:"blocks,omitempty"`
	Problems []string   `json:"problems,omitempty"`
}

// An SSHBlock holds for some connections.
type SSHBlock struct {
	// Condition is "Match user bob" or "Host *.example".
	Condition string    `json:"condition"`
	Settings  []Setting `json:"settings,omitempty"`
	Source    string    `json:"source"`
}

// An SSHHostKey is a key by which a host is known.
type SSHHostKey struct {
	// Path is the private key's, whether it is there or not.
	Path        string `json:"path"`
	Type        string `json:"type,omitempty"`
	Bits        int    `json:"bits,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Comment     string `json:"comment,omitempty"`
	Private     bool   `json:"private"`
	Public      bool   `json:"public"`
	// Encrypted: sshd cannot use it without a passphrase.
	Encrypted bool `json:"encrypted,omitempty"`
	// Configured: sshd_config names it, or names none and it has a default's name.
	Configured bool     `json:"configured"`
	Problems   []string `json:"problems,omitempty"`
}

// A TimeService is a program that sets the clock.
type TimeService struct {
	Files   []string     `json:"files"`
	Sources []TimeSource `json:"sources,omitempty"`
	// Settings are all other lines, in their order.
	Settings []Setting `json:"settings,omitempty"`
	Problems []string  `json:"problems,omitempty"`
}

// A TimeSource is where the time comes from.
type TimeSource struct {
	Address string `json:"address"`
	// Kind is "server", "pool", "peer", "refclock" or "fallback".
	Kind    string `json:"kind"`
	Options string `json:"options,omitempty"`
	Source  string `json:"source"`
}

// A Listener is one thing to connect to.
type Listener struct {
	// Address is "tcp 22", "udp 127.0.0.1:323", "unix /run/x.sock", ...
	Address string `json:"address"`
	// Unit is what listens.
	Unit string `json:"unit"`
	// Enabled: the unit is started at boot.
	Enabled bool `json:"enabled"`
	// Source is the file that says so, or why it is known.
	Source string `json:"source"`
}
