package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

const pacmanDir = "/var/lib/pacman/local"

// readPacman reads a directory a package: desc says what it is, files what it owns, both as
// "%KEY%" and lines below it up to an empty one.
func readPacman(_ context.Context, t *tree.Tree, c *catalogue) *database {
	d := &database{manager: "pacman"}
	dirs, err := t.ReadDir(pacmanDir)
	if err != nil {
		d.err = err
		return d
	}
	for _, dir := range dirs {
		if dir.Node.Type != report.Directory {
			continue // ALPM_DB_VERSION
		}
		p, err := readPacmanPackage(t, dir.Path, c.owned)
		if err != nil {
			d.err, d.packages = err, nil
			return d
		}
		d.packages = append(d.packages, p)
	}
	return d
}

func readPacmanPackage(t *tree.Tree, dir string, owned *claims) (report.Package, error) {
	p := report.Package{Manager: "pacman"}
	err := eachPacman(t, dir+"/desc", func(key, line string) error {
		switch key {
		case "NAME":
			p.Name = text(line)
		case "VERSION":
			p.Version = text(line)
		case "ARCH":
			p.Arch = text(line)
		}
		return nil
	})
	if err == nil && p.Name == "" {
		err = fmt.Errorf("%s/desc names no package", dir)
	}
	if err != nil {
		return p, err
	}
	owned.newPackage(p.Name)
	err = eachPacman(t, dir+"/files", func(key, line string) error {
		if key != "FILES" {
			return nil
		}
		_, err := owned.claim("/" + line)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // a package without files
	}
	return p, err
}

// eachPacman calls fn for each line below a key.
func eachPacman(t *tree.Tree, name string, fn func(key, line string) error) error {
	data, err := t.ReadFile(name, section.MaxTable)
	if err != nil {
		return err
	}
	key := ""
	err = section.EachLine(data, func(_ int, line string) error {
		switch {
		case line == "":
			key = ""
		case key == "" && strings.HasPrefix(line, "%") && strings.HasSuffix(line, "%"):
			key = strings.Trim(line, "%")
		case key == "":
			return fmt.Errorf("%.60q is below no key", line)
		default:
			return fn(key, line)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
