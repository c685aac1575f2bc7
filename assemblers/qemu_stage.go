package assemblers

import (
	"context"
	_ "embed"

	"github.com/assay-os/assay/build/step"
)

//go:embed org.osbuild.qemu.json
var qemuSchema []byte

func qemuStage() *step.Definition {
	return &step.Definition{
		Name:    "org.osbuild.qemu",
		Kind:    step.Stage,
		Summary: "Convert a raw disk image to qcow2",
		Description: "Converts the one file of the input `image`. Compressed or not, the same image gives the same bytes.\n\n" +
			"```json\n" + `{"filename": "disk.qcow2", "format": {"type": "qcow2", "compat": "1.1"}}` + "\n```",
		Schema: qemuSchema,
		Inputs: takesFile("image", "the raw image to convert"),
		Tools:  []string{"qemu-img"},
		Since:  "0.1.0",
		Check:  checked(checkQemuStage),
		Run: withOptions(func(ctx context.Context, c *step.Context, o qemuStageOptions) error {
			source, err := file(c, "image")
			if err != nil {
				return err
			}
			return qcow2(ctx, c, source, o.Filename, o.Format.Compat, isSet(o.Format.Compression))
		}),
	}
}

type qemuStageOptions struct {
	Filename string `json:"filename"`
	Format   struct {
		Type        string `json:"type"`
		Compression *bool  `json:"compression"`
		Compat      string `json:"compat"`
		// The rest belongs to formats that are refused.
		AdapterType string `json:"adapter_type"`
		Compat6     bool   `json:"compat6"`
		ForceSize   *bool  `json:"force_size"`
		Subformat   string `json:"subformat"`
	} `json:"format"`
}

func checkQemuStage(o qemuStageOptions) []step.Problem {
	problems := checkName(o.Filename)
	if o.Format.Type != "qcow2" {
		p := unsupported("format", o.Format.Type, "qcow2")
		p.Path += ".type"
		problems = append(problems, p)
	}
	return append(problems, checkCompat(step.OptionPath("format", "compat"), o.Format.Compat)...)
}

// checkCompat refuses versions of qcow2 that do not exist. Real manifests
// leave the string empty to mean qemu's default.
func checkCompat(path, compat string) []step.Problem {
	switch compat {
	case "", "0.10", "1.1", "v2", "v3":
		return nil
	}
	return []step.Problem{{Path: path, Message: "there is no version " + compat + " of qcow2; use 1.1 or 0.10"}}
}

// qcow2 converts a raw image. Writes stay in order (no -W), which is what
// makes a compressed image repeat; everything that qemu's defaults decide and
// a newer qemu might decide differently is said.
func qcow2(ctx context.Context, c *step.Context, source, name, compat string, compress bool) error {
	if compat == "" {
		compat = "1.1"
	}
	target, err := createEmpty(c, name)
	if err != nil {
		return err
	}
	argv := []string{"qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", "compat=" + compat + ",cluster_size=65536"}
	if compress {
		argv = append(argv, "-c")
	}
	return c.Exec(ctx, step.Program{Argv: append(argv, source, target), Env: []string{"LC_ALL=C"}})
}
