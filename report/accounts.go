package report

// AccountFacts say who may do what.
type AccountFacts struct {
	// Shadow and Gshadow say how passwords are kept, never what they are.
	Shadow  []ShadowEntry  `json:"shadow,omitempty"`
	Gshadow []GshadowEntry `json:"gshadow,omitempty"`
	// PasswdSystem and GroupsSystem are the accounts that a system of OSTree ships below /usr.
	PasswdSystem []User  `json:"passwd_system,omitempty"`
	GroupsSystem []Group `json:"groups_system,omitempty"`
	// Subids are the ranges that users may map in user namespaces.
	Subids []SubIDs `json:"subids,omitempty"`
	// Logins are the users that have something to log in with.
	Logins  []Login  `json:"logins,omitempty"`
	Sudoers *Sudoers `json:"sudoers,omitempty"`
	// PAM are the services of /etc/pam.d, what they include written out.
	PAM    []PAMService `json:"pam,omitempty"`
	Polkit *Polkit      `json:"polkit,omitempty"`
	// LoginDefs are the settings of login.defs(5), Nsswitch those of
	// nsswitch.conf(5): the sources of each database.
	LoginDefs map[string]string `json:"login_defs,omitempty"`
	Nsswitch  map[string]string `json:"nsswitch,omitempty"`
	// Skel are the names that a new home directory starts with.
	Skel []string `json:"skel,omitempty"`
}

// A ConfigText is a configuration file as it stands, without empty lines
// and comments.
type ConfigText struct {
	Path  string   `json:"path"`
	Lines []string `json:"lines"`
}

// A ShadowEntry is one line of shadow(5). Days count from 1970-01-01; a
// field that is empty there is missing here.
type ShadowEntry struct {
	Name string `json:"name"`
	// State is "password", "none" (empty: no password is asked for) or "locked".
	State string `json:"state"`
	// Algorithm is the hash's ("yescrypt", "sha512", ...), also where a mark before it locks it.
	Algorithm string `json:"algorithm,omitempty"`
	// Hash is the field itself; only where it was asked for.
	Hash string `json:"hash,omitempty"`
	// Changed is the day of the last change; 0 makes the user choose a new password.
	Changed  *int64 `json:"changed,omitempty"`
	Min      *int64 `json:"min,omitempty"`
	Max      *int64 `json:"max,omitempty"`
	Warn     *int64 `json:"warn,omitempty"`
	Inactive *int64 `json:"inactive,omitempty"`
	// Expire is the day from which on nobody logs in as this user.
	Expire *int64 `json:"expire,omitempty"`
}

// A GshadowEntry is one line of gshadow(5).
type GshadowEntry struct {
	Name      string   `json:"name"`
	State     string   `json:"state"`
	Algorithm string   `json:"algorithm,omitempty"`
	Hash      string   `json:"hash,omitempty"`
	Admins    []string `json:"admins,omitempty"`
	Members   []string `json:"members,omitempty"`
}

// SubIDs are the ranges of one owner, a name or a number: subuid(5), subgid(5).
type SubIDs struct {
	Owner string    `json:"owner"`
	UIDs  []IDRange `json:"uids,omitempty"`
	GIDs  []IDRange `json:"gids,omitempty"`
}

// An IDRange is Count numbers from Start on.
type IDRange struct {
	Start uint64 `json:"start"`
	Count uint64 `json:"count"`
}

// A Login is a user who has a password, none to give, a key, or is logged in at boot.
type Login struct {
	Name  string `json:"name"`
	UID   uint32 `json:"uid"`
	Shell string `json:"shell"`
	// UnlistedShell: /etc/shells is there and does not list the shell, which some programs ask (su,
	// chsh, FTP servers), and neither login nor sshd.
	UnlistedShell bool `json:"unlisted_shell,omitempty"`
	// Ways are how the user gets in: "console" (password), "console without password",
	// "autologin", "ssh key", "ssh password"; none where all is barred.
	Ways []string `json:"ways,omitempty"`
	// Barred says what keeps a credential from being of use.
	Barred []string `json:"barred,omitempty"`
	// Conditions are the Match blocks of sshd that may decide otherwise, for some connections.
	Conditions []string `json:"conditions,omitempty"`
	// Keys are the authorized ones.
	Keys []AuthorizedKey `json:"keys,omitempty"`
	// Autologin are the units that log the user in.
	Autologin []string `json:"autologin,omitempty"`
}

