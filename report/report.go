// Package report defines the one record that describes anything which can
// hold an operating system: a directory, a tar, a disk image, the output of
// one build step.
//
// A [Report] is a sorted list of entries (one for each path) and a set of
// sections (packages, users, partitions, ...). Package inspect fills it,
// package diff compares two of it, and package build keeps the entries of
// every step's output; none of them needs the image that a report came from.
//
// The package holds data, its canonical JSON form and its integrity digests.
// It does not read images and does not judge differences. It imports the
// standard library only.
package report

// SchemaVersion is the version of the JSON form of a [Report]. A reader
// refuses a document with a higher one.
const SchemaVersion = 1

// A Report is everything that was found in one subject.
//
// Its slices are sorted (Files by the bytes of their path, the others by
// their first field), so that equal subjects give equal bytes.
type Report struct {
	SchemaVersion int               `json:"schema_version"`
	Subject       Subject           `json:"subject"`
	Disk          *Disk             `json:"disk,omitempty"`
	Container     *Container        `json:"container,omitempty"`
	Files         []Entry           `json:"files"`
	Packages      []Package         `json:"packages"`
	Users         []User            `json:"users"`
	Groups        []Group           `json:"groups"`
	OSRelease     map[string]string `json:"os_release"`
	Fstab         []FstabEntry      `json:"fstab"`
	Services      Services          `json:"services"`
	Boot          []BootEntry       `json:"boot"`

	AccountFacts
	BootFacts
	ConfigFacts
	NetworkFacts
	PackageFacts
	PrivilegeFacts
	SELinuxFacts
	SettingFacts
	SystemdFacts

	Sections map[string]Section `json:"sections"`
	Rules    []Rule             `json:"rules,omitempty"`
}

// A Subject says what was inspected. It names the content, never the host or
// the path that the content was read from.
type Subject struct {
	// Kind is "directory", "tar", "cpio", "disk", "filesystem", "container" (an image's layers,
	// merged), "commit" (of OSTree) or "tree" (a step's output).
	Kind string `json:"kind"`
	// Format is the container's: "raw", "qcow2", "gzip+tar", ...; empty for a directory.
	// An initramfs of two parts is "cpio,zstd+cpio".
	Format string `json:"format,omitempty"`
}

// Status tells how far a section could be read.
type Status string

// The statuses of a section.
const (
	// OK: the section was read whole.
	OK Status = "ok"
	// Absent: the subject has nothing of this kind, and that is certain.
	Absent Status = "absent"
	// Unread: something could not be read. A verdict over it is inconclusive.
	Unread Status = "unread"
)

// A Section is the state of one part of the report. Reason is empty for
// [OK], and otherwise one clause that names the place.
type Section struct {
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// A Rule names a canonicalisation that was applied to contents of this
// report, so that a saved report explains itself.
type Rule struct {
	Name string `json:"name"`
	// Version grows when the rule's meaning does; old meanings stay available.
	Version int    `json:"version"`
	Reason  string `json:"reason"`
	// Source is the man page, specification or upstream file that proves the reason.
	Source string `json:"source"`
}

// A Package is one installed package. Files is not kept here: ownership is
// looked up by path in the package manager's own lists.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Arch    string `json:"arch"`
	// Manager is "dpkg" or "rpm".
	Manager string `json:"manager"`
	// State is dpkg's status ("install ok installed"); empty for rpm.
	State string `json:"state,omitempty"`
}

// A User is one line of /etc/passwd with what /etc/shadow says of it.
type User struct {
	Name  string `json:"name"`
	UID   uint32 `json:"uid"`
	GID   uint32 `json:"gid"`
	Gecos string `json:"gecos,omitempty"`
	Home  string `json:"home"`
	Shell string `json:"shell"`
	// Password is "none" (empty: anyone may log in), "locked", or the name of
	// the hash's algorithm ("yescrypt", "sha512", ...); never the hash.
	Password string `json:"password"`
	// Keys counts the lines of ~/.ssh/authorized_keys that hold a key.
	Keys int `json:"authorized_keys,omitempty"`
}

// A Group is one line of /etc/group.
type Group struct {
	Name    string   `json:"name"`
	GID     uint32   `json:"gid"`
	Members []string `json:"members,omitempty"`
}

// An FstabEntry is one line of /etc/fstab: fstab(5).
type FstabEntry struct {
	Spec    string `json:"spec"`
	File    string `json:"file"`
	VfsType string `json:"vfstype"`
	Options string `json:"options"`
	Freq    int    `json:"freq"`
	Passno  int    `json:"passno"`
}

// Services says what systemd will start: unit names, sorted.
type Services struct {
	Enabled       []string `json:"enabled"`
	Disabled      []string `json:"disabled"`
	Masked        []string `json:"masked"`
	DefaultTarget string   `json:"default_target,omitempty"`
}

// A BootEntry is one way to boot that the image offers.
type BootEntry struct {
	// Source is the file that holds the entry ("/boot/grub/grub.cfg", a BLS file).
	Source  string `json:"source"`
	Title   string `json:"title"`
	Linux   string `json:"linux"`
	Initrd  string `json:"initrd,omitempty"`
	Options string `json:"options,omitempty"`
	Default bool   `json:"default,omitempty"`
}
