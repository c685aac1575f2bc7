// Package accounts describes who is on a system: users, groups, and what they
// may do.
//
// It reads the tables that the C library and the tools of shadow read, never a
// directory service, and keeps no password's hash.
package accounts

import "github.com/assay-os/assay/inspect/section"

// Sections is the one list of this package's sections.
func Sections() []section.Section {
	return []section.Section{
		users(), groups(), shadow(), gshadow(), passwdSystem(), groupsSystem(), subids(), logins(), sudoers(), pam(), polkit(),
		loginDefs(), nsswitch(), skel(),
	}
}
