package stages

import (
	_ "embed"
	"encoding/json"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed hostname.json
var hostnameSchema json.RawMessage

func hostname() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.hostname",
		Kind:    step.Stage,
		Summary: "Set the system's hostname",
		Description: `Writes the name to /etc/hostname and replaces what is there, a symlink
included. The name is checked by the rules of hostname(7) as systemd-firstboot
applies them; one trailing dot of a full name is cut.

Works natively; upstream runs systemd-firstboot of the build root.`,
		Schema: hostnameSchema,
		Since:  since,
		Run:    with(setHostname),
	}
}

type hostnameOptions struct {
	Hostname string `json:"hostname"`
}

func setHostname(c *step.Context, o hostnameOptions) error {
	if !validHostname(o.Hostname) {
		return step.BadOption(step.At("hostname"), "%q is no hostname: labels of letters, digits and inner hyphens, joined by dots, 64 characters at most", o.Hostname)
	}
	if err := c.Tree.MkdirAll("/etc", 0o755); err != nil {
		return err
	}
	return overwrite(c.Tree, "/etc/hostname", strings.TrimSuffix(o.Hostname, ".")+"\n", 0o644)
}

// validHostname is systemd's hostname_is_valid with a trailing dot allowed: a
// single label may not have one.
func validHostname(name string) bool {
	const longest = 64 // HOST_NAME_MAX of Linux
	if len(name) > longest {
		return false
	}
	labels := strings.Split(name, ".")
	if n := len(labels); n > 2 && labels[n-1] == "" {
		labels = labels[:n-1]
	}
	for _, label := range labels {
		if label == "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") || !ldh(label) {
			return false
		}
	}
	return true
}

// ldh: letters, digits and hyphens only.
func ldh(label string) bool {
	for _, c := range label {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
