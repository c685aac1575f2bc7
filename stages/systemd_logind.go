package stages

import (
	_ "embed"
	"encoding/json"

	"github.com/assay-os/assay/build/step"
)

//go:embed systemd_logind.json
var systemdLogindSchema json.RawMessage

func systemdLogind() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.systemd-logind",
		Kind:    step.Stage,
		Summary: "Configure logins",
		Description: `Writes /usr/lib/systemd/logind.conf.d/FILENAME, see logind.conf(5), and makes the
directory. The keys stand in a fixed order.`,
		Schema: systemdLogindSchema,
		Since:  since,
		Run:    with(writeLogind),
	}
}

type systemdLogindOptions struct {
	Filename string       `json:"filename"`
	Config   logindConfig `json:"config"`
}

type logindConfig struct {
	Login *struct {
		NAutoVTs  *int `json:"NAutoVTs"`
		ReserveVT *int `json:"ReserveVT"`
	} `json:"Login"`
}

func writeLogind(c *step.Context, o systemdLogindOptions) error {
	const dir = "/usr/lib/systemd/logind.conf.d"
	if err := c.Tree.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return c.Tree.WriteFile(dir+"/"+o.Filename, []byte(unitText(o.Config)), 0o644)
}
