package stages

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed fstab.json
var fstabSchema json.RawMessage

func fstab() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.fstab",
		Kind:    step.Stage,
		Summary: "Write the table of filesystems",
		Description: `Replaces the content of /etc/fstab by one line for each filesystem, as fstab(5)
defines them, with tabs between the fields. A blank in a field is written \040.

The option ostree, which upstream has for deployments, is not supported yet.`,
		Schema: fstabSchema,
		Since:  since,
		Run:    with(writeFstab),
	}
}

type fstabOptions struct {
	Filesystems []struct {
		Device    string  `json:"device"`
		UUID      string  `json:"uuid"`
		Label     string  `json:"label"`
		PartLabel string  `json:"partlabel"`
		Path      string  `json:"path"`
		VfsType   *string `json:"vfs_type"`
		Options   *string `json:"options"`
		Freq      int     `json:"freq"`
		Passno    int     `json:"passno"`
	} `json:"filesystems"`
	OSTree json.RawMessage `json:"ostree"`
}

func writeFstab(c *step.Context, o fstabOptions) error {
	if o.OSTree != nil {
		return step.BadOption(step.At("ostree"), "is not supported yet: write the deployment's fstab from a copy stage")
	}
	var b strings.Builder
	for _, f := range o.Filesystems {
		spec := f.Device
		switch {
		case f.UUID != "":
			spec = "UUID=" + f.UUID
		case f.Label != "":
			spec = "LABEL=" + f.Label
		case f.PartLabel != "":
			spec = "PARTLABEL=" + f.PartLabel
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%d\t%d\n", spec, f.Path, or(f.VfsType, "none"), or(f.Options, "defaults"), f.Freq, f.Passno)
	}
	return c.Tree.WriteFile("/etc/fstab", []byte(b.String()), 0o644)
}

// or is what p points to, or the default where it is nil.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
