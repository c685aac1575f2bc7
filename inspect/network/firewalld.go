package network

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// The directories of firewalld; a name in the first hides that in the second.
const (
	firewalldEtc = "/etc/firewalld"
	firewalldLib = "/usr/lib/firewalld"
)

func firewalld() section.Section {
	return section.Section{
		Name: "firewalld", Source: "firewalld.conf, zones, services, policies, ipsets and direct.xml in /etc/firewalld over /usr/lib/firewalld",
		Oracle: "firewall-offline-cmd --list-all-zones",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			f := &report.Firewalld{DefaultZone: "public"}
			err := errors.Join(firewalldConf(t, f), firewalldZones(t, f), firewalldServices(t, f), firewalldNames(t, f), firewalldDirect(t, f))
			if err == nil && f.Settings == nil && len(f.Zones) == 0 {
				return section.Absent("no configuration of firewalld")
			}
			r.Firewalld = f
			return err
		},
	}
}

func firewalldConf(t *tree.Tree, f *report.Firewalld) error {
	d := keyfile.NetworkManager()
	d.Headless, d.KeepTrailing = true, false
	file, err := readKeyfile(t, firewalldEtc+"/firewalld.conf", d, &f.Problems)
	if file == nil {
		return err
	}
	f.Settings = map[string]string{}
	for _, a := range file.Assignments {
		f.Settings[a.Key] = a.Value
	}
	f.DefaultZone = cmp.Or(f.Settings["DefaultZone"], f.DefaultZone)
	return err
}

// The XML of zones and services: firewalld.zone(5), firewalld.service(5).
type xmlZone struct {
	XMLName      xml.Name
	Target       string       `xml:"target,attr"`
	Interfaces   []xmlElement `xml:"interface"`
	Sources      []xmlElement `xml:"source"`
	Services     []xmlElement `xml:"service"`
	Ports        []xmlElement `xml:"port"`
	SourcePorts  []xmlElement `xml:"source-port"`
	Protocols    []xmlElement `xml:"protocol"`
	ForwardPorts []xmlElement `xml:"forward-port"`
	IcmpBlocks   []xmlElement `xml:"icmp-block"`
	Inversion    *struct{}    `xml:"icmp-block-inversion"`
	Masquerade   *struct{}    `xml:"masquerade"`
	Forward      *struct{}    `xml:"forward"`
	Rules        []xmlRule    `xml:"rule"`
	// Of services.
	Modules      []xmlElement `xml:"module"`
	Destinations []xmlElement `xml:"destination"`
	Includes     []xmlElement `xml:"include"`
	Helpers      []xmlElement `xml:"helper"`
}

// An xmlElement is one of the small elements, with all the attributes that they have.
type xmlElement struct {
	XMLName   xml.Name
	Name      string `xml:"name,attr"`
	Value     string `xml:"value,attr"`
	Address   string `xml:"address,attr"`
	MAC       string `xml:"mac,attr"`
	IPSet     string `xml:"ipset,attr"`
	Invert    string `xml:"invert,attr"`
	Port      string `xml:"port,attr"`
	Protocol  string `xml:"protocol,attr"`
	ToPort    string `xml:"to-port,attr"`
	ToAddr    string `xml:"to-addr,attr"`
	Service   string `xml:"service,attr"`
	IPv4      string `xml:"ipv4,attr"`
	IPv6      string `xml:"ipv6,attr"`
	Prefix    string `xml:"prefix,attr"`
	Level     string `xml:"level,attr"`
	Group     string `xml:"group,attr"`
	QueueSize string `xml:"queue-size,attr"`
	Type      string `xml:"type,attr"`
	Set       string `xml:"set,attr"`

	Limit *xmlElement `xml:"limit"`
}

// port is "80/tcp".
func (e xmlElement) port() string { return e.Port + "/" + e.Protocol }

// source is an address (of a network card, too) or "ipset:NAME".
func (e xmlElement) source() string {
	if e.Address == "" && e.IPSet != "" {
		return "ipset:" + e.IPSet
	}
	return e.Address
}

func (e xmlElement) forward() string {
	return fmt.Sprintf("port=%s:proto=%s:toport=%s:toaddr=%s", e.Port, e.Protocol, e.ToPort, e.ToAddr)
}

func each(list []xmlElement, text func(xmlElement) string) []string {
	var out []string
	for _, e := range list {
		out = append(out, text(e))
	}
	return out
}

func name(e xmlElement) string { return e.Name }

// readXML reads one file; what is no XML of that kind is a problem.
func readXML(t *tree.Tree, path, root string, into *xmlZone, problems *[]string) (bool, error) {
	data, err := t.ReadFile(path, section.MaxConfig)
	if err != nil {
		return false, err
	}
	if err := xml.Unmarshal(data, into); err != nil || into.XMLName.Local != root {
		*problems = section.AddProblem(*problems, fmt.Sprintf("%s: it is no %s: %v", path, root, err))
		return false, nil
	}
	return true, nil
}

