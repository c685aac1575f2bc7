package report

import "time"

// Type is what kind of inode an entry is.
type Type string

// The types of an entry, by the names that find(1) and tar(5) manuals use.
const (
	File      Type = "file"
	Directory Type = "directory"
	Symlink   Type = "symlink"
	Char      Type = "char"
	Block     Type = "block"
	FIFO      Type = "fifo"
	Socket    Type = "socket"
)

// An Entry is everything that is recorded of one path.
//
// Two entries are equal exactly when every field is. Fields that make no
// sense for a type are zero: Size counts only for files, Target only for
// symlinks, Device only for device nodes.
type Entry struct {
	// Path is absolute and clean; the root of the tree is "/". What lies in a
	// volume that the image mounts nowhere, or below a directory that a mount
	// covers, has the volume's name and a colon before its path in the volume:
	// "partition 3:/EFI".
	Path Raw    `json:"path"`
	Type Type   `json:"type"`
	Mode Mode   `json:"mode"`
	UID  uint32 `json:"uid"`
	GID  uint32 `json:"gid"`
	// Size is the length of a file's content in bytes.
	Size int64 `json:"size"`
	// Mtime is in UTC with nanoseconds.
	Mtime time.Time `json:"mtime"`
	// SHA256 is the hex digest of a file's content. It is empty for other
	// types, and for a file whose content was not read: then a section says why.
	SHA256 string `json:"sha256,omitempty"`
	Target Raw    `json:"target,omitempty"`
	// Device is "MAJOR:MINOR".
	Device string `json:"device,omitempty"`
	// Xattrs holds every extended attribute by its full name, those that
	// SELinux, Capabilities and the ACLs decode included.
	Xattrs map[string]Raw `json:"xattrs,omitempty"`
	// SELinux is the label, without its trailing NUL.
	SELinux string `json:"selinux,omitempty"`
	// Capabilities is security.capability in the form of cap_to_text(3).
	Capabilities string `json:"capabilities,omitempty"`
	// ACL and DefaultACL are the POSIX lists of access rights in the short text
	// form of acl(5), ids as numbers: "user::rw-,user:1000:r--,group::r--,mask::r--,other::---".
	// They are empty where the mode says all. Xattrs holds their raw form.
	ACL        string `json:"acl,omitempty"`
	DefaultACL string `json:"default_acl,omitempty"`
	// Project is the project id of quotas; 0 is nobody's, or not to be seen: as
	// Attributes.
	Project uint32 `json:"project,omitempty"`
	// Attributes are the flags of the inode that chattr(1) sets, by name, sorted
	// and with commas between: "immutable". In a directory that is mounted, all
	// are seen of files and directories that the reader may open, and of the
	// rest those of statx(2): append-only, encrypted, immutable, nodump, verity.
	Attributes string `json:"attributes,omitempty"`
	// Hardlink is the first path, in order, of the group of names that share
	// this inode; it is empty for an inode with one name.
	Hardlink  Raw        `json:"hardlink,omitempty"`
	Canonical *Canonical `json:"canonical,omitempty"`
	// Roles is the content with the identifiers of its own disk replaced by
	// their roles (see Identities), where it names one at a place where they
	// are known to stand. It counts in the place of Canonical where disks are
	// compared: a tree has no disk that a UUID could mean.
	Roles *Canonical `json:"roles,omitempty"`
	// Package names the installed package that owns the path, by the package
	// manager's own lists. The section "packages" fills it. It explains, and
	// is no fact of the inode: no digest covers it, no comparison counts it.
	Package string `json:"package,omitempty"`
	// User and Group are the names of UID and GID in the image's own tables.
	// They explain, as Package does: the tables are compared by themselves.
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"`
	// Holes counts the bytes of a file's Size that are not stored and read as
	// zeros: holes and unwritten extents. It is found when the content is
	// read. How a file is stored is no fact of its content, so it is neither
	// digested nor compared.
	Holes int64 `json:"holes,omitempty"`
}

// Canonical is a file's content with what does not change its meaning taken
// out by one named rule. Contents with equal digests of the same rule and
// version mean the same.
type Canonical struct {
	Rule    string `json:"rule"`
	Version int    `json:"version"`
	// Digest is the hex SHA-256 of the canonical form.
	Digest string `json:"digest"`
	// Parts names the pieces of the canonical form, for explaining: members
	// of an archive, stanzas of a database. They may be left out where there
	// are too many; the digest covers all of them.
	Parts []Part `json:"parts,omitempty"`
}

// A Part is one named piece of a canonical form.
type Part struct {
	Name   Raw    `json:"name"`
	Digest string `json:"digest"`
}
