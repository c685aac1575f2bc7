package stages

import (
	_ "embed"
	"encoding/json"

	"github.com/assay-os/assay/build/step"
)

//go:embed systemd_unit.json
var systemdUnitSchema json.RawMessage

func systemdUnit() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.systemd.unit",
		Kind:    step.Stage,
		Summary: "Add a drop-in to a systemd unit",
		Description: `Writes /usr/lib/systemd/system/UNIT.d/DROPIN, or with unit-type global the same
below /usr/lib/systemd/user, and makes the directory. Sections and keys stand in a
fixed order, whatever their order in the manifest. Whether the tree has the unit is
not checked.`,
		Schema: systemdUnitSchema,
		Since:  since,
		Run:    with(writeDropin),
	}
}

type systemdUnitOptions struct {
	Unit     string       `json:"unit"`
	Dropin   string       `json:"dropin"`
	UnitType string       `json:"unit-type"`
	Config   dropinConfig `json:"config"`
}

type dropinConfig struct {
	Unit *struct {
		ConditionPathExists *string `json:"ConditionPathExists"`
	} `json:"Unit"`
	Service *struct {
		Environment environment `json:"Environment"`
	} `json:"Service"`
}

func writeDropin(c *step.Context, o systemdUnitOptions) error {
	dir := unitDirectory("/usr/lib", o.UnitType) + "/" + o.Unit + ".d"
	if err := c.Tree.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return c.Tree.WriteFile(dir+"/"+o.Dropin, []byte(unitText(o.Config)), 0o644)
}

// unitDirectory is where units of the system, or of every user ("global"), lie.
func unitDirectory(base, unitType string) string {
	if unitType == "global" {
		return base + "/systemd/user"
	}
	return base + "/systemd/system"
}
