package report

// SettingFacts say how a system is set up.
type SettingFacts struct {
	// Hostname is the static name: hostname(5).
	Hostname string `json:"hostname,omitempty"`
	// MachineID says whether the system has an identity of its own.
	MachineID *MachineID `json:"machine_id,omitempty"`
	// Timezone is the zone's name ("Europe/Berlin"), or "a copy" where
	// /etc/localtime is a file.
	Timezone string `json:"timezone,omitempty"`
	// Locale has the variables of locale.conf(5).
	Locale map[string]string `json:"locale,omitempty"`
	// Keyboard has "console KEYMAP", "X11 layout" and the like.
	Keyboard []Setting `json:"keyboard,omitempty"`
	// Sysctl has the kernel's parameters as they will be, names with dots.
	Sysctl []Setting `json:"sysctl,omitempty"`
	// Modprobe and ModulesLoad say how modules are loaded, and which at boot.
	Modprobe    []ModprobeRule `json:"modprobe,omitempty"`
	ModulesLoad []Setting      `json:"modules_load,omitempty"`
	// Tmpfiles and Sysusers are what systemd makes at boot.
	Tmpfiles  []TmpfilesLine `json:"tmpfiles,omitempty"`
	Sysusers  []SysusersLine `json:"sysusers,omitempty"`
	UdevRules []UdevRules    `json:"udev_rules,omitempty"`
	// Limits are those of pam_limits(8).
	Limits []Limit   `json:"limits,omitempty"`
	Cron   []CronJob `json:"cron,omitempty"`
	// Programs are the settings of systemd's own programs, merged with their drop-ins:
	// the key is "logind.conf Login.NAutoVTs".
	Programs []Setting `json:"systemd_programs,omitempty"`
	// Sysconfig are the variables in /etc/sysconfig and /etc/default: the key is
	// "network NETWORKING".
	Sysconfig []Setting `json:"sysconfig,omitempty"`
	// Environment are the variables that every session gets.
	Environment []Setting `json:"environment,omitempty"`
	// Dracut has the variables of dracut.conf(5).
	Dracut []Setting `json:"dracut_conf,omitempty"`
	// CloudInit has the settings of cloud.cfg and its drop-ins, the later over the earlier:
	// the key is the path of a value, "datasource_list[0]".
	CloudInit []Setting `json:"cloud_init,omitempty"`
	// Ignition are the files from which Ignition takes its configuration.
	Ignition []Setting `json:"ignition,omitempty"`
	// Waagent and GoogleAgents configure the agents of two clouds.
	Waagent      []Setting `json:"waagent,omitempty"`
	GoogleAgents []Setting `json:"google_agents,omitempty"`
	// Tuned, Authselect, CryptoPolicies, FIPS and Rhsm are Red Hat's.
	Tuned          *Tuned        `json:"tuned,omitempty"`
	Authselect     *Authselect   `json:"authselect,omitempty"`
	CryptoPolicies *CryptoPolicy `json:"crypto_policies,omitempty"`
	FIPS           *FIPS         `json:"fips,omitempty"`
	Rhsm           []Setting     `json:"rhsm,omitempty"`
	// Containers configure containers, ContainerImages lie in the storage of the
	// system, Quadlets are the units that systemd makes of them.
	Containers      []Setting        `json:"containers,omitempty"`
	ContainerImages []ContainerImage `json:"container_images,omitempty"`
	Quadlets        []Quadlet        `json:"quadlets,omitempty"`
	// OSTree are the branches and deployments of an OSTree system.
	OSTree *OSTree `json:"ostree,omitempty"`
	// LdSoConf are the directories that ldconfig(8) looks into, in its order.
	LdSoConf []Setting `json:"ld_so_conf,omitempty"`
	// CACertificates are those that programs trust.
	CACertificates []Certificate `json:"ca_certificates,omitempty"`
}

// A Setting is one value, and the file that sets it.
type Setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// A MachineID is the state of /etc/machine-id: machine-id(5).
type MachineID struct {
	// State is "absent", "empty" and "uninitialized" (both are filled at the first
	// boot), "set", or "invalid".
	State string `json:"state"`
	// ID is the identity of a system that has one.
	ID string `json:"id,omitempty"`
}

// A ModprobeRule is one line of modprobe.d(5).
type ModprobeRule struct {
	Module string `json:"module"`
	// Command is "alias", "blacklist", "install", "options", "remove" or "softdep".
	Command  string `json:"command"`
	Argument string `json:"argument,omitempty"`
	Source   string `json:"source"`
}

