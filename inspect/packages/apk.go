package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// apkDatabases are where apk's list lies: since Alpine 3.22's merge of /usr, and before.
func apkDatabases() []string { return []string{"/usr/lib/apk/db/installed", "/lib/apk/db/installed"} }

// readAPK reads the list of installed packages: a line is a letter, a colon and a value, an empty
// line ends a package (apk's index format v2). P is the name, V the version, A the architecture, F
// a directory, R a file in it.
func readAPK(_ context.Context, t *tree.Tree, c *catalogue) *database {
	d := &database{manager: "apk"}
	var data []byte
	name := ""
	d.err = fs.ErrNotExist
	for _, name = range apkDatabases() {
		if data, d.err = t.ReadFile(name, section.MaxDatabase); !errors.Is(d.err, fs.ErrNotExist) {
			break
		}
	}
	if d.err != nil {
		return d
	}
	list, err := parseAPK(data, c.owned)
	if err != nil {
		d.err = fmt.Errorf("%s: %w", name, err)
		return d
	}
	d.packages = list
	return d
}

func parseAPK(data []byte, owned *claims) ([]report.Package, error) {
	var list []report.Package
	var p report.Package
	dir := ""
	end := func() error {
		if p == (report.Package{}) {
			return nil
		}
		if p.Name == "" {
			return errors.New("the stanza before it names no package")
		}
		p.Manager = "apk"
		list = append(list, p)
		p, dir = report.Package{}, ""
		return nil
	}
	err := section.EachLine(data, func(_ int, line string) error {
		if line == "" {
			return end()
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("%.60q is no letter and value", line)
		}
		switch key {
		case "P":
			p.Name = text(value)
			owned.newPackage(p.Name)
		case "V":
			p.Version = text(value)
		case "A":
			p.Arch = text(value)
		case "F", "R":
			if p.Name == "" {
				return errors.New("a file before its package's name")
			}
			at := path.Join("/", dir, value)
			if key == "F" {
				dir, at = value, path.Join("/", value)
			}
			_, err := owned.claim(at)
			return err
		}
		return nil
	})
	if err == nil {
		err = end()
	}
	return list, err
}
