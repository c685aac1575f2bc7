package report

// PrivilegeFacts say which programs give more rights than their caller has.
type PrivilegeFacts struct {
	// Capabilities are the files with capabilities, by path.
	Capabilities []FileCapability `json:"capabilities,omitempty"`
	// Privileged are the files that run as their owner or group, by path.
	Privileged []PrivilegedFile `json:"privileged,omitempty"`
}

// A FileCapability is a file with capabilities.
type FileCapability struct {
	Path Raw `json:"path"`
	// Capabilities are in the form of cap_to_text(3); where they cannot be
	// decoded, that says so.
	Capabilities string `json:"capabilities"`
	// Package is the installed package that owns the file; empty for none.
	Package string `json:"package,omitempty"`
}

// A PrivilegedFile is a regular file that is setuid or setgid.
type PrivilegedFile struct {
	Path Raw    `json:"path"`
	Mode Mode   `json:"mode"`
	UID  uint32 `json:"uid"`
	GID  uint32 `json:"gid"`
	// User and Group are the names in the image's own tables.
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"`
	// Package is the installed package that owns the file; empty for none.
	Package string `json:"package,omitempty"`
}