// A TmpfilesLine is one line of tmpfiles.d(5); "-" is written as nothing.
type TmpfilesLine struct {
	Path     string `json:"path"`
	Type     string `json:"type"`
	Mode     string `json:"mode,omitempty"`
	User     string `json:"user,omitempty"`
	Group    string `json:"group,omitempty"`
	Age      string `json:"age,omitempty"`
	Argument string `json:"argument,omitempty"`
	Source   string `json:"source"`
}

// A SysusersLine is one line of sysusers.d(5); "-" is written as nothing.
type SysusersLine struct {
	Name string `json:"name"`
	// Type is "u", "g", "m" (ID is the group) or "r" (ID is the range).
	Type   string `json:"type"`
	ID     string `json:"id,omitempty"`
	Gecos  string `json:"gecos,omitempty"`
	Home   string `json:"home,omitempty"`
	Shell  string `json:"shell,omitempty"`
	Source string `json:"source"`
}

// UdevRules is one file of udev(7)'s rules that counts.
type UdevRules struct {
	Name   string `json:"name"`
	Source string `json:"source"`
	// Rules counts the lines that are rules, joined ones once.
	Rules int `json:"rules"`
	// Lines are the rules of a file of the system's own, in /etc.
	Lines []string `json:"lines,omitempty"`
}

// A Limit is one line of limits.conf(5).
type Limit struct {
	Domain string `json:"domain"`
	Type   string `json:"type"`
	Item   string `json:"item"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// A CronJob is what cron(8) or anacron(8) starts.
type CronJob struct {
	Source string `json:"source"`
	// Schedule is the five fields, "@daily" and the like, or the period of the
	// directory that the program lies in.
	Schedule string `json:"schedule"`
	User     string `json:"user,omitempty"`
	Command  string `json:"command"`
}

// A Certificate is one of X.509.
type Certificate struct {
	// Subject is the distinguished name as RFC 4514 writes it.
	Subject string `json:"subject"`
	// Fingerprint is the hex SHA-256 of the certificate.
	Fingerprint string `json:"fingerprint"`
	// NotAfter is when it expires, RFC 3339.
	NotAfter string `json:"not_after,omitempty"`
	// Problem says why nothing but the fingerprint is known.
	Problem string `json:"problem,omitempty"`
	// Sources are the files that hold it, sorted.
	Sources []string `json:"sources"`
}

// Tuned is which profile tuned(8) applies.
type Tuned struct {
	Profile string `json:"profile"`
	// Mode is "auto" or "manual".
	Mode string `json:"mode,omitempty"`
}

// Authselect is which profile authselect(8) has applied.
type Authselect struct {
	Profile  string   `json:"profile"`
	Features []string `json:"features,omitempty"`
}

// A CryptoPolicy is what update-crypto-policies(8) has set.
type CryptoPolicy struct {
	// Policy is what is configured, Applied what was applied last.
	Policy  string `json:"policy"`
	Applied string `json:"applied,omitempty"`
}

// FIPS says which parts of the FIPS mode are switched on: all must be for it to hold.
type FIPS struct {
	// Cmdline: a boot entry or /etc/kernel/cmdline has fips=1. Module: dracut was told
	// to add its module. Policy: the crypto policy is FIPS.
	Cmdline bool `json:"cmdline"`
	Module  bool `json:"module"`
	Policy  bool `json:"policy"`
}

// A ContainerImage is one in the storage of containers.
type ContainerImage struct {
	ID     string   `json:"id"`
	Names  []string `json:"names,omitempty"`
	Source string   `json:"source"`
}

// A Quadlet is a file of podman-systemd.unit(5).
type Quadlet struct {
	Name   string `json:"name"`
	Source string `json:"source"`
	// Image is what a container or an image unit names.
	Image string `json:"image,omitempty"`
}

// OSTree is the state of a system of OSTree.
type OSTree struct {
	Refs        []Setting          `json:"refs,omitempty"`
	Remotes     []Setting          `json:"remotes,omitempty"`
	Deployments []OSTreeDeployment `json:"deployments,omitempty"`
}

// An OSTreeDeployment is one root that can be booted.
type OSTreeDeployment struct {
	Path     string `json:"path"`
	OS       string `json:"os"`
	Checksum string `json:"checksum"`
	// Booted says that it is the one that boots.
	Booted bool `json:"booted,omitempty"`
	// Origin is the refspec that it follows.
	Origin string `json:"origin,omitempty"`
}
