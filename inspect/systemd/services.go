package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// unitDirs are the directories of system units that an image can hold, the
// first counts: systemd.unit(5). The last is for systems without merged /usr.
func unitDirs() []string {
	return []string{"/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}
}

func services() section.Section {
	return section.Section{
		Name: "services", Source: strings.Join(unitDirs(), ", "), Oracle: "systemctl --root=TREE list-unit-files, get-default",
		Fill: inspectServices,
	}
}

func inspectServices(_ context.Context, t *tree.Tree, r *report.Report) error {
	units, err := unitFiles(t)
	if err != nil {
		return err
	}
	if len(units) == 0 {
		return section.Absent("no unit in any of " + strings.Join(unitDirs(), ", "))
	}
	links, err := enablingLinks(t)
	if err != nil {
		return err
	}
	for _, name := range units {
		state, err := unitState(t, name, links)
		if err != nil {
			return err
		}
		switch state {
		case unitMasked:
			r.Services.Masked = append(r.Services.Masked, name)
		case unitEnabled:
			r.Services.Enabled = append(r.Services.Enabled, name)
		case unitDisabled:
			r.Services.Disabled = append(r.Services.Disabled, name)
		}
	}
	r.Services.DefaultTarget, err = defaultTarget(t)
	return err
}

// unitFiles are the names of all units, sorted.
func unitFiles(t *tree.Tree) ([]string, error) {
	var names []string
	for _, dir := range unitDirs() {
		files, err := t.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if f.Node.Type != report.Directory && isUnit(f.Name()) {
				names = append(names, f.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func isUnit(name string) bool {
	return slices.Contains([]string{
		".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope",
	}, path.Ext(name)) && len(name) < 256
}

// unitLinks are the links in /etc that enable units.
type unitLinks struct {
	// wanted are the names of the links in .wants, .requires and .upholds
	// directories, and the names of what they point to.
	wanted map[string]bool
	// alias gives the unit that a name in /etc itself points to. Another name
	// enables the unit if its [Install] section asks for that name, else the unit
	// is "indirect"; its own name makes it "linked".
	alias map[string]string
	// linked are the units that some name in alias points to.
	linked map[string]bool
}

func enablingLinks(t *tree.Tree) (unitLinks, error) {
	enabled := unitLinks{map[string]bool{}, map[string]string{}, map[string]bool{}}
	files, err := t.ReadDir(unitDirs()[0])
	if errors.Is(err, fs.ErrNotExist) {
		return enabled, nil
	}
	if err != nil {
		return enabled, err
	}
	for _, f := range files {
		ext := path.Ext(f.Name())
		switch {
		case f.Node.Type == report.Symlink:
			target := path.Base(string(f.Node.Target))
			enabled.alias[f.Name()], enabled.linked[target] = target, true
		case f.Node.Type == report.Directory && (ext == ".wants" || ext == ".requires" || ext == ".upholds"):
			links, err := t.ReadDir(f.Path)
			if err != nil {
				return enabled, err
			}
			for _, l := range links {
				if l.Node.Type == report.Symlink {
					enabled.wanted[l.Name()] = true
					enabled.wanted[path.Base(string(l.Node.Target))] = true
				}
			}
		}
	}
	return enabled, nil
}

// The states of a unit that the report tells.
type unitStatus int

const (
	unitOther unitStatus = iota
	unitEnabled
	unitDisabled
	unitMasked
)

// unitState follows what systemctl's is-enabled does for the unit of a name.
func unitState(t *tree.Tree, name string, links unitLinks) (unitStatus, error) {
	f, err := findUnit(t, name)
	if err != nil || f == nil {
		return unitOther, err
	}
	if f.Node.Type == report.Symlink {
		target := string(f.Node.Target)
		if path.Clean(target) == "/dev/null" {
			return unitMasked, nil
		}
		if path.Base(target) != name {
			return unitOther, nil // an alias of another unit
		}
		if f, err = t.Lookup(f.Path); errors.Is(err, fs.ErrNotExist) {
			return unitOther, nil
		} else if err != nil {
			return unitOther, err
		}
	}
	if f.Node.Type != report.File {
		return unitOther, nil
	}
	if f.Node.Size == 0 {
		return unitMasked, nil
	}
	if links.wanted[name] {
		return unitEnabled, nil
	}
	data, err := f.Read(section.MaxConfig)
	if err != nil {
		return unitOther, err
	}
	installable, aliases, err := parseInstall(data)
	if err != nil {
		return unitOther, fmt.Errorf("%s: %w", f.Path, err)
	}
	switch {
	case slices.ContainsFunc(aliases, func(a string) bool { return a != name && links.alias[a] == name }):
		return unitEnabled, nil
	case installable && !links.linked[name]:
		return unitDisabled, nil
	default:
		return unitOther, nil
	}
}

// findUnit is the file of a unit in the first directory that has it.
func findUnit(t *tree.Tree, name string) (*tree.File, error) {
	for _, dir := range unitDirs() {
		f, err := t.Lstat(dir + "/" + name)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, nil
}

// parseInstall tells whether a unit's [Install] section says where to link
// it, and by which other names.
func parseInstall(data []byte) (installable bool, aliases []string, err error) {
	install := false
	err = section.EachTableLine(data, func(_ int, line string) error {
		if line[0] == '[' {
			install = line == "[Install]"
			return nil
		}
		key, value, _ := strings.Cut(line, "=")
		names := strings.Fields(value)
		switch strings.TrimSpace(key) {
		case "Alias", "WantedBy", "RequiredBy", "UpheldBy":
			installable = installable || install && len(names) > 0
		}
		if install && strings.TrimSpace(key) == "Alias" {
			aliases = append(aliases, names...)
		}
		return nil
	})
	return installable, aliases, err
}

// defaultTarget is what default.target leads to; "" when there is none.
func defaultTarget(t *tree.Tree) (string, error) {
	f, err := findUnit(t, "default.target")
	if err != nil || f == nil {
		return "", err
	}
	for range tree.MaxLinks {
		if f.Node.Type != report.Symlink {
			return f.Name(), nil
		}
		name := path.Base(string(f.Node.Target))
		next, err := findUnit(t, name)
		if err != nil {
			return "", err
		}
		if next == nil {
			return name, nil
		}
		f = next
	}
	return "", fmt.Errorf("look up default.target: too many links at %s", f.Path)
}
