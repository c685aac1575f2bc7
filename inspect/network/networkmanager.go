package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

const nmConf = "/etc/NetworkManager/NetworkManager.conf"

func networkManager() section.Section {
	return section.Section{
		Name: "networkmanager", Source: nmConf + ", conf.d and system-connections in /etc/NetworkManager and /usr/lib/NetworkManager",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			n := &report.NetworkManager{}
			err := errors.Join(nmSettings(t, n), nmConnections(t, n))
			if err == nil && len(n.Settings)+len(n.Connections)+len(n.Problems) == 0 {
				return section.Absent("no configuration of NetworkManager")
			}
			r.NetworkManager = n
			return err
		},
	}
}

// nmSettings reads the daemon's own configuration: first conf.d of /usr/lib, then the
// main file, then conf.d of /etc; a name in /etc hides the one in /usr/lib.
func nmSettings(t *tree.Tree, n *report.NetworkManager) error {
	files, err := section.Dropins(t, "*.conf", "/etc/NetworkManager/conf.d", "/usr/lib/NetworkManager/conf.d")
	if err != nil {
		return err
	}
	vendor := func(f *tree.File) bool { return strings.HasPrefix(f.Path, "/usr/") }
	var order []string
	for _, f := range files {
		if vendor(f) {
			order = append(order, f.Path)
		}
	}
	order = append(order, nmConf)
	for _, f := range files {
		if !vendor(f) {
			order = append(order, f.Path)
		}
	}
	values := map[string]report.Setting{}
	for _, name := range order {
		if err := addNMSettings(t, n, name, values); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		n.Settings = append(n.Settings, values[key])
	}
	return nil
}

func addNMSettings(t *tree.Tree, n *report.NetworkManager, name string, values map[string]report.Setting) error {
	file, err := readKeyfile(t, name, keyfile.NetworkManager(), &n.Problems)
	if file == nil {
		return err
	}
	for _, a := range file.Assignments {
		key, value := a.Section+"."+a.Key, secret.Value(a.Section+"."+a.Key, a.Value)
		if base, adds := strings.CutSuffix(key, "+"); adds {
			key = base
			if before := values[key].Value; before != "" {
				value = before + "," + value
			}
		}
		if len(value) > section.MaxLine {
			n.Problems = section.AddProblem(n.Problems, place(name, a.Line, errors.New("the value is too long")))
			continue
		}
		values[key] = report.Setting{Key: key, Value: value, Source: fmt.Sprintf("%s:%d", name, a.Line)}
	}
	return err
}

// readKeyfile reads a file of sections and assignments; nil where there is none. Lines that
// are neither become problems.
func readKeyfile(t *tree.Tree, name string, d keyfile.Dialect, problems *[]string) (*keyfile.File, error) {
	data, err := t.ReadFile(name, section.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	file, err := keyfile.Parse(data, d)
	for _, p := range file.Problems {
		*problems = section.AddProblem(*problems, place(name, p.Line, errors.New(p.Text)))
	}
	return file, section.Within(name, err)
}

// place formats a problem.
func place(name string, line int, err error) string { return fmt.Sprintf("%s:%d: %v", name, line, err) }

func nmConnections(t *tree.Tree, n *report.NetworkManager) error {
	files, err := section.Dropins(t, "*", "/etc/NetworkManager/system-connections", "/usr/lib/NetworkManager/system-connections")
	if err != nil {
		return err
	}
	for _, f := range files {
		if !isConnection(f) {
			continue
		}
		file, err := readKeyfile(t, f.Path, keyfile.NetworkManager(), &n.Problems)
		if err != nil {
			return err
		}
		if file != nil {
			n.Connections = append(n.Connections, connection(f, file))
		}
	}
	slices.SortFunc(n.Connections, func(a, b report.NMConnection) int { return cmp.Compare(a.Path, b.Path) })
	return nil
}

// isConnection leaves out what NetworkManager does: hidden and backup files, and below /usr
// what does not end as a connection must.
func isConnection(f *tree.File) bool {
	name := f.Name()
	if f.Node.Type == report.Directory || name[0] == '.' || strings.HasSuffix(name, "~") {
		return false
	}
	for _, end := range []string{".rpmsave", ".rpmorig", ".rpmnew", ".swp", ".swpx", ".bak"} {
		if strings.HasSuffix(name, end) {
			return false
		}
	}
	return strings.HasPrefix(f.Path, "/etc/") || strings.HasSuffix(name, ".nmconnection")
}

func connection(f *tree.File, file *keyfile.File) report.NMConnection {
	c := report.NMConnection{Path: f.Path, Refused: untrusted(f), Settings: map[string]string{}, Autoconnect: true}
	plain := map[string]string{}
	for _, a := range file.Assignments {
		key, value := a.Section+"."+a.Key, unescape(a.Value)
		plain[key], c.Settings[key] = value, secret.Value(key, value)
	}
	c.ID = cmp.Or(plain["connection.id"], strings.TrimSuffix(f.Name(), ".nmconnection"))
	c.UUID, c.Type, c.Interface = plain["connection.uuid"], plain["connection.type"], plain["connection.interface-name"]
	if v := plain["connection.autoconnect"]; v == "false" || v == "0" || v == "no" {
		c.Autoconnect = false
	}
	c.IPv4, c.IPv6 = addressing(plain, "ipv4."), addressing(plain, "ipv6.")
	return c
}

// untrusted tells why the file is not taken: others than root can read or own it.
func untrusted(f *tree.File) string {
	switch {
	case !strings.HasPrefix(f.Path, "/etc/") || f.Node.Type != report.File:
		return ""
	case f.Node.UID != 0:
		return fmt.Sprintf("its owner is %d, not root", f.Node.UID)
	case f.Node.Mode&0o077 != 0:
		return fmt.Sprintf("its mode is %04o, others than root have access", uint32(f.Node.Mode))
	}
	return ""
}

// addressing reads [ipv4] or [ipv6]: "address1=192.0.2.1/24,192.0.2.254", "dns=a;b;".
func addressing(values map[string]string, prefix string) report.NMIP {
	ip := report.NMIP{
		Method: values[prefix+"method"], Gateway: values[prefix+"gateway"],
		DNS: list(values[prefix+"dns"]), Search: list(values[prefix+"dns-search"]),
	}
	for _, key := range numbered(values, prefix+"address") {
		address, gateway, _ := strings.Cut(values[key], ",")
		ip.Addresses = append(ip.Addresses, strings.TrimSpace(address))
		ip.Gateway = cmp.Or(ip.Gateway, strings.TrimSpace(gateway))
	}
	for _, key := range numbered(values, prefix+"route") {
		ip.Routes = append(ip.Routes, values[key])
	}
	return ip
}

// numbered are the keys that are prefix and a number, in the order of the numbers.
func numbered(values map[string]string, prefix string) []string {
	byNumber := map[int]string{}
	for key := range values {
		rest, ok := strings.CutPrefix(key, prefix)
		if n, err := strconv.Atoi(rest); ok && err == nil && rest[0] >= '0' && rest[0] <= '9' {
			byNumber[n] = key
		}
	}
	var keys []string
	for _, n := range slices.Sorted(maps.Keys(byNumber)) {
		keys = append(keys, byNumber[n])
	}
	return keys
}

func list(value string) []string {
	var out []string
	for part := range strings.FieldsFuncSeq(value, func(c rune) bool { return c == ';' || c == ',' }) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// unescape takes GLib's escapes out of a value.
func unescape(value string) string {
	return strings.NewReplacer(`\\`, `\`, `\s`, " ", `\t`, "\t", `\n`, "\n", `\r`, "\r").Replace(value)
}
