// Package packages describes what is installed: the databases of the package
// managers, and which file belongs to which package.
//
// It reads the databases themselves, in place; it runs no package manager.
package packages

import "github.com/assay-os/assay/inspect/section"

// Sections is the one list of this package's sections.
func Sections() []section.Section {
	return []section.Section{packages()}
}
