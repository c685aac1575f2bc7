package report

// The sections below are embedded by theme: each field is one section, whose name
// is the field's in JSON with "-" for "_". They say in the words of what they
// describe what is read from files of the same subject, so they explain a
// difference and never make one: see docs/verdicts.md, rule "derived".

// AccountFacts say who may do what.
type AccountFacts struct{}

// BootFacts say what boots, and how.
type BootFacts struct{}

// NetworkFacts say how a system is connected.
type NetworkFacts struct{}

// PackageFacts say what package managers know, and how true it is.
type PackageFacts struct{}

// SELinuxFacts say what the policy is, and what is labelled otherwise.
type SELinuxFacts struct{}

// SettingFacts say how a system is set up.
type SettingFacts struct {
	// Hostname is the static name: hostname(5).
	Hostname string `json:"hostname,omitempty"`
}

// SystemdFacts say what systemd will do.
type SystemdFacts struct{}
