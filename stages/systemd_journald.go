package stages

import (
	_ "embed"
	"encoding/json"

	"github.com/assay-os/assay/build/step"
)

//go:embed systemd_journald.json
var systemdJournaldSchema json.RawMessage

func systemdJournald() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.systemd-journald",
		Kind:    step.Stage,
		Summary: "Configure the journal",
		Description: `Writes /usr/lib/systemd/journald.conf.d/FILENAME, see journald.conf(5), and makes the
directory. A file that is there already is an error. The keys stand in a fixed order.`,
		Schema: systemdJournaldSchema,
		Since:  since,
		Run:    with(writeJournald),
	}
}

type systemdJournaldOptions struct {
	Filename string         `json:"filename"`
	Config   journaldConfig `json:"config"`
}

type journaldConfig struct {
	Journal *struct {
		Storage         *string `json:"Storage"`
		Compress        *string `json:"Compress"`
		SplitMode       *string `json:"SplitMode"`
		MaxFileSec      *string `json:"MaxFileSec"`
		MaxRetentionSec *string `json:"MaxRetentionSec"`
		SyncIntervalSec *string `json:"SyncIntervalSec"`
		Audit           *string `json:"Audit"`
	} `json:"Journal"`
}

func writeJournald(c *step.Context, o systemdJournaldOptions) error {
	const dir = "/usr/lib/systemd/journald.conf.d"
	if err := c.Tree.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return writeNew(c.Tree, dir+"/"+o.Filename, unitText(o.Config))
}
