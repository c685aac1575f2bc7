// Package boot describes how a system boots and what it mounts: the boot
// loaders' configurations and the table of filesystems.
//
// Configurations are read, scripts in them are not evaluated.
package boot

import "github.com/assay-os/assay/inspect/section"

// Sections is the one list of this package's sections.
func Sections() []section.Section {
	return []section.Section{fstab(), boot()}
}
