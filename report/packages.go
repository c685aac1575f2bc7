package report

// PackageFacts say what package managers know, and how true it is.
type PackageFacts struct {
	RPM            []RPMPackage    `json:"rpm,omitempty"`
	Dpkg           []DpkgPackage   `json:"dpkg,omitempty"`
	Diversions     []Diversion     `json:"diversions,omitempty"`
	StatOverrides  []StatOverride  `json:"statoverrides,omitempty"`
	Alternatives   []Alternative   `json:"alternatives,omitempty"`
	Verification   *Verification   `json:"verification,omitempty"`
	Unowned        *Unowned        `json:"unowned,omitempty"`
	Repositories   []Repository    `json:"repositories,omitempty"`
	RepositoryKeys []RepositoryKey `json:"repository_keys,omitempty"`
	// DNF are the settings of dnf or yum, and the modules of its streams.
	DNF *DNF `json:"dnf,omitempty"`
	// APT are apt's settings as apt-config dump prints them, sorted by name.
	APT []APTSetting `json:"apt,omitempty"`
}

// An RPMPackage is one package's header, all tags of it, but for when and in
// which transaction it was installed. Texts are as they stand in the header.
type RPMPackage struct {
	Name string `json:"name"`
	// Epoch is empty where the package has none, which rpm compares as 0.
	Epoch   string `json:"epoch,omitempty"`
	Version string `json:"version"`
	Release string `json:"release"`
	Arch    string `json:"arch,omitempty"`
	OS      string `json:"os,omitempty"`
	Summary string `json:"summary,omitempty"`
	License string `json:"license,omitempty"`
	Group   string `json:"group,omitempty"`
	URL     string `json:"url,omitempty"`
	BugURL  string `json:"bug_url,omitempty"`
	VCS     string `json:"vcs,omitempty"`

	Vendor       string `json:"vendor,omitempty"`
	Packager     string `json:"packager,omitempty"`
	Distribution string `json:"distribution,omitempty"`
	DistTag      string `json:"dist_tag,omitempty"`
	Modularity   string `json:"modularity,omitempty"`
	SourceRPM    string `json:"source_rpm,omitempty"`
	BuildHost    string `json:"build_host,omitempty"`
	// BuildTime is RFC 3339, in UTC.
	BuildTime  string `json:"build_time,omitempty"`
	RPMVersion string `json:"rpm_version,omitempty"`
	Platform   string `json:"platform,omitempty"`
	// Payload is the format, compressor and level: "cpio zstd 19".
	Payload string `json:"payload,omitempty"`
	// Size is what the package says its files have, in bytes.
	Size int64 `json:"size"`
	// Files counts what the package lists, by kind.
	Files RPMFiles `json:"files"`

	Signatures []RPMSignature `json:"signatures,omitempty"`
	// Digests are those in the header by their tag's name: "sha256header" is
	// over the header's immutable region, "payloaddigest" over the payload.
	Digests      map[string]string `json:"digests,omitempty"`
	Scripts      []RPMScript       `json:"scripts,omitempty"`
	Dependencies []RPMDependencies `json:"dependencies,omitempty"`
	// Changelog counts the entries.
	Changelog int `json:"changelog,omitempty"`
	// Tags are all others, by number; those that rpm itself does not know, too.
	Tags []RPMTag `json:"tags,omitempty"`
}

// RPMFiles counts a package's files. One file may be of several kinds.
type RPMFiles struct {
	Listed  int `json:"listed"`
	Config  int `json:"config,omitempty"`
	Doc     int `json:"doc,omitempty"`
	Ghost   int `json:"ghost,omitempty"`
	License int `json:"license,omitempty"`
	// NotInstalled, Replaced, NetShared and WrongColor are states other than normal.
	NotInstalled int `json:"not_installed,omitempty"`
	Replaced     int `json:"replaced,omitempty"`
	NetShared    int `json:"net_shared,omitempty"`
	WrongColor   int `json:"wrong_color,omitempty"`
	Capabilities int `json:"capabilities,omitempty"`
}

