package stages

import (
	_ "embed"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed dracut_conf.json
var dracutConfSchema json.RawMessage

func dracutConf() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.dracut.conf",
		Kind:    step.Stage,
		Summary: "Configure how the initramfs is made",
		Description: `Writes /usr/lib/dracut/dracut.conf.d/FILENAME, see dracut.conf(5), and makes the
directory. The options stand in a fixed order.`,
		Schema: dracutConfSchema,
		Since:  since,
		Run:    with(writeDracutConf),
	}
}

type dracutConfOptions struct {
	Filename string       `json:"filename"`
	Config   dracutConfig `json:"config"`
}

// The order of the fields is the order of the lines.
type dracutConfig struct {
	Compress          *string  `json:"compress"`
	DracutModules     []string `json:"dracutmodules"`
	AddDracutModules  []string `json:"add_dracutmodules"`
	OmitDracutModules []string `json:"omit_dracutmodules"`
	Drivers           []string `json:"drivers"`
	AddDrivers        []string `json:"add_drivers"`
	OmitDrivers       []string `json:"omit_drivers"`
	ForceDrivers      []string `json:"force_drivers"`
	Filesystems       []string `json:"filesystems"`
	InstallItems      []string `json:"install_items"`
	RemoveItems       []string `json:"remove_items"`
	EarlyMicrocode    *bool    `json:"early_microcode"`
	Reproducible      *bool    `json:"reproducible"`
}

func writeDracutConf(c *step.Context, o dracutConfOptions) error {
	const dir = "/usr/lib/dracut/dracut.conf.d"
	var b strings.Builder
	for name, value := range fields(o.Config) {
		b.WriteString(dracutLine(name, value))
	}
	if err := c.Tree.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return c.Tree.WriteFile(dir+"/"+o.Filename, []byte(b.String()), 0o644)
}

// dracutLine sets a text or a truth value, and adds to a list.
func dracutLine(name string, value reflect.Value) string {
	switch v := value.Interface().(type) {
	case *string:
		return name + `="` + *v + `"` + "\n"
	case *bool:
		return name + `="` + yesNo(*v) + `"` + "\n"
	case []string:
		return name + `+=" ` + strings.Join(v, " ") + ` "` + "\n"
	default:
		return ""
	}
}
