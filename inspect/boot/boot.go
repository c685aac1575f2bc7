package boot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func boot() section.Section {
	return section.Section{
		Name: "boot", Source: "grub.cfg and grubenv in /boot/grub, /boot/grub2; loader/entries/*.conf in /boot, /efi, /boot/efi", Oracle: "",
		Fill: inspectBoot,
	}
}

func inspectBoot(_ context.Context, t *tree.Tree, r *report.Report) error {
	found := false
	for _, dir := range []string{"/boot/grub", "/boot/grub2"} {
		ok, err := grubEntries(t, dir, r)
		if err != nil {
			return err
		}
		found = found || ok
	}
	for _, dir := range []string{"/boot", "/efi", "/boot/efi"} {
		ok, err := loaderEntries(t, dir+"/loader", r)
		if err != nil {
			return err
		}
		found = found || ok
	}
	if !found {
		return section.Absent("no grub.cfg and no loader entry")
	}
	slices.SortStableFunc(r.Boot, func(a, b report.BootEntry) int { return cmp.Compare(a.Source, b.Source) })
	return nil
}

// Entries are the tree's boot entries, for sections of other packages: that
// of this package may not be asked for.
func Entries(ctx context.Context, t *tree.Tree) ([]report.BootEntry, error) {
	var r report.Report
	err := inspectBoot(ctx, t, &r)
	var none section.Absent
	if errors.As(err, &none) {
		return nil, nil
	}
	return r.Boot, err
}

// grubEntries reads the configuration of one directory.
func grubEntries(t *tree.Tree, dir string, r *report.Report) (bool, error) {
	name := dir + "/grub.cfg"
	data, err := t.ReadFile(name, section.MaxTable)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	env, err := grubEnv(t, dir+"/grubenv")
	if err != nil {
		return false, err
	}
	list, err := parseGrub(data, env)
	for i := range list {
		list[i].Source = name
	}
	r.Boot = append(r.Boot, list...)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return true, nil
}

// grubEnv reads the variables of a grubenv block; there need not be one.
func grubEnv(t *tree.Tree, name string) (map[string]string, error) {
	data, err := t.ReadFile(name, section.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	err = section.EachTableLine(data, func(_ int, line string) error {
		if k, v, ok := strings.Cut(line, "="); ok {
			env[k] = v
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return env, nil
}
