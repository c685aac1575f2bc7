package resolve

// A Blueprint is what a person wants of an image: osbuild's blueprint
// (osbuild/blueprint, pkg/blueprint), as far as it is carried here, and the
// keys mirror, security_mirror and image, which are ours.
type Blueprint struct {
	Name         string `toml:"name"`
	Description  string `toml:"description"`
	Version      string `toml:"version"`
	Distro       string `toml:"distro"`
	Architecture string `toml:"architecture"`

	// Mirror is where the packages come from: "host" takes this machine's own
	// apt sources, anything else is the URL of an archive.
	Mirror string `toml:"mirror"`
	// SecurityMirror is the URL of the security archive; where it is empty and
	// Mirror ends in "/debian" it is "-security" behind that.
	SecurityMirror string `toml:"security_mirror"`
	Image          Image  `toml:"image"`

	Packages       []Package      `toml:"packages"`
	Modules        []Package      `toml:"modules"`
	Customizations Customizations `toml:"customizations"`
}

// An Image says what comes out. The UUIDs derive from the blueprint where they
// are empty.
type Image struct {
	// Size is a number of bytes or has a unit: "1 GiB", "1500 MB".
	Size string `toml:"size"`
	// Format is "raw" or "qcow2".
	Format   string `toml:"format"`
	DiskUUID string `toml:"disk_uuid"`
	RootUUID string `toml:"root_uuid"`
}

// A Package is a package by name; Version may have * at its end.
type Package struct {
	Name    string `toml:"name"`
	Version string `toml:"version"`
}

// Customizations are the blueprint's table of that name.
type Customizations struct {
	Hostname    string       `toml:"hostname"`
	Kernel      Kernel       `toml:"kernel"`
	SSHKeys     []SSHKey     `toml:"sshkey"`
	Users       []User       `toml:"user"`
	Groups      []Group      `toml:"group"`
	Timezone    Timezone     `toml:"timezone"`
	Locale      Locale       `toml:"locale"`
	Services    Services     `toml:"services"`
	Filesystems []Filesystem `toml:"filesystem"`
	Directories []Directory  `toml:"directories"`
	Files       []File       `toml:"files"`
}

// Kernel has what is added to the kernel's command line.
type Kernel struct {
	Append string `toml:"append"`
}

// An SSHKey is one more key for a user that is named elsewhere, or root.
type SSHKey struct {
	User string `toml:"user"`
	Key  string `toml:"key"`
}

// A User is an account. Password is a crypt(5) hash: a plain one would stand
// in the manifest for everybody to read, and hashing it needs a random salt.
type User struct {
	Name        string   `toml:"name"`
	Description string   `toml:"description"`
	Password    string   `toml:"password"`
	Key         string   `toml:"key"`
	Home        string   `toml:"home"`
	Shell       string   `toml:"shell"`
	Groups      []string `toml:"groups"`
	UID         *int     `toml:"uid"`
	GID         *int     `toml:"gid"`
}

// A Group is a group of users.
type Group struct {
	Name string `toml:"name"`
	GID  *int   `toml:"gid"`
}

// A Timezone is a name of the tz database.
type Timezone struct {
	Timezone string `toml:"timezone"`
}

// A Locale is the system's language; the first of Languages counts.
type Locale struct {
	Languages []string `toml:"languages"`
	Keyboard  string   `toml:"keyboard"`
}

// Services are systemd units by name.
type Services struct {
	Enabled  []string `toml:"enabled"`
	Disabled []string `toml:"disabled"`
	Masked   []string `toml:"masked"`
}

// A Filesystem is a least size for what is mounted somewhere.
type Filesystem struct {
	Mountpoint string `toml:"mountpoint"`
	MinSize    any    `toml:"minsize"`
}

// A Directory is a directory that must be there. User and Group are a name or
// a number; Mode is in octal.
type Directory struct {
	Path          string `toml:"path"`
	User          any    `toml:"user"`
	Group         any    `toml:"group"`
	Mode          string `toml:"mode"`
	EnsureParents bool   `toml:"ensure_parents"`
}

// A File is a file with its content.
type File struct {
	Path  string `toml:"path"`
	User  any    `toml:"user"`
	Group any    `toml:"group"`
	Mode  string `toml:"mode"`
	Data  string `toml:"data"`
}
