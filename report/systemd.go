package report

// SystemdFacts say what systemd will do.
type SystemdFacts struct {
	// Units are the system's unit files, those in other directories under
	// the same name left out.
	Units []Unit `json:"units,omitempty"`
	// UserUnits are those of the service managers of users.
	UserUnits []Unit `json:"user_units,omitempty"`
	// UnitDropins are the files that add to units.
	UnitDropins []UnitDropin `json:"unit_dropins,omitempty"`
	Timers      []TimerUnit  `json:"timers,omitempty"`
	Sockets     []SocketUnit `json:"sockets,omitempty"`
	// Generators are programs that make units at boot: systemd.generator(7).
	Generators []Generator `json:"generators,omitempty"`
	// Presets are the rules of systemd.preset(5) in the order in which they are asked.
	Presets []Preset `json:"presets,omitempty"`
	// DefaultTarget is the unit that boot starts, aliases resolved.
	DefaultTarget string `json:"default_target,omitempty"`
	// Startup is what the default target pulls in, and what that may start later.
	Startup []StartupUnit `json:"startup,omitempty"`
}

// A Unit is one unit file: systemd.unit(5).
type Unit struct {
	Name string `json:"name"`
	// Path is the file, or the link, that counts.
	Path string `json:"path"`
	// Type is the name's suffix: "service", "socket", "target", ...
	Type string `json:"type"`
	// State is that of systemctl list-unit-files: "enabled", "disabled", "static", "alias", "masked",
	// "indirect", "linked", "generated", "bad" or one of those with "-runtime".
	State string `json:"state"`
	// Preset is "enabled", "disabled" or "ignored", where a preset could change the state.
	Preset string `json:"preset,omitempty"`
	// Of is the unit that an alias stands for.
	Of          string `json:"of,omitempty"`
	Description string `json:"description,omitempty"`
	// ServiceType is Type= of a service; ExecStart its programs, drop-ins applied; User whom it runs as.
	ServiceType string   `json:"service_type,omitempty"`
	ExecStart   []string `json:"exec_start,omitempty"`
	User        string   `json:"user,omitempty"`
	// What the unit's [Install] section says of its links.
	WantedBy   []string `json:"wanted_by,omitempty"`
	RequiredBy []string `json:"required_by,omitempty"`
	UpheldBy   []string `json:"upheld_by,omitempty"`
	Aliases    []string `json:"aliases,omitempty"`
	Also       []string `json:"also,omitempty"`
	// Dropins counts the files that add to it.
	Dropins int `json:"dropins,omitempty"`
	// Problems are lines that systemd would not understand: "PATH:LINE: reason".
	Problems []string `json:"problems,omitempty"`
}

// A UnitDropin is one file in a directory NAME.d of a unit or a group of units.
type UnitDropin struct {
	Path string `json:"path"`
	// Unit is the directory's name without ".d": a unit, a template, the beginning
	// of names ("foo-.service") or a type ("service").
	Unit string `json:"unit"`
	// Settings are "Section.Key=value"; values that hold environments or credentials are left out.
	Settings []string `json:"settings,omitempty"`
	// Hidden is set where a file of the same name in a directory before this one
	// counts instead, or where it is a link to /dev/null.
	Hidden   bool     `json:"hidden,omitempty"`
	Problems []string `json:"problems,omitempty"`
}

// A TimerUnit is one timer unit: systemd.timer(5).
type TimerUnit struct {
	Name  string `json:"name"`
	State string `json:"state"`
	// Unit is what it starts.
	Unit string `json:"unit"`
	// When are its "OnCalendar=…", "OnBootSec=…" and the like.
	When            []string `json:"when,omitempty"`
	Persistent      bool     `json:"persistent,omitempty"`
	RandomizedDelay string   `json:"randomized_delay,omitempty"`
}

// A SocketUnit is one socket unit: systemd.socket(5).
type SocketUnit struct {
	Name  string `json:"name"`
	State string `json:"state"`
	// Unit is what it starts, with Accept a template of one instance a connection.
	Unit string `json:"unit"`
	// Listen are its "ListenStream=…" and the like.
	Listen []string `json:"listen,omitempty"`
	Accept bool     `json:"accept,omitempty"`
}

// A Generator is one file in a directory of generators.
type Generator struct {
	Path string `json:"path"`
	// Kind is "system", "user", "system-environment" or "user-environment".
	Kind string `json:"kind"`
	// Hidden is set where a file of the same name in a directory before this one
	// counts instead, or where it leads to /dev/null or is no program.
	Hidden bool `json:"hidden,omitempty"`
}

// A Preset is one rule of a preset file.
type Preset struct {
	// File is the file's name; rules are asked in the order of names and lines, the first that fits counts.
	File   string `json:"file"`
	Line   int    `json:"line"`
	Path   string `json:"path"`
	Scope  string `json:"scope"`
	Action string `json:"action"`
	// Pattern is a unit's name with *, ? and [].
	Pattern   string   `json:"pattern"`
	Instances []string `json:"instances,omitempty"`
}

// A StartupUnit is one unit that boot will start or may start.
type StartupUnit struct {
	Name string `json:"name"`
	// How is "start", or "trigger" for what a timer, a socket, a path or an automount
	// that is started may start later.
	How string `json:"how"`
	// State is "loaded", "masked", "missing" or "bad": the last three start nothing.
	State string `json:"state"`
	// By are the units that pull it in or trigger it; empty for the first.
	By []string `json:"by,omitempty"`
	// Conditions are those under which it does start: "ConditionPathExists=…". They are not decided here.
	Conditions []string `json:"conditions,omitempty"`
}
