package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed sysctld.json
var sysctldSchema json.RawMessage

func sysctld() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.sysctld",
		Kind:    step.Stage,
		Summary: "Set kernel parameters",
		Description: `Writes /usr/lib/sysctl.d/FILENAME, see sysctl.d(5). The directory must be there. A key
that starts with a hyphen and has no value is left out of what a pattern sets.`,
		Schema: sysctldSchema,
		Since:  since,
		Run:    with(writeSysctl),
	}
}

type sysctldOptions struct {
	Filename string `json:"filename"`
	Config   []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	} `json:"config"`
}

func writeSysctl(c *step.Context, o sysctldOptions) error {
	var b strings.Builder
	for _, p := range o.Config {
		b.WriteString(p.Key)
		if p.Value != "" {
			b.WriteString(" = " + p.Value)
		}
		b.WriteString("\n")
	}
	return writeConfig(c, "/usr/lib/sysctl.d", o.Filename, b.String())
}

// writeConfig writes a file into a directory that a package must have made.
func writeConfig(c *step.Context, dir, filename, text string) error {
	err := c.Tree.WriteFile(dir+"/"+filename, []byte(text), 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return step.BadOption(step.At("filename"), "there is no directory %s; install what reads it before this stage", dir)
	}
	return err
}