// An RPMSignature is one signature of a header or package; it is not checked.
type RPMSignature struct {
	// Tag is "rsaheader", "dsaheader" or "openpgp" (over the header), "sigpgp" or
	// "siggpg" (over header and payload).
	Tag string `json:"tag"`
	// Algorithm is as rpm prints it: "RSA/SHA256".
	Algorithm string `json:"algorithm,omitempty"`
	// Key is the key's number, 16 hex digits.
	Key string `json:"key,omitempty"`
	// Fingerprint is the key's where the signature tells it.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Created is RFC 3339, in UTC.
	Created string `json:"created,omitempty"`
	// Error says why the signature could not be understood.
	Error string `json:"error,omitempty"`
}

// An RPMScript is a scriptlet or a trigger.
type RPMScript struct {
	// Kind is the section's name in a spec file: "post", "triggerin",
	// "transfiletriggerpostun".
	Kind        string `json:"kind"`
	Interpreter string `json:"interpreter,omitempty"`
	// Conditions are a trigger's packages ("other > 1") or path prefixes.
	Conditions []string `json:"conditions,omitempty"`
	Priority   int      `json:"priority,omitempty"`
	Flags      uint32   `json:"flags,omitempty"`
	// Body is a short script, SHA256 the digest of any that is not empty.
	Body   string `json:"body,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

// RPMDependencies are a package's dependencies of one kind.
type RPMDependencies struct {
	// Kind is "requires", "provides", "conflicts", "obsoletes", "recommends",
	// "suggests", "supplements", "enhances", "order", or "old-suggests" and
	// "old-enhances" of before rpm 4.13.
	Kind  string `json:"kind"`
	Count int    `json:"count"`
	// List are all of them in the header's order, as rpm -q --requires prints
	// them, but for a long list: then SHA256 is the digest of its lines.
	List   []string `json:"list,omitempty"`
	SHA256 string   `json:"sha256,omitempty"`
}

// An RPMTag is a tag that no other field tells.
type RPMTag struct {
	Number uint32 `json:"number"`
	// Name is empty for a tag that rpm does not know.
	Name string `json:"name,omitempty"`
	// Type is "int32", "string", "string array", "binary", ….
	Type  string `json:"type"`
	Count uint32 `json:"count"`
	// Value is a short string or number, SHA256 the digest of any other's
	// stored bytes.
	Value  string `json:"value,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

// A DpkgPackage is one stanza of dpkg's status, with what lies beside it.
type DpkgPackage struct {
	Name    string `json:"name"`
	Arch    string `json:"arch,omitempty"`
	Version string `json:"version,omitempty"`
	Status  string `json:"status,omitempty"`
	// Source and SourceVersion are the package's own name and version where the
	// stanza has no others.
	Source        string `json:"source,omitempty"`
	SourceVersion string `json:"source_version,omitempty"`
	Maintainer    string `json:"maintainer,omitempty"`
	Section       string `json:"section,omitempty"`
	Priority      string `json:"priority,omitempty"`
	Essential     bool   `json:"essential,omitempty"`
	Protected     bool   `json:"protected,omitempty"`
	MultiArch     string `json:"multi_arch,omitempty"`
	Homepage      string `json:"homepage,omitempty"`
	// Summary is the first line of the description.
	Summary string `json:"summary,omitempty"`
	// InstalledSize is in KiB, as the stanza has it.
	InstalledSize string `json:"installed_size,omitempty"`
	// Relations are the fields Depends, Pre-Depends, Provides, … by their names.
	Relations map[string]string `json:"relations,omitempty"`
	Conffiles []Conffile        `json:"conffiles,omitempty"`
	// Scripts are the maintainer's: config, postinst, postrm, preinst, prerm.
	Scripts []MaintainerScript `json:"scripts,omitempty"`
	// Triggers are the lines of the package's file of triggers.
	Triggers []string `json:"triggers,omitempty"`
	// TriggersPending and TriggersAwaited are what dpkg has not run yet.
	TriggersPending string `json:"triggers_pending,omitempty"`
	TriggersAwaited string `json:"triggers_awaited,omitempty"`
	// Fields are the stanza's other fields by their names; of a value of more
	// than one line or of many bytes "sha256:" and its digest.
	Fields map[string]string `json:"fields,omitempty"`
}

// A Conffile is a configuration file as dpkg installed it.
type Conffile struct {
	Path Raw `json:"path"`
	// MD5 is of the content as the package brings it; "newconffile" until it is installed.
	MD5 string `json:"md5"`
	// Obsolete: the installed version has it no more. Remove: the next will
	// remove it.
	Obsolete bool `json:"obsolete,omitempty"`
	Remove   bool `json:"remove,omitempty"`
}

// A MaintainerScript is a program that dpkg runs for a package.
type MaintainerScript struct {
	Kind string `json:"kind"`
	// Interpreter is what follows "#!"; empty for a program of another kind.
	Interpreter string `json:"interpreter,omitempty"`
	SHA256      string `json:"sha256"`
}

// A Diversion is dpkg-divert(1)'s: other packages' file From is To.
type Diversion struct {
	From Raw `json:"from"`
	To   Raw `json:"to"`
	// By is the package whose file From stays; empty for a local diversion, which
	// holds for all.
	By string `json:"by,omitempty"`
}

// A StatOverride is dpkg-statoverride(1)'s: owner, group and mode of a path.
type StatOverride struct {
	Path  Raw    `json:"path"`
	User  string `json:"user"`
	Group string `json:"group"`
	// Mode is octal, as the file has it.
	Mode string `json:"mode"`
}

// An Alternative is a name that one of several programs has: update-alternatives(1).
type Alternative struct {
	Name string `json:"name"`
	Link Raw    `json:"link"`
	// Mode is "auto" or "manual".
	Mode string `json:"mode"`
	// Value is what the name leads to; Best what has the highest priority, "" where
	// there is no choice.
	Value   Raw                 `json:"value,omitempty"`
	Best    Raw                 `json:"best,omitempty"`
	Slaves  []AlternativeSlave  `json:"slaves,omitempty"`
	Choices []AlternativeChoice `json:"choices,omitempty"`
}

// An AlternativeSlave is a link that follows another's choice.
type AlternativeSlave struct {
	Name string `json:"name"`
	Link Raw    `json:"link"`
}

// An AlternativeChoice is one program of an alternative.
type AlternativeChoice struct {
	Path     Raw `json:"path"`
	Priority int `json:"priority"`
	// Family is that of chkconfig's alternatives; dpkg's have none.
	Family string `json:"family,omitempty"`
	// Slaves are where the slaves lead to, by name.
	Slaves map[string]Raw `json:"slaves,omitempty"`
}

// A Verification compares installed files with what their packages say.
type Verification struct {
	// Files counts the names that packages list and that were compared.
	Files int `json:"files"`
	// Contents counts the contents that were compared by a digest, Unread those that
	// have a digest and were not, since comparing them means to read them once more.
	Contents int `json:"contents"`
	Unread   int `json:"contents_unread"`
	// BadHeaders are rpm's packages whose header is not what its own digest says, as
	// "NAME sha256header". Headers are compared where contents are to be read.
	BadHeaders []string `json:"bad_headers,omitempty"`
	// Different are sorted by path, then by package.
	Different []Difference `json:"different"`
}

// A Difference is a file that is not as its package says.
type Difference struct {
	Path    Raw    `json:"path"`
	Package string `json:"package"`
	Manager string `json:"manager"`
	// Result is "missing", or what rpm -V or dpkg -V print: a letter for each thing that
	// differs, a dot for what does not, "?" for what was not compared: "S.5....T.".
	Result string `json:"result"`
	// Attribute is c (configuration), d (documentation), g (ghost), l (license), r
	// (readme), or another letter of rpm's; empty for none.
	Attribute string `json:"attribute,omitempty"`
	// State is rpm's of the file, where it is not normal: "replaced"; of a missing
	// file "excluded" where dpkg was told not to unpack it.
	State string `json:"state,omitempty"`
	// Facts say what is and what was recorded: "mode 0755, not 04755".
	Facts []string `json:"facts,omitempty"`
}

// Unowned is what no package lists.
type Unowned struct {
	// Files and Bytes count all that is unowned, without directories.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// Left are the places that are not looked at.
	Left []string `json:"left_out"`
	// Paths are sorted. Of a directory in which nothing is owned the directory alone
	// is named. There are as many as fit a bound; More counts the others.
	Paths []UnownedPath `json:"paths"`
	More  int           `json:"more,omitempty"`
}

// An UnownedPath is a file that no package lists, or a directory in which
// all is so.
type UnownedPath struct {
	Path Raw  `json:"path"`
	Type Type `json:"type"`
	// Files and Bytes count what is below a directory, without directories.
	Files int   `json:"files,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	// By says what is known to have made it: "alternatives".
	By string `json:"by,omitempty"`
}

// A Repository is a place that packages come from.
type Repository struct {
	// ID is the repository's name in its file for dnf, zypper and pacman, the URI
	// and suite for apt.
	ID string `json:"id"`
	// Manager is "dnf", "apt", "zypper", "pacman" or "apk".
	Manager string `json:"manager"`
	Source  Raw    `json:"source"`
	Name    string `json:"name,omitempty"`
	Enabled bool   `json:"enabled"`
	// Types are apt's: deb, deb-src.
	Types      []string `json:"types,omitempty"`
	URLs       []string `json:"urls,omitempty"`
	Mirrorlist string   `json:"mirrorlist,omitempty"`
	Metalink   string   `json:"metalink,omitempty"`
	Components []string `json:"components,omitempty"`
	// Check says whether packages' signatures are required: "yes", "no", or "" where the file
	// leaves it to the manager's settings.
	Check string `json:"check,omitempty"`
	// Keys are files, URLs, fingerprints, or "embedded" for a key in the file.
	Keys []string `json:"keys,omitempty"`
	// Options are all other settings, by their names.
	Options map[string]string `json:"options,omitempty"`
}

// A RepositoryKey is an OpenPGP key that packages or repositories are checked with.
type RepositoryKey struct {
	// Fingerprint is in upper-case hex.
	Fingerprint string `json:"fingerprint"`
	Source      Raw    `json:"source"`
	// Algorithm is as gpg --list-keys prints it: "rsa4096", "ed25519".
	Algorithm string   `json:"algorithm,omitempty"`
	Users     []string `json:"users,omitempty"`
	// Created and Expires are RFC 3339, in UTC; Expires is empty for a key that does not.
	Created string `json:"created,omitempty"`
	Expires string `json:"expires,omitempty"`
	Revoked bool   `json:"revoked,omitempty"`
	// Subkeys are fingerprints, in the order of the key.
	Subkeys []string `json:"subkeys,omitempty"`
	// Error says why the file holds no key that could be understood; then
	// there is no fingerprint.
	Error string `json:"error,omitempty"`
}

// DNF are the settings of dnf, dnf5 or yum.
type DNF struct {
	// Source is the file of the main settings.
	Source Raw               `json:"source,omitempty"`
	Main   map[string]string `json:"main,omitempty"`
	// Vars are the variables in repositories' URLs.
	Vars    map[string]string `json:"vars,omitempty"`
	Modules []DNFModule       `json:"modules,omitempty"`
	// Plugins are the sections of the plugins' own settings: "copr.main.enabled".
	Plugins map[string]string `json:"plugins,omitempty"`
	// Locks are the lines of the plugin versionlock.
	Locks []string `json:"versionlock,omitempty"`
	// Protected are names that are never removed.
	Protected []string `json:"protected,omitempty"`
}

// A DNFModule is a module's choice of stream.
type DNFModule struct {
	Name     string   `json:"name"`
	State    string   `json:"state,omitempty"`
	Stream   string   `json:"stream,omitempty"`
	Profiles []string `json:"profiles,omitempty"`
}

// An APTSetting is one line of apt-config dump.
type APTSetting struct {
	// Name has "::" between its parts, and at the end for an element of a list.
	Name  string `json:"name"`
	Value string `json:"value"`
}
