package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/report"
)

//go:embed machine_id.json
var machineIDSchema json.RawMessage

func machineID() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.machine-id",
		Kind:    step.Stage,
		Summary: "Say what becomes of the machine id at the first boot",
		Description: `Sets the state of /etc/machine-id, as machine-id(5) explains it:

- yes: the file says "uninitialized". systemd makes an id at boot and takes the boot
  as the first one (ConditionFirstBoot).
- no: the file is empty. systemd makes an id at boot, which is not taken as the first.
- preserve: the file stays; that there is none is an error.`,
		Schema: machineIDSchema,
		Since:  since,
		Run:    with(setMachineID),
	}
}

type machineIDOptions struct {
	FirstBoot string `json:"first-boot"`
}

func setMachineID(c *step.Context, o machineIDOptions) error {
	const file = "/etc/machine-id"
	switch o.FirstBoot {
	case "yes":
		return c.Tree.WriteFile(file, []byte("uninitialized\n"), 0o644)
	case "no":
		return c.Tree.WriteFile(file, nil, 0o644)
	}
	info, err := c.Tree.Stat(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Type != report.File {
		return step.BadOption(step.At("first-boot"), "there is no %s that could be preserved", file)
	}
	return err
}
