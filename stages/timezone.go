package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"
	"path"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

//go:embed timezone.json
var timezoneSchema json.RawMessage

const zoneinfo = "/usr/share/zoneinfo"

func timezone() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.timezone",
		Kind:    step.Stage,
		Summary: "Set the system's time zone",
		Description: `Makes /etc/localtime the symlink that localtime(5) asks for and replaces what
is there. A tree that has zone files (/usr/share/zoneinfo) must have this one; in a
tree without them any well-formed name is taken, since the files may come later.

Works natively; upstream runs systemd-firstboot of the build root and so checks the
name against the zone files there.`,
		Schema: timezoneSchema,
		Since:  since,
		Run:    with(setTimezone),
	}
}

type timezoneOptions struct {
	Zone string `json:"zone"`
}

func setTimezone(c *step.Context, o timezoneOptions) error {
	if err := checkZone(c.Tree, o.Zone); err != nil {
		return err
	}
	if err := c.Tree.MkdirAll("/etc", 0o755); err != nil {
		return err
	}
	if err := c.Tree.Remove("/etc/localtime"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return c.Tree.Symlink(".."+zoneinfo+"/"+o.Zone, "/etc/localtime")
}

func checkZone(root *tree.Root, zone string) error {
	if _, err := root.Stat(zoneinfo); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	info, err := root.Stat(zoneinfo + "/" + zone)
	if err == nil && info.Type == report.File {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	reason := "is no time zone of the tree"
	if near := nearestZone(root, zone); near != "" {
		reason += `; did you mean "` + near + `"?`
	}
	return step.BadOption(step.At("zone"), "%q %s", zone, reason)
}

// nearestZone is the most similar name beside the one that is not there.
func nearestZone(root *tree.Root, zone string) string {
	area, name := path.Split(zone)
	var known []string
	list, err := root.ReadDir(zoneinfo + "/" + area)
	if err != nil {
		return ""
	}
	for _, info := range list {
		known = append(known, info.Name)
	}
	if near := step.Nearest(name, known); near != "" {
		return area + near
	}
	return ""
}
