package settings

import (
	"context"
	"errors"
	"io/fs"
	"regexp"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/shellvars"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func locale() section.Section {
	return section.Section{
		Name: "locale", Source: "/etc/locale.conf, else /etc/default/locale",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			for _, name := range []string{"/etc/locale.conf", "/etc/default/locale"} {
				data, err := t.ReadFile(name, section.MaxConfig)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					return err
				}
				vars, err := shellvars.Parse(data)
				r.Locale = vars.Map
				return section.Within(name, err)
			}
			return section.Absent("neither /etc/locale.conf nor /etc/default/locale")
		},
	}
}

func keyboard() section.Section {
	return section.Section{
		Name: "keyboard", Source: "/etc/vconsole.conf, /etc/default/keyboard, /etc/X11/xorg.conf.d/00-keyboard.conf",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			v := values{}
			console, err := v.shell(t, "/etc/vconsole.conf", "console ")
			if err != nil {
				return err
			}
			debian, err := v.shell(t, "/etc/default/keyboard", "keyboard ")
			if err != nil {
				return err
			}
			x, err := x11Keyboard(t, v)
			if err == nil && !console && !debian && !x {
				return section.Absent("no keymap is set")
			}
			r.Keyboard = v.sorted()
			return err
		},
	}
}

// x11Keyboard reads the lines that localectl(1) writes: Option "XkbLayout" "us".
func x11Keyboard(t *tree.Tree, v values) (bool, error) {
	const name = "/etc/X11/xorg.conf.d/00-keyboard.conf"
	option := regexp.MustCompile(`(?i)^option\s+"xkb(\w+)"\s+"([^"]*)"`)
	found := false
	err := section.ReadLines(t, name, func(_ int, line string) error {
		if m := option.FindStringSubmatch(line); m != nil {
			v.set("X11 "+m[1], m[2], name)
			found = true
		}
		return nil
	})
	return found, err
}
