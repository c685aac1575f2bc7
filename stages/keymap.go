package stages

import (
	_ "embed"
	"encoding/json"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed keymap.json
var keymapSchema json.RawMessage

func keymap() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.keymap",
		Kind:    step.Stage,
		Summary: "Set the keyboard layout of the console and of X11",
		Description: `Writes KEYMAP, and FONT if it is given, to /etc/vconsole.conf as
vconsole.conf(5) defines them, and replaces what is there. With x11-keymap it also
writes /etc/X11/xorg.conf.d/00-keyboard.conf. Whether the tree has such a keymap is
not checked.

Works natively; upstream runs systemd-firstboot of the build root, which from
version 255 on adds XKBLAYOUT and its kin to vconsole.conf. This stage writes what
version 252 does.`,
		Schema: keymapSchema,
		Since:  since,
		Run:    with(setKeymap),
	}
}

type keymapOptions struct {
	Keymap string `json:"keymap"`
	X11    *struct {
		Layouts []string `json:"layouts"`
	} `json:"x11-keymap"`
	Font string `json:"font"`
}

func setKeymap(c *step.Context, o keymapOptions) error {
	if err := c.Tree.MkdirAll("/etc", 0o755); err != nil {
		return err
	}
	console := "KEYMAP=" + o.Keymap + "\n"
	if o.Font != "" {
		console += "FONT=" + o.Font + "\n"
	}
	if err := overwrite(c.Tree, "/etc/vconsole.conf", console, 0o644); err != nil {
		return err
	}
	if o.X11 == nil {
		return nil
	}
	if err := c.Tree.MkdirAll("/etc/X11/xorg.conf.d", 0o755); err != nil {
		return err
	}
	return c.Tree.WriteFile("/etc/X11/xorg.conf.d/00-keyboard.conf", []byte(xkb(o.X11.Layouts)), 0o644)
}

// xkb is the section of xorg.conf(5) for all keyboards, byte for byte as upstream writes it.
func xkb(layouts []string) string {
	return `# Created by osbuild. Do not edit manually, use localectl(1).
Section "InputClass"
        Identifier "system-keyboard"
        MatchIsKeyboard "on"
        Option "XkbLayout" "` + strings.Join(layouts, ",") + `"
EndSection
`
}
