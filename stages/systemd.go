package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

//go:embed systemd.json
var systemdSchema json.RawMessage

func systemd() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.systemd",
		Kind:    step.Stage,
		Summary: "Enable, disable and mask units",
		Description: `Does in the tree what systemctl does, in this order: enable, disable, mask, mask
generators, set the default target. A name without a suffix is a service.

Enabling makes the symlinks below /etc/systemd/system that the unit's [Install]
section and its drop-ins ask for: WantedBy, RequiredBy, Alias and Also, instances of
templates and DefaultInstance included. A unit that has no such section is enabled
already, or not at all. Disabling removes every symlink below /etc/systemd/system that
leads to the unit. Presets are not consulted, and scripts in /etc/init.d are not
looked at.

Works natively; upstream runs systemctl of the build root. A symlink leads to
/usr/lib/systemd/system, where systemctl of Debian 12 writes /lib/systemd/system.`,
		Schema: systemdSchema,
		Since:  since,
		Run:    with(configureSystemd),
	}
}

type systemdOptions struct {
	Enabled       []string `json:"enabled_services"`
	Disabled      []string `json:"disabled_services"`
	Masked        []string `json:"masked_services"`
	Generators    []string `json:"masked_generators"`
	DefaultTarget string   `json:"default_target"`
}

func configureSystemd(c *step.Context, o systemdOptions) error {
	u := units{tree: c.Tree, tell: func(format string, args ...any) { tell(c, format, args...) }}
	for _, list := range []struct {
		option string
		names  []string
		do     func(string) error
	}{
		{"enabled_services", o.Enabled, u.enable},
		{"disabled_services", o.Disabled, u.disable},
		{"masked_services", o.Masked, u.mask},
		{"masked_generators", o.Generators, u.maskGenerator},
	} {
		for i, name := range list.names {
			if err := placed(list.do(name), list.option, i); err != nil {
				return err
			}
		}
	}
	if o.DefaultTarget == "" {
		return nil
	}
	return placed(u.setDefault(o.DefaultTarget), "default_target")
}

// A unitError is what is wrong with a unit that an option names.
type unitError struct{ reason string }

func (e *unitError) Error() string { return e.reason }

// placed gives a unit's error the place of the option that named it.
func placed(err error, place ...any) error {
	var wrong *unitError
	if errors.As(err, &wrong) {
		return step.BadOption(place, "%s", wrong.reason)
	}
	return err
}

// mask makes name the symlink to /dev/null that hides every unit of it. The
// unit need not be there.
func (u units) mask(name string) error {
	name = withSuffix(name)
	if !validUnit(name) {
		return &unitError{quoted(name) + " is no name of a unit"}
	}
	if err := u.tree.MkdirAll(configUnits, 0o755); err != nil {
		return err
	}
	return u.link("/dev/null", configUnits+"/"+name)
}

func (u units) maskGenerator(name string) error {
	const dir = "/etc/systemd/system-generators"
	if err := u.tree.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return u.tree.Symlink("/dev/null", dir+"/"+name)
}

// setDefault points default.target to a target, whatever it was before.
func (u units) setDefault(name string) error {
	if !strings.HasSuffix(name, ".target") || !validUnit(name) || name == "default.target" || isTemplate(name) {
		return &unitError{quoted(name) + " is no name of a target that could be the default"}
	}
	file, err := u.find(name)
	if err != nil {
		return err
	}
	if err := u.tree.MkdirAll(configUnits, 0o755); err != nil {
		return err
	}
	const link = configUnits + "/default.target"
	if err := u.tree.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return u.tree.Symlink(file.path, link)
}

// disable removes the symlinks that lead to a unit, and the directories that
// are empty then. Removing a symlink of another name (an alias) removes what
// leads to that name too.
func (u units) disable(name string) error {
	name = withSuffix(name)
	gone, err := u.toDisable(name)
	if err != nil {
		return err
	}
	for {
		more, err := u.removeLinks(configUnits, gone)
		if err != nil || !more {
			return err
		}
	}
}

// toDisable is a unit's name, with those that Also= names. A unit that is
// masked has none, and one that does not exist has its own only, as systemctl
// has it.
func (u units) toDisable(name string) (map[string]bool, error) {
	gone := map[string]bool{}
	list := []string{name}
	for len(list) > 0 {
		next := list[0]
		list = list[1:]
		file, err := u.follow(next, true)
		var wrong *unitError
		if errors.As(err, &wrong) {
			u.tell("disabling %s: %s", next, wrong.reason)
			there, _, err := u.look(next)
			if err != nil {
				return nil, err
			}
			gone[next] = gone[next] || validUnit(next) && there == ""
			continue
		}
		if err != nil {
			return nil, err
		}
		if gone[file.name] {
			continue
		}
		gone[file.name] = true
		install, err := u.readInstall(file)
		if err != nil {
			return nil, err
		}
		for _, also := range install.also {
			list = append(list, withSuffix(also))
		}
	}
	return gone, nil
}

// removeLinks removes the symlinks below dir that are of one of the names, or
// lead to one, and reports whether a name came in.
func (u units) removeLinks(dir string, gone map[string]bool) (more bool, err error) {
	list, err := u.tree.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	left := len(list)
	for _, info := range list {
		full := dir + "/" + info.Name
		if info.Type == report.Directory {
			found, err := u.removeLinks(full, gone)
			if err != nil {
				return false, err
			}
			more = more || found
		}
		leads, err := u.leads(full, info, gone)
		if err != nil {
			return false, err
		}
		if !leads {
			continue
		}
		more = more || !gone[info.Name]
		gone[info.Name] = true
		left--
		u.tell("removed %s", full)
		if err := u.tree.Remove(full); err != nil {
			return false, err
		}
	}
	if left == 0 && len(list) > 0 && dir != configUnits {
		return more, u.tree.Remove(dir)
	}
	return more, nil
}

// leads says whether a symlink is of one of the names, or leads to one.
func (u units) leads(full string, info tree.Info, names map[string]bool) (bool, error) {
	if info.Type != report.Symlink {
		return false, nil
	}
	target, err := u.tree.Readlink(full)
	if err != nil {
		return false, err
	}
	return names[info.Name] || names[templateOf(info.Name)] || names[path.Base(target)], nil
}