// An AuthorizedKey is one line of an authorized_keys file: sshd(8).
type AuthorizedKey struct {
	// Fingerprint is OpenSSH's, "SHA256:" and base64.
	Fingerprint string `json:"fingerprint"`
	Type        string `json:"type"`
	Comment     string `json:"comment,omitempty"`
	// Options restrict the key; values of environment= are not shown.
	Options []string `json:"options,omitempty"`
	// Source is the file and line.
	Source string `json:"source"`
}

// Sudoers are the rules of sudoers(5), in their order: the last that matches counts.
type Sudoers struct {
	Files    []ConfigText  `json:"files,omitempty"`
	Rules    []SudoRule    `json:"rules,omitempty"`
	Defaults []SudoDefault `json:"defaults,omitempty"`
	Aliases  []SudoAlias   `json:"aliases,omitempty"`
	// Problems are lines that sudo would not take, files that it would not read, and why.
	Problems []string `json:"problems,omitempty"`
}

// A SudoRule lets users run commands. Members are written as in the file, "!"
// before what is excluded.
type SudoRule struct {
	Users []string `json:"users"`
	Hosts []string `json:"hosts"`
	// RunAsUsers and RunAsGroups are whom the commands run as; both empty is root.
	RunAsUsers  []string `json:"runas_users,omitempty"`
	RunAsGroups []string `json:"runas_groups,omitempty"`
	// Options are tags ("NOPASSWD") and settings ("CWD=/srv").
	Options  []string `json:"options,omitempty"`
	Commands []string `json:"commands"`
	Source   string   `json:"source"`
}

// A SudoDefault is one setting.
type SudoDefault struct {
	// Binding is whom it is for ("user bob,alice", "host web", "runas root", "command /bin/ls");
	// empty for all.
	Binding string `json:"binding,omitempty"`
	// Setting is "name", "!name", "name=value", "name+=value" or "name-=value".
	Setting string `json:"setting"`
	Source  string `json:"source"`
}

// A SudoAlias names a list.
type SudoAlias struct {
	Name string `json:"name"`
	// Kind is "user", "runas", "host" or "command".
	Kind    string   `json:"kind"`
	Members []string `json:"members"`
	Source  string   `json:"source"`
}

// A PAMService is one file of pam.d(5), its includes written out.
type PAMService struct {
	Name string `json:"name"`
	// Stack are the lines "type control module arguments" in the order in which they
	// are asked; those of a substack are indented by two spaces a level. Secrets
	// in arguments are not shown.
	Stack []string `json:"stack"`
	// Includes are the other services that it takes lines from.
	Includes []string `json:"includes,omitempty"`
	// Missing are modules that the image does not hold.
	Missing  []string `json:"missing,omitempty"`
	Problems []string `json:"problems,omitempty"`
}

// Polkit is what decides about privileged actions: polkit(8).
type Polkit struct {
	// Rules are the scripts in the order in which they are asked.
	Rules []PolkitRules `json:"rules,omitempty"`
	// Authorities are the entries of local authorities (.pkla), which old versions read.
	Authorities []PolkitAuthority `json:"authorities,omitempty"`
	// Actions counts the actions that are declared.
	Actions  int      `json:"actions"`
	Problems []string `json:"problems,omitempty"`
}

// PolkitRules is one script of rules.
type PolkitRules struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// A PolkitAuthority is one section of a .pkla file.
type PolkitAuthority struct {
	Name   string            `json:"name"`
	Source string            `json:"source"`
	Values map[string]string `json:"values"`
}
