package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// loaderEntries reads the Boot Loader Specification's type 1 entries of one
// loader directory.
func loaderEntries(t *tree.Tree, dir string, r *report.Report) (bool, error) {
	files, err := t.Glob(dir + "/entries/*.conf")
	if err != nil {
		return false, err
	}
	if len(files) == 0 {
		return false, nil
	}
	choice, err := loaderDefault(t, dir)
	if err != nil {
		return false, err
	}
	for _, f := range files {
		data, err := f.Read(section.MaxConfig)
		if err != nil {
			return false, err
		}
		e, err := parseBLS(data)
		if err != nil {
			return false, fmt.Errorf("%s: %w", f.Path, err)
		}
		e.Source = f.Path
		e.Default = matchesDefault(choice, strings.TrimSuffix(f.Name(), ".conf"))
		r.Boot = append(r.Boot, e)
	}
	return true, nil
}

// parseBLS reads the lines "key value" of one entry. The options of several
// lines are one command line.
func parseBLS(data []byte) (report.BootEntry, error) {
	var e report.BootEntry
	err := section.EachTableLine(data, func(_ int, line string) error {
		key, value := line, ""
		if i := strings.IndexAny(line, " \t"); i >= 0 {
			key, value = line[:i], strings.TrimSpace(line[i:])
		}
		switch key {
		case "title":
			e.Title = value
		case "linux", "efi", "uki":
			e.Linux = value
		case "initrd":
			e.Initrd = strings.TrimSpace(e.Initrd + " " + value)
		case "options":
			e.Options = strings.TrimSpace(e.Options + " " + value)
		}
		return nil
	})
	return e, err
}

// loaderDefault is the pattern that loader.conf chooses by (loader.conf(5)),
// or the id that GRUB's environment saved; "" when nothing says.
func loaderDefault(t *tree.Tree, dir string) (string, error) {
	data, err := t.ReadFile(dir+"/loader.conf", section.MaxConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	choice := ""
	err = section.EachTableLine(data, func(_ int, line string) error {
		if f := strings.Fields(line); f[0] == "default" && len(f) > 1 {
			choice = f[1]
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("%s/loader.conf: %w", dir, err)
	}
	if choice != "" {
		return choice, nil
	}
	env, err := grubEnv(t, path.Dir(dir)+"/grub2/grubenv")
	return env["saved_entry"], err
}

func matchesDefault(choice, id string) bool {
	ok, err := path.Match(strings.TrimSuffix(choice, ".conf"), id)
	return err == nil && ok
}
