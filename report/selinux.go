package report

// SELinuxFacts say what the policy is, and what is labelled otherwise.
type SELinuxFacts struct {
	SELinux *SELinux `json:"selinux,omitempty"`
	// SELinuxMismatches are the files whose label is not the one that the policy
	// has for them, by path.
	SELinuxMismatches []LabelMismatch `json:"selinux_mismatches,omitempty"`
}

// SELinux is the mode of a system, its policy, and what an administrator set in it.
type SELinux struct {
	// Mode is what /etc/selinux/config says: "enforcing", "permissive",
	// "disabled", or "unset".
	Mode string `json:"mode"`
	// ModeAtBoot is Mode as KernelArguments change it.
	ModeAtBoot string `json:"mode_at_boot"`
	// Type is the name of the policy: the directory below /etc/selinux.
	Type string `json:"type"`
	// Config has all settings of /etc/selinux/config, as they stand there.
	Config map[string]string `json:"config,omitempty"`
	// KernelArguments are those of the default boot entry that decide about
	// SELinux: "selinux=0", "enforcing=0", "security=", "lsm=".
	KernelArguments []string `json:"kernel_arguments,omitempty"`
	// Autorelabel: /.autorelabel is there, so all labels are set at the next boot.
	Autorelabel bool           `json:"autorelabel,omitempty"`
	Policy      *SELinuxPolicy `json:"policy,omitempty"`
	// FileContexts are the lines that say which label each file is to have.
	FileContexts *SELinuxContexts `json:"file_contexts,omitempty"`
	// Booleans are the policy's switches, by name.
	Booleans []SELinuxBoolean `json:"booleans,omitempty"`
	Modules  []SELinuxModule  `json:"modules,omitempty"`
	// Logins say which users of the policy the system's users are.
	Logins []SELinuxLogin `json:"logins,omitempty"`
	// CustomizableTypes are those that relabelling leaves alone.
	CustomizableTypes []string `json:"customizable_types,omitempty"`
	// Translations are names of ranges, by range: setrans.conf(8).
	Translations map[string]string `json:"translations,omitempty"`
	// Labelled and Unlabelled count the entries with and without a label.
	Labelled   int `json:"labelled"`
	Unlabelled int `json:"unlabelled"`
}

// SELinuxPolicy is what the compiled policy says of itself.
type SELinuxPolicy struct {
	// Path is the file, the one of the highest version. Others are the rest.
	Path    string   `json:"path"`
	Others  []string `json:"others,omitempty"`
	Version int      `json:"version"`
	MLS     bool     `json:"mls"`
	// HandleUnknown is what the kernel does with permissions that the policy
	// does not know: "allow", "deny", or "reject" (the policy).
	HandleUnknown string   `json:"handle_unknown"`
	Capabilities  []string `json:"capabilities,omitempty"`
	// Types, Users and Roles count those that the policy declares.
	Types int `json:"types"`
	Users int `json:"users"`
	Roles int `json:"roles"`
	// Permissive are the domains for which nothing is enforced.
	Permissive []string `json:"permissive,omitempty"`
}

// SELinuxContexts are the lines of a policy that label files.
type SELinuxContexts struct {
	// Lines counts the specifications, Local those that the administrator added.
	Lines int `json:"lines"`
	Local int `json:"local,omitempty"`
	// Rules are the rules of look-up: "3.7" or "3.8", those of libselinux up to, or since, that version.
	Rules string `json:"rules"`
	// Problems are lines that cannot be read, or give a context that the policy does not have.
	Problems []string `json:"problems,omitempty"`
}

// A SELinuxBoolean is a switch of the policy.
type SELinuxBoolean struct {
	Name string `json:"name"`
	On   bool   `json:"on"`
	// Local: the administrator has set it.
	Local bool `json:"local,omitempty"`
}

// A SELinuxModule is a part that the policy was built from.
type SELinuxModule struct {
	Name     string `json:"name"`
	Priority int    `json:"priority"`
	Disabled bool   `json:"disabled,omitempty"`
}

// A SELinuxLogin says which user of the policy a system's user is: seusers(5).
type SELinuxLogin struct {
	// Name is a user, "%" and a group, or "__default__".
	Name  string `json:"name"`
	User  string `json:"user"`
	Range string `json:"range,omitempty"`
}

// A LabelMismatch is a file that is labelled otherwise than its policy wants.
type LabelMismatch struct {
	Path Raw `json:"path"`
	// Actual is empty where there is no label.
	Actual   string `json:"actual,omitempty"`
	Expected string `json:"expected"`
	// Kind is the first that holds of "missing"; "invalid" (no context, or one
	// with names that the policy does not have); "type", "role", "user", "range"
	// (which part differs).
	Kind string `json:"kind"`
	// Customizable: relabelling leaves the actual type alone unless it is forced.
	Customizable bool `json:"customizable,omitempty"`
}
