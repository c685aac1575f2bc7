package network

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/network/sshconf"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func listening() section.Section {
	return section.Section{
		Name:   "listening",
		Source: "socket units; sshd, chronyd, systemd-resolved, Apache, nginx, lighttpd by their configuration",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			l := &listeners{tree: t, links: map[string]bool{}}
			for _, read := range []func() error{l.readLinks, l.sockets, l.sshd, l.chronyd, l.resolved, l.servers} {
				if err := read(); err != nil {
					return err
				}
			}
			if len(l.list) == 0 {
				return section.Absent("nothing that listens is known")
			}
			slices.SortStableFunc(l.list, func(a, b report.Listener) int {
				return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Unit, b.Unit))
			})
			r.Listening = l.list
			return nil
		},
	}
}

// unitDirs are the directories of system units, the first counts.
func unitDirs() []string {
	return []string{"/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}
}

// maxSockets bounds the socket units of one system.
const maxSockets = 4096

type listeners struct {
	tree *tree.Tree
	// links are the names that some unit wants, requires or upholds.
	links map[string]bool
	list  []report.Listener
}

func (l *listeners) add(address, unit, source string, enabled bool) {
	l.list = append(l.list, report.Listener{Address: address, Unit: unit, Enabled: enabled, Source: source})
}

func (l *listeners) readLinks() error {
	for _, dir := range unitDirs() {
		for _, kind := range []string{"wants", "requires", "upholds"} {
			files, err := l.tree.Glob(dir + "/*." + kind + "/*")
			if err != nil {
				return err
			}
			for _, f := range files {
				l.links[f.Name()] = true
			}
		}
	}
	return nil
}

// unit finds a unit's file; enabled is whether something starts it and nothing masks it.
func (l *listeners) unit(names ...string) (name string, enabled bool, err error) {
	for _, name := range names {
		files, err := section.Dropins(l.tree, literal(name), unitDirs()...)
		if err != nil {
			return "", false, err
		}
		if len(files) > 0 {
			return name, l.links[name], nil
		}
	}
	return "", false, nil
}

// sockets reads the socket units with their drop-ins.
func (l *listeners) sockets() error {
	units, err := section.Dropins(l.tree, "*.socket", unitDirs()...)
	if err != nil {
		return err
	}
	if len(units) > maxSockets {
		return errors.New("there are more socket units than are read")
	}
	for _, u := range units {
		file, err := l.withDropIns(u)
		if err != nil {
			return err
		}
		for _, kind := range [][2]string{{"ListenStream", "tcp"}, {"ListenDatagram", "udp"}, {"ListenSequentialPacket", "seqpacket"}, {"ListenFIFO", "fifo"}, {"ListenNetlink", "netlink"}} {
			for _, value := range file.List("Socket", kind[0]) {
				l.add(address(kind[1], value), u.Name(), u.Path, l.links[u.Name()])
			}
		}
	}
	return nil
}

func (l *listeners) withDropIns(u *tree.File) (*keyfile.File, error) {
	var dirs []string
	for _, dir := range unitDirs() {
		dirs = append(dirs, dir+"/"+literal(u.Name())+".d")
	}
	more, err := section.Dropins(l.tree, "*.conf", dirs...)
	if err != nil {
		return nil, err
	}
	all := &keyfile.File{}
	for _, f := range append([]*tree.File{u}, more...) {
		var problems []string // they are the unit's, and told with it
		file, err := readKeyfile(l.tree, f.Path, keyfile.Systemd(), &problems)
		if err != nil {
			return nil, err
		}
		if file != nil {
			all.Append(file)
		}
	}
	return all, nil
}

// address writes what systemd.socket(5) lets one listen to.
func address(kind, value string) string {
	value = strings.ReplaceAll(value, "%t", "/run")
	switch {
	case kind == "netlink" || kind == "fifo":
		return kind + " " + value
	case strings.HasPrefix(value, "vsock:"):
		return "vsock " + value[len("vsock:"):]
	case value != "" && (value[0] == '/' || value[0] == '@'):
		return "unix " + value
	}
	return kind + " " + value
}

// sshd listens by itself where its service is started.
func (l *listeners) sshd() error {
	name, enabled, err := l.unit("ssh.service", "sshd.service")
	if err != nil || name == "" {
		return err
	}
	config, err := sshconf.Read(l.tree, sshconf.Server())
	if errors.Is(err, fs.ErrNotExist) {
		config, err = &report.SSHConfig{}, nil
	}
	if err != nil {
		return err
	}
	ports, source := sshconf.All(config.Settings, "port"), "the default of sshd"
	for _, s := range config.Settings {
		if s.Key == "port" || s.Key == "listenaddress" {
			source = s.Source
		}
	}
	if len(ports) == 0 {
		ports = []string{"22"}
	}
	addresses := sshconf.All(config.Settings, "listenaddress")
	if len(addresses) == 0 {
		addresses = []string{""}
	}
	for _, a := range addresses {
		a, _, _ = strings.Cut(a, " ")
		for _, where := range withPorts(a, ports) {
			l.add("tcp "+where, name, source, enabled)
		}
	}
	return nil
}

// withPorts puts the ports behind an address that has none.
func withPorts(address string, ports []string) []string {
	if address == "" {
		return ports
	}
	bare := strings.HasPrefix(address, "[") && strings.HasSuffix(address, "]")
	if colons := strings.Count(address, ":"); !bare && (colons == 1 || strings.Contains(address, "]:")) {
		return []string{address}
	} else if colons > 1 && !bare {
		address = "[" + address + "]"
	}
	var out []string
	for _, p := range ports {
		out = append(out, address+":"+p)
	}
	return out
}

// chronyd takes commands at port 323 of this host, and serves time where it is let.
func (l *listeners) chronyd() error {
	name, enabled, err := l.unit("chrony.service", "chronyd.service")
	if err != nil || name == "" {
		return err
	}
	config, err := readChrony(l.tree)
	if errors.Is(err, fs.ErrNotExist) {
		config, err = &report.TimeService{}, nil
	}
	if err != nil {
		return err
	}
	port, set := has(config.Settings, "cmdport")
	source := "the default of chronyd"
	if set {
		source = "cmdport"
	}
	if port = cmp.Or(port, "323"); port != "0" {
		l.add("udp 127.0.0.1:"+port, name, source, enabled)
		l.add("udp [::1]:"+port, name, source, enabled)
	}
	port, _ = has(config.Settings, "port")
	if _, serves := has(config.Settings, "allow"); serves && port != "0" {
		l.add("udp "+cmp.Or(port, "123"), name, "allow", enabled)
	}
	return nil
}

// resolved has a stub resolver, unless it is told not to.
func (l *listeners) resolved() error {
	name, enabled, err := l.unit("systemd-resolved.service")
	if err != nil || name == "" {
		return err
	}
	s := &report.TimeService{}
	file, err := daemonConf(l.tree, "resolved", s)
	if err != nil {
		return err
	}
	stub, set := file.Last("Resolve", "DNSStubListener")
	source := "the default of systemd-resolved"
	if set {
		source = "DNSStubListener=" + stub
	}
	for _, kind := range []string{"tcp", "udp"} {
		if stub = cmp.Or(stub, "yes"); stub == "yes" || stub == "true" || stub == "1" || stub == "on" || stub == kind {
			l.add(kind+" 127.0.0.53:53", name, source, enabled)
		}
	}
	return nil
}
