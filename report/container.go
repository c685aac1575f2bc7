package report

// A Container is what the configuration of a container image says: how it is run, and
// where it came from. OCI image specification, config.md; Docker's own members too.
type Container struct {
	OS           string   `json:"os,omitempty"`
	Architecture string   `json:"architecture,omitempty"`
	Variant      string   `json:"variant,omitempty"`
	OSVersion    string   `json:"os_version,omitempty"`
	OSFeatures   []string `json:"os_features,omitempty"`

	User       string   `json:"user,omitempty"`
	WorkingDir string   `json:"working_dir,omitempty"`
	Entrypoint []string `json:"entrypoint,omitempty"`
	Cmd        []string `json:"cmd,omitempty"`
	// Env is in the order of the image: "NAME=VALUE".
	Env []string `json:"env,omitempty"`
	// ExposedPorts and Volumes are sorted.
	ExposedPorts []string          `json:"exposed_ports,omitempty"`
	Volumes      []string          `json:"volumes,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	StopSignal   string            `json:"stop_signal,omitempty"`
	Shell        []string          `json:"shell,omitempty"`
	OnBuild      []string          `json:"on_build,omitempty"`
	Healthcheck  *Healthcheck      `json:"healthcheck,omitempty"`

	// Digest is the manifest's, ConfigDigest the configuration's: what engines call
	// the image's ID. Digest is empty where docker save wrote no manifest.
	Digest       string `json:"digest,omitempty"`
	ConfigDigest string `json:"config_digest,omitempty"`
	// Names are those that the archive or layout gives the image, sorted.
	Names   []string `json:"names,omitempty"`
	Layers  int      `json:"layers"`
	History int      `json:"history"`
	Created string   `json:"created,omitempty"`
	Author  string   `json:"author,omitempty"`
}

// A Healthcheck is how an engine finds out whether a container works. Times are
// in Go's form: "30s".
type Healthcheck struct {
	Test          []string `json:"test,omitempty"`
	Interval      string   `json:"interval,omitempty"`
	Timeout       string   `json:"timeout,omitempty"`
	StartPeriod   string   `json:"start_period,omitempty"`
	StartInterval string   `json:"start_interval,omitempty"`
	Retries       int      `json:"retries,omitempty"`
}
