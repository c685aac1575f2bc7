// Package accounts describes who is on a system: users, groups, and what they
// may do.
//
// It reads the tables that the C library and the tools of shadow read, never a
// directory service, and keeps no password's hash unless it is asked to.
package accounts

import "github.com/assay-os/assay/inspect/section"

// Options tune the sections. The zero value shows no secret.
type Options struct {
	// Hashes keeps the password fields of shadow and gshadow.
	Hashes bool
}

// Sections is the one list of this package's sections.
func Sections(o Options) []section.Section {
	return []section.Section{
		users(), groups(), shadow(o.Hashes), gshadow(o.Hashes), passwdSystem(), groupsSystem(), subids(), logins(), sudoers(), pam(), polkit(),
		loginDefs(), nsswitch(), skel(),
	}
}
