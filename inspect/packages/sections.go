// Package packages describes what is installed: the databases of the package
// managers, which file belongs to which package, what is not as its package says,
// and where packages come from.
//
// It reads the databases themselves, in place; it runs no package manager, checks
// no signature, and resolves no dependency.
package packages

import (
	"github.com/assay-os/assay/inspect/section"
)

// Options tune the sections.
type Options struct {
	// Contents makes the section "verification" read what it has to compare and nobody has
	// digested so: files whose package tells an MD5, SHA-1 or SHA-512.
	Contents bool
}

// Sections is the one list of this package's sections. They share what they read
// of the databases, so one list is good for one image.
func Sections(o Options) []section.Section {
	c := &catalogue{Options: o}
	return []section.Section{
		c.packages(), c.rpmSection(), c.dpkgSection(), diversionsSection(), statoverrides(), alternatives(),
		c.verification(), c.unowned(), repositories(), c.repositoryKeys(), dnf(), apt(),
	}
}
