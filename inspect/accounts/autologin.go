package accounts

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/tree"
)

// maxGettys is how many units of gettys are read.
const maxGettys = 256

// gettyDirs are the directories of system units, the first counts.
func gettyDirs() []string {
	return []string{"/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}
}

// readAutologin finds units of getty and display managers that log a user in.
func (d *door) readAutologin() error {
	d.autologin = map[string][]string{}
	names, err := gettyUnits(d.tree)
	if err != nil {
		return err
	}
	if len(names) > maxGettys {
		return fmt.Errorf("%d units of gettys are more than the %d that are read", len(names), maxGettys)
	}
	for _, name := range names {
		unit, err := readUnit(d.tree, name)
		if err != nil {
			return err
		}
		for _, line := range unit.List("Service", "ExecStart") {
			if user := autologinOf(line); user != "" && !slices.Contains(d.autologin[user], name) {
				d.autologin[user] = append(d.autologin[user], name)
			}
		}
	}
	return d.readDisplayManagers()
}

// gettyUnits are the names of units of gettys that are there, as files or in drop-ins only.
func gettyUnits(t *tree.Tree) ([]string, error) {
	names := map[string]bool{}
	for _, dir := range gettyDirs() {
		files, err := t.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			name := strings.TrimSuffix(f.Name(), ".d")
			if strings.HasSuffix(name, ".service") && (strings.Contains(name, "getty") || strings.HasPrefix(name, "autovt@")) {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// readUnit reads a unit's file and its drop-ins. An instance has those of its template,
// too, before its own.
func readUnit(t *tree.Tree, name string) (*keyfile.File, error) {
	unit := &keyfile.File{}
	files, err := section.Dropins(t, literal(name), gettyDirs()...)
	if err != nil {
		return nil, err
	}
	template := name
	if at := strings.IndexByte(name, '@'); at >= 0 {
		template = name[:at+1] + ".service"
	}
	if len(files) == 0 && template != name {
		if files, err = section.Dropins(t, literal(template), gettyDirs()...); err != nil {
			return nil, err
		}
	}
	var dirs []string
	for _, of := range slices.Compact([]string{name, template}) {
		for _, dir := range gettyDirs() {
			dirs = append(dirs, dir+"/"+literal(of)+".d")
		}
	}
	more, err := section.Dropins(t, "*.conf", dirs...)
	if err != nil {
		return nil, err
	}
	for _, f := range append(files, more...) {
		data, err := t.ReadFile(f.Path, section.MaxConfig)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		part, err := keyfile.Parse(data, keyfile.Systemd())
		if err != nil {
			return nil, section.Within(f.Path, err)
		}
		unit.Append(part)
	}
	return unit, nil
}

// literal is the pattern that matches a name alone.
func literal(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}

// autologinOf is the user that agetty(8) logs in.
func autologinOf(command string) string {
	words := strings.Fields(command)
	for i, w := range words {
		if user, ok := strings.CutPrefix(w, "--autologin="); ok {
			return user
		}
		if (w == "--autologin" || w == "-a") && i+1 < len(words) && strings.Contains(words[0], "agetty") {
			return words[i+1]
		}
	}
	return ""
}

// A displayManager is where one has the user that it logs in.
type displayManager struct{ unit, file, section, user, enable string }

func displayManagers() []displayManager {
	gdm := displayManager{"gdm", "", "daemon", "AutomaticLogin", "AutomaticLoginEnable"}
	list := []displayManager{{"lightdm", "/etc/lightdm/lightdm.conf", "Seat:*", "autologin-user", ""}, {"sddm", "/etc/sddm.conf", "Autologin", "User", ""}}
	for _, file := range []string{"/etc/gdm/custom.conf", "/etc/gdm3/custom.conf", "/etc/gdm3/daemon.conf"} {
		gdm.file = file
		list = append(list, gdm)
	}
	return list
}

func (d *door) readDisplayManagers() error {
	for _, m := range displayManagers() {
		data, err := d.tree.ReadFile(m.file, section.MaxConfig)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		file, err := keyfile.Parse(data, keyfile.DNF())
		if err != nil {
			return section.Within(m.file, err)
		}
		user, _ := file.Last(m.section, m.user)
		if m.enable != "" {
			if on, _ := file.Last(m.section, m.enable); !strings.EqualFold(on, "true") && on != "1" {
				continue
			}
		}
		if user != "" {
			d.autologin[user] = append(d.autologin[user], m.unit)
		}
	}
	return nil
}
