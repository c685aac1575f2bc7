// Package privileges lists the files of a system that give whoever runs them
// more rights than they have: by file capabilities, or by running as their owner
// or group.
//
// It tells what the inodes say. Whether a mount option takes it back, or who may
// run the file at all, it does not.
package privileges

import "github.com/assay-os/assay/inspect/section"

// Sections is the one list of this package's sections.
func Sections() []section.Section {
	return []section.Section{capabilities(), privileged()}
}
