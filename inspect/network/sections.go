// Package network describes how a system is connected: names, interfaces,
// packet filters, SSH, time, and what listens.
//
// It reads configuration files as the programs would that they are for, and evaluates
// nothing that only a running system knows. Secrets are never kept: see package secret.
package network

import "github.com/assay-os/assay/inspect/section"

// Sections is the one list of this package's sections.
func Sections() []section.Section {
	return []section.Section{
		hosts(), resolvConf(), networkManager(), networkd(), ifcfg(), netplan(), interfaces(),
		firewalld(), nftables(), iptables(), sshd(), sshClient(), sshHostKeys(), chrony(), timesyncd(), ntp(), listening(),
	}
}
