package stages

import (
	_ "embed"
	"encoding/json"
	"errors"

	"github.com/assay-os/assay/build/step"
)

//go:embed locale.json
var localeSchema json.RawMessage

func locale() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.locale",
		Kind:    step.Stage,
		Summary: "Set the system's language",
		Description: `Writes LANG to /etc/locale.conf, as locale.conf(5) defines it, and replaces
what is there. In a tree of Debian (it has /etc/debian_version) the same goes to
/etc/default/locale, which Debian's PAM and Debian's systemd read.

The locale's data is not made: the tree's packages must have it (glibc-langpack-*,
locales-all); C.UTF-8 is always there. Works natively; upstream runs
systemd-firstboot of the build root, which writes the one file or the other,
depending on the distribution that it comes from.`,
		Schema: localeSchema,
		Since:  since,
		Run:    with(setLocale),
	}
}

type localeOptions struct {
	Language string `json:"language"`
}

func setLocale(c *step.Context, o localeOptions) error {
	if err := c.Tree.MkdirAll("/etc", 0o755); err != nil {
		return err
	}
	line := "LANG=" + o.Language + "\n"
	err := overwrite(c.Tree, "/etc/locale.conf", line, 0o644)
	debian, existsErr := c.Tree.Exists("/etc/debian_version")
	if err := errors.Join(err, existsErr); err != nil || !debian {
		return err
	}
	if err := c.Tree.MkdirAll("/etc/default", 0o755); err != nil {
		return err
	}
	return overwrite(c.Tree, "/etc/default/locale", line, 0o644)
}
