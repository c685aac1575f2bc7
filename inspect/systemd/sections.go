// Package systemd describes what systemd will start.
//
// It reads unit files, drop-ins, links and presets as systemd does offline (systemctl
// --root); it runs nothing, no generator either, and decides no condition.
package systemd

import "github.com/assay-os/assay/inspect/section"

// Sections is the one list of this package's sections. They share what one of them has
// read of the units.
func Sections() []section.Section {
	s := &shared{}
	return []section.Section{
		services(s), units(s), userUnits(s), unitDropins(s), timers(s), sockets(s), generators(), presets(), defaultTarget(s), startup(s),
	}
}
