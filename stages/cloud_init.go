package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"

	"github.com/assay-os/assay/build/step"
)

//go:embed cloud_init.json
var cloudInitSchema json.RawMessage

func cloudInit() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.cloud-init",
		Kind:    step.Stage,
		Summary: "Configure cloud-init",
		Description: `Writes config as YAML to /etc/cloud/cloud.cfg.d/FILENAME, keys sorted, as
PyYAML writes it. The directory must be there: install cloud-init before this stage.
datasource_list stands on one line, which cloud-init asks for.`,
		Schema: cloudInitSchema,
		Since:  since,
		Run:    with(configureCloudInit),
	}
}

type cloudInitOptions struct {
	Filename string         `json:"filename"`
	Config   map[string]any `json:"config"`
}

func configureCloudInit(c *step.Context, o cloudInitOptions) error {
	const dir = "/etc/cloud/cloud.cfg.d"
	if list, ok := o.Config["datasource_list"].([]any); ok {
		o.Config["datasource_list"] = flow(list)
	}
	err := c.Tree.WriteFile(dir+"/"+o.Filename, []byte(yamlText(o.Config)), 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return step.BadOption(step.At("filename"), "there is no directory %s; install cloud-init before this stage", dir)
	}
	return err
}
