package report

// ConfigFacts are texts of configuration files.
type ConfigFacts struct {
	// ConfigFiles are the files that upstream's image-info tells of, by path: their
	// lines as they stand, less comments and empty ones, and with "(present)" for
	// a secret.
	ConfigFiles []ConfigText `json:"config_files,omitempty"`
}
