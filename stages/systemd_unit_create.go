package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"
	"path"

	"github.com/assay-os/assay/build/step"
)

//go:embed systemd_unit_create.json
var systemdUnitCreateSchema json.RawMessage

func systemdUnitCreate() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.systemd.unit.create",
		Kind:    step.Stage,
		Summary: "Make a systemd unit",
		Description: `Writes a unit file below /usr/lib/systemd, or below /etc/systemd with unit-path
etc. The directory must be there. The file's suffix says which section it must have:
.service, .mount, .socket or .swap. Sections and keys stand in a fixed order,
whatever their order in the manifest.

The unit is not enabled; org.osbuild.systemd does that.`,
		Schema: systemdUnitCreateSchema,
		Since:  since,
		Run:    with(writeUnit),
	}
}

type systemdUnitCreateOptions struct {
	Filename string     `json:"filename"`
	UnitType string     `json:"unit-type"`
	UnitPath string     `json:"unit-path"`
	Config   unitConfig `json:"config"`
}

type unitConfig struct {
	Unit    *unitSection    `json:"Unit"`
	Service *serviceSection `json:"Service"`
	Mount   *mountSection   `json:"Mount"`
	Socket  *socketSection  `json:"Socket"`
	Swap    *swapSection    `json:"Swap"`
	Install *installSection `json:"Install"`
}

type unitSection struct {
	Description              *string  `json:"Description"`
	Wants                    []string `json:"Wants"`
	After                    []string `json:"After"`
	Before                   []string `json:"Before"`
	Requires                 []string `json:"Requires"`
	ConditionPathExists      []string `json:"ConditionPathExists"`
	ConditionPathIsDirectory []string `json:"ConditionPathIsDirectory"`
	DefaultDependencies      *bool    `json:"DefaultDependencies"`
}

type serviceSection struct {
	Type            *string     `json:"Type"`
	RemainAfterExit *bool       `json:"RemainAfterExit"`
	ExecStartPre    []string    `json:"ExecStartPre"`
	ExecStopPost    []string    `json:"ExecStopPost"`
	ExecStart       []string    `json:"ExecStart"`
	Environment     environment `json:"Environment"`
	EnvironmentFile []string    `json:"EnvironmentFile"`
	StandardOutput  *string     `json:"StandardOutput"`
}

type mountSection struct {
	What    *string `json:"What"`
	Where   *string `json:"Where"`
	Type    *string `json:"Type"`
	Options *string `json:"Options"`
}

type socketSection struct {
	Service                *string `json:"Service"`
	ListenStream           *string `json:"ListenStream"`
	ListenDatagram         *string `json:"ListenDatagram"`
	ListenSequentialPacket *string `json:"ListenSequentialPacket"`
	ListenFifo             *string `json:"ListenFifo"`
	SocketUser             *string `json:"SocketUser"`
	SocketGroup            *string `json:"SocketGroup"`
	SocketMode             *string `json:"SocketMode"`
	DirectoryMode          *string `json:"DirectoryMode"`
	Accept                 *bool   `json:"Accept"`
	RuntimeDirectory       *string `json:"RuntimeDirectory"`
	RemoveOnStop           *bool   `json:"RemoveOnStop"`
}

type swapSection struct {
	What       *string `json:"What"`
	Priority   *int    `json:"Priority"`
	Options    *string `json:"Options"`
	TimeoutSec *string `json:"TimeoutSec"`
}

type installSection struct {
	WantedBy   []string `json:"WantedBy"`
	RequiredBy []string `json:"RequiredBy"`
}

func writeUnit(c *step.Context, o systemdUnitCreateOptions) error {
	has := map[string]bool{
		".service": o.Config.Service != nil, ".mount": o.Config.Mount != nil, ".socket": o.Config.Socket != nil, ".swap": o.Config.Swap != nil,
	}
	if suffix := path.Ext(o.Filename); !has[suffix] {
		return step.BadOption(step.At("config"), "a %s file needs the section of its kind", suffix)
	}
	base := "/usr/lib"
	if o.UnitPath == "etc" {
		base = "/etc"
	}
	dir := unitDirectory(base, o.UnitType)
	err := c.Tree.WriteFile(dir+"/"+o.Filename, []byte(unitText(o.Config)), 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return step.BadOption(step.At("filename"), "there is no directory %s; install systemd before this stage", dir)
	}
	return err
}
