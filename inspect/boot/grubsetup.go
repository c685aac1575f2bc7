package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/section/shellvars"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

const grubDefaults = "/etc/default/grub"

// grubDirs are GRUB's directories, those of an EFI partition included.
func grubDirs() []string {
	return []string{"/boot/grub", "/boot/grub2", "/boot/efi/EFI/*", "/efi/EFI/*", "/boot/EFI/*"}
}

func grub() section.Section {
	return section.Section{
		Name: "grub", Source: "grub.cfg, grubenv and PLATFORM/ in " + strings.Join(grubDirs(), ", ") + "; " + grubDefaults + ", " + grubDefaults + ".d/*.cfg",
		Oracle: "grub-editenv list",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			for _, pattern := range grubDirs() {
				dirs, err := t.Glob(pattern)
				if err != nil {
					return err
				}
				for _, dir := range dirs {
					g, err := grubSetup(t, dir.Path)
					if err != nil {
						return err
					}
					if g != nil {
						r.Grub = append(r.Grub, *g)
					}
				}
			}
			defaults, err := readGrubDefaults(t)
			if err != nil {
				return err
			}
			if len(defaults) > 0 {
				r.Grub = append(r.Grub, report.GrubSetup{Path: grubDefaults, Defaults: shown(defaults)})
			}
			if len(r.Grub) == 0 {
				return section.Absent("no grub.cfg, grubenv or " + grubDefaults)
			}
			return nil
		},
	}
}

// grubSetup reads one directory; nil where nothing in it is GRUB's.
func grubSetup(t *tree.Tree, dir string) (*report.GrubSetup, error) {
	g := &report.GrubSetup{Path: dir}
	script, err := readGrubScript(t, dir+"/grub.cfg")
	if err != nil {
		return nil, err
	}
	if g.Environment, err = grubEnv(t, dir+"/grubenv"); err != nil {
		return nil, err
	}
	g.Environment = shown(g.Environment)
	cores, err := t.Glob(dir + "/*-*/*.mod")
	if err != nil {
		return nil, err
	}
	for _, core := range cores {
		g.Platforms = append(g.Platforms, path.Base(path.Dir(core.Path)))
	}
	g.Platforms = slices.Compact(g.Platforms)
	if script == nil && g.Environment == nil && g.Platforms == nil {
		return nil, nil
	}
	if script != nil {
		g.Set, g.Commands, g.Entries = script.set, script.commands, len(script.entries)
	}
	return g, nil
}

// shown takes out what may be a secret.
func shown(vars map[string]string) map[string]string {
	for name, value := range vars {
		vars[name] = secret.Value(name, value)
	}
	return vars
}

// readGrubDefaults reads the settings of grub-mkconfig, the later file wins.
func readGrubDefaults(t *tree.Tree) (map[string]string, error) {
	files, err := t.Glob(grubDefaults + ".d/*.cfg")
	if err != nil {
		return nil, err
	}
	names := []string{grubDefaults}
	for _, f := range files {
		names = append(names, f.Path)
	}
	all := map[string]string{}
	for _, name := range names {
		data, err := t.ReadFile(name, section.MaxConfig)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		vars, err := shellvars.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		maps.Copy(all, vars.Map)
	}
	return all, nil
}

// A grubScript is what a grub.cfg says outside of its logic.
type grubScript struct {
	path     string
	set      []string
	commands []string
	entries  []report.BootEntry
	// values are the last plain value of each variable.
	values map[string]string
	blscfg bool
}

// telling are the commands that decide what the entries are or who may choose them.
func telling() []string {
	return []string{"blscfg", "configfile", "source", "password", "password_pbkdf2", "chainloader", "uki", "fwsetup"}
}

// maxGrubLines bounds what is told of one grub.cfg.
const maxGrubLines = 1000

// readGrubScript reads a grub.cfg; nil where there is none.
func readGrubScript(t *tree.Tree, name string) (*grubScript, error) {
	data, err := t.ReadFile(name, section.MaxTable)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := &grubScript{path: name, values: map[string]string{}}
	if s.entries, err = parseGrub(data, nil); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	err = section.EachTableLine(data, func(_ int, line string) error {
		words, err := grubWords(line)
		if err != nil || len(words) == 0 {
			return err
		}
		s.take(words)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// take records one line's command.
func (s *grubScript) take(words []string) {
	if slices.Contains(telling(), words[0]) && !slices.Contains(s.commands, words[0]) {
		s.commands = append(s.commands, words[0])
		s.blscfg = s.blscfg || words[0] == "blscfg"
	}
	if words[0] != "set" || len(words) < 2 || len(s.set) >= maxGrubLines {
		return
	}
	name, value, ok := strings.Cut(words[1], "=")
	if !ok || strings.Contains(value, "$") {
		return
	}
	s.values[name] = value
	if line := name + "=" + secret.Value(name, value); !slices.Contains(s.set, line) {
		s.set = append(s.set, line)
	}
}
