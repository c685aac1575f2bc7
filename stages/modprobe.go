package stages

import (
	_ "embed"
	"encoding/json"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed modprobe.json
var modprobeSchema json.RawMessage

func modprobe() step.Definition {
	return step.Definition{
		Name:        "org.osbuild.modprobe",
		Kind:        step.Stage,
		Summary:     "Configure kernel modules",
		Description: `Writes /usr/lib/modprobe.d/FILENAME, see modprobe.d(5), and makes the directory.`,
		Schema:      modprobeSchema,
		Since:       since,
		Run:         with(writeModprobe),
	}
}

type modprobeOptions struct {
	Filename string `json:"filename"`
	Commands []struct {
		Command    string `json:"command"`
		ModuleName string `json:"modulename"`
		Cmdline    string `json:"cmdline"`
	} `json:"commands"`
}

func writeModprobe(c *step.Context, o modprobeOptions) error {
	const dir = "/usr/lib/modprobe.d"
	var b strings.Builder
	for _, m := range o.Commands {
		b.WriteString(m.Command + " " + m.ModuleName)
		if m.Command == "install" {
			b.WriteString(" " + m.Cmdline)
		}
		b.WriteString("\n")
	}
	if err := c.Tree.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return c.Tree.WriteFile(dir+"/"+o.Filename, []byte(b.String()), 0o644)
}