func firewalldZones(t *tree.Tree, f *report.Firewalld) error {
	files, err := section.Dropins(t, "*.xml", firewalldEtc+"/zones", firewalldLib+"/zones")
	if err != nil {
		return err
	}
	for _, file := range files {
		var z xmlZone
		ok, err := readXML(t, file.Path, "zone", &z, &f.Problems)
		if err != nil {
			return unless(err)
		}
		if ok {
			f.Zones = append(f.Zones, zone(strings.TrimSuffix(file.Name(), ".xml"), file.Path, z))
		}
	}
	slices.SortFunc(f.Zones, func(a, b report.FirewallZone) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

func zone(zoneName, path string, z xmlZone) report.FirewallZone {
	out := report.FirewallZone{
		Name: zoneName, Path: path, Target: cmp.Or(z.Target, "default"),
		Interfaces: each(z.Interfaces, name), Sources: each(z.Sources, xmlElement.source), Services: each(z.Services, name),
		Ports: each(z.Ports, xmlElement.port), SourcePorts: each(z.SourcePorts, xmlElement.port),
		Protocols:    each(z.Protocols, func(e xmlElement) string { return e.Value }),
		ForwardPorts: each(z.ForwardPorts, xmlElement.forward), IcmpBlocks: each(z.IcmpBlocks, name),
		Masquerade: z.Masquerade != nil, Forward: z.Forward != nil, IcmpBlockInversion: z.Inversion != nil,
	}
	for _, rule := range z.Rules {
		out.Rules = append(out.Rules, rule.String())
	}
	return out
}

// firewalldServices reads what zones name.
func firewalldServices(t *tree.Tree, f *report.Firewalld) error {
	wanted := map[string]bool{}
	for _, z := range f.Zones {
		for _, s := range z.Services {
			wanted[s] = true
		}
	}
	for _, service := range slices.Sorted(maps.Keys(wanted)) {
		s, err := firewalldService(t, f, service)
		if errors.Is(err, fs.ErrNotExist) {
			f.Problems = section.AddProblem(f.Problems, "service "+service+" is named and not defined")
			continue
		}
		if err != nil {
			return err
		}
		f.Services = append(f.Services, s)
	}
	return nil
}

func firewalldService(t *tree.Tree, f *report.Firewalld, service string) (report.FirewallService, error) {
	if strings.ContainsRune(service, '/') {
		return report.FirewallService{}, fs.ErrNotExist
	}
	for _, dir := range []string{firewalldEtc, firewalldLib} {
		path := dir + "/services/" + service + ".xml"
		var z xmlZone
		_, err := readXML(t, path, "service", &z, &f.Problems)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		s := report.FirewallService{Name: service, Path: path, Ports: each(z.Ports, xmlElement.port)}
		s.More = slices.Concat(
			each(z.Protocols, func(e xmlElement) string { return "protocol " + e.Value }), each(z.SourcePorts, func(e xmlElement) string { return "source port " + e.port() }),
			each(z.Modules, func(e xmlElement) string { return "module " + e.Name }), each(z.Helpers, func(e xmlElement) string { return "helper " + e.Name }),
			each(z.Destinations, func(e xmlElement) string { return "destination " + strings.TrimSpace(e.IPv4+" "+e.IPv6) }),
			each(z.Includes, func(e xmlElement) string { return "service " + e.Service }),
		)
		return s, err
	}
	return report.FirewallService{}, fs.ErrNotExist
}

// firewalldNames lists what an administrator has added.
func firewalldNames(t *tree.Tree, f *report.Firewalld) error {
	for dir, names := range map[string]*[]string{"policies": &f.Policies, "ipsets": &f.IPSets} {
		files, err := t.Glob(firewalldEtc + "/" + dir + "/*.xml")
		if err != nil {
			return err
		}
		for _, file := range files {
			*names = append(*names, strings.TrimSuffix(file.Name(), ".xml"))
		}
	}
	return nil
}

func firewalldDirect(t *tree.Tree, f *report.Firewalld) error {
	data, err := t.ReadFile(firewalldEtc+"/direct.xml", section.MaxConfig)
	if err != nil {
		return unless(err)
	}
	var direct struct {
		Rules        []struct{} `xml:"rule"`
		Passthroughs []struct{} `xml:"passthrough"`
	}
	if err := xml.Unmarshal(data, &direct); err != nil {
		f.Problems = section.AddProblem(f.Problems, fmt.Sprintf("%s/direct.xml: %v", firewalldEtc, err))
	}
	f.Direct = len(direct.Rules) + len(direct.Passthroughs)
	return nil
}
