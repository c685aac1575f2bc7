package show

import (
	"cmp"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// network tells how a system is connected, and who can reach what in it.
func network(r *report.Report) part {
	p := part{Heading: "How it is connected"}
	p.facts(
		fact{Label: "host name", Value: text(r.Hostname)},
		names1("interfaces", interfaces(r)),
		names1("name servers", nameservers(r)),
		fact{Label: "firewall", Value: firewall(r)},
		fact{Label: "sshd", Value: sshd(r)},
		fact{Label: "host keys", Value: hostKeys(r)},
		names1("time from", timeSources(r)),
	)
	t := table{Heads: []string{"listens at", "by", "from boot on"}}
	for _, l := range r.Listening {
		if kind, _, _ := strings.Cut(l.Address, " "); kind == "unix" || kind == "netlink" || kind == "fifo" {
			continue // no other machine can reach it
		}
		at := cell{"no", soft}
		if l.Enabled {
			at = text("yes")
		}
		t.Rows = append(t.Rows, append(row(l.Address, l.Unit), at))
	}
	slices.SortStableFunc(t.Rows, func(a, b []cell) int { return -cmp.Compare(a[2].Text, b[2].Text) })
	p.table(t)
	return p
}

// names1 is a fact of many; without any there is no fact.
func names1(label string, list []string) fact { return fact{Label: label, Names: list} }

// interfaces are what is set up of each, by whatever program does it.
func interfaces(r *report.Report) []string {
	var out []string
	if r.NetworkManager != nil {
		for _, c := range r.NetworkManager.Connections {
			out = append(out, cmp.Or(c.Interface, c.ID)+" (NetworkManager)")
		}
	}
	for _, f := range r.Networkd {
		// Those below /usr are systemd's own, for containers and the like.
		if strings.HasSuffix(f.Name, ".network") && !f.Masked && !strings.HasPrefix(f.Path, "/usr/") {
			out = append(out, strings.TrimSuffix(f.Name, ".network")+" (networkd)")
		}
	}
	if r.Ifcfg != nil {
		for _, i := range r.Ifcfg.Interfaces {
			out = append(out, i.Name+" (ifcfg)")
		}
	}
	if r.Netplan != nil {
		for _, i := range r.Netplan.Interfaces {
			out = append(out, i.ID+" (netplan)")
		}
	}
	if r.Interfaces != nil {
		for _, name := range slices.Concat(r.Interfaces.Auto, r.Interfaces.Hotplug) {
			out = append(out, name+" (ifupdown)")
		}
	}
	return out
}

func nameservers(r *report.Report) []string {
	if r.ResolvConf == nil {
		return nil
	}
	if r.ResolvConf.Link != "" && len(r.ResolvConf.Nameservers) == 0 {
		return []string{"those in " + r.ResolvConf.Link}
	}
	return r.ResolvConf.Nameservers
}

// firewall names the filters that have rules.
func firewall(r *report.Report) cell {
	var out []string
	if f := r.Firewalld; f != nil {
		zone := "firewalld, zone " + f.DefaultZone
		for _, z := range f.Zones {
			if z.Name == f.DefaultZone && len(z.Services)+len(z.Ports) > 0 {
				zone += " lets in " + strings.Join(slices.Concat(z.Services, z.Ports), " ")
			}
		}
		out = append(out, zone)
	}
	if len(r.Nftables) > 0 {
		out = append(out, "nftables")
	}
	if len(r.Iptables) > 0 {
		out = append(out, "iptables")
	}
	return text(strings.Join(out, "; "))
}

// sshd tells the settings that decide who gets in; what is not set is sshd's default.
func sshd(r *report.Report) cell {
	if r.Sshd == nil {
		return cell{}
	}
	values := map[string]string{}
	for _, s := range r.Sshd.Settings {
		if _, set := values[s.Key]; !set {
			values[s.Key] = s.Value
		}
	}
	root, password := cmp.Or(values["permitrootlogin"], "prohibit-password"), cmp.Or(values["passwordauthentication"], "yes")
	c := cell{Text: "root: " + root + ", passwords: " + password}
	if root == "yes" && password == "yes" {
		c.Tone = warn
	}
	if values["permitemptypasswords"] == "yes" {
		c = cell{c.Text + ", EMPTY PASSWORDS: yes", bad}
	}
	return c
}

// hostKeys tells whether each copy of an image has the same keys.
func hostKeys(r *report.Report) cell {
	private := 0
	for _, k := range r.SSHHostKeys {
		if k.Private {
			private++
		}
	}
	switch {
	case private > 0:
		return cell{count(private, "private key") + " in the image: every copy has the same", warn}
	case r.Sections["ssh-host-keys"].Status == report.OK || r.Sections["sshd"].Status == report.OK:
		return text("none in the image")
	}
	return cell{}
}

func timeSources(r *report.Report) []string {
	var out []string
	for _, s := range []*report.TimeService{r.Chrony, r.NTP, r.Timesyncd} {
		if s == nil {
			continue
		}
		for _, x := range s.Sources {
			if x.Kind != "fallback" && !slices.Contains(out, x.Address) {
				out = append(out, x.Address)
			}
		}
	}
	return out
}
