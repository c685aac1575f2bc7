// Package settings describes how a system is set up: what names and configures
// it as a whole.
package settings

import "github.com/assay-os/assay/inspect/section"

// Sections is the one list of this package's sections.
func Sections() []section.Section {
	return []section.Section{
		osRelease(), hostname(), machineID(), timezone(), locale(), keyboard(), environment(), sysconfig(), programs(),
		sysctl(), modprobe(), modulesLoad(), tmpfiles(), sysusers(), udevRules(), limits(), cron(), ldSoConf(), caCertificates(),
		dracut(), cloudInit(), ignition(), waagent(), googleAgents(), tuned(), authselect(), cryptoPolicies(), rhsm(),
		containers(), containerImages(), quadlets(), fips(), ostree(),
	}
}
