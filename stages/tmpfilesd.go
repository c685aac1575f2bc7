package stages

import (
	_ "embed"
	"encoding/json"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed tmpfilesd.json
var tmpfilesdSchema json.RawMessage

func tmpfilesd() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.tmpfilesd",
		Kind:    step.Stage,
		Summary: "Make files at boot",
		Description: `Writes /usr/lib/tmpfiles.d/FILENAME, one line for each item, see tmpfiles.d(5). The
directory must be there. A field that is not given, and has one after it, is a hyphen.`,
		Schema: tmpfilesdSchema,
		Since:  since,
		Run:    with(writeTmpfiles),
	}
}

type tmpfilesdOptions struct {
	Filename string `json:"filename"`
	Config   []struct {
		Type     string `json:"type"`
		Path     string `json:"path"`
		Mode     string `json:"mode"`
		User     string `json:"user"`
		Group    string `json:"group"`
		Age      string `json:"age"`
		Argument string `json:"argument"`
	} `json:"config"`
}

func writeTmpfiles(c *step.Context, o tmpfilesdOptions) error {
	var b strings.Builder
	for _, l := range o.Config {
		fields := []string{l.Type, l.Path, l.Mode, l.User, l.Group, l.Age, l.Argument}
		for fields[len(fields)-1] == "" {
			fields = fields[:len(fields)-1]
		}
		for i, field := range fields {
			if field == "" {
				fields[i] = "-"
			}
		}
		b.WriteString(strings.Join(fields, " ") + "\n")
	}
	return writeConfig(c, "/usr/lib/tmpfiles.d", o.Filename, b.String())
}
