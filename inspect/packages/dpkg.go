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

const dpkgDir = "/var/lib/dpkg"

// dpkg reads the status file, or what images without dpkg have in its place:
// one file a package in status.d.
func dpkg(_ context.Context, t *tree.Tree, r *report.Report) error {
	data, err := t.ReadFile(dpkgDir+"/status", section.MaxDatabase)
	if errors.Is(err, fs.ErrNotExist) {
		return dpkgStatusDir(t, r)
	}
	if err != nil {
		return err
	}
	list, err := parseDpkgStatus(data)
	r.Packages = append(r.Packages, list...)
	if err != nil {
		return fmt.Errorf("%s/status: %w", dpkgDir, err)
	}
	return dpkgOwners(t, list)
}

func dpkgStatusDir(t *tree.Tree, r *report.Report) error {
	files, err := t.ReadDir(dpkgDir + "/status.d")
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Node.Type != report.File || strings.HasSuffix(f.Path, ".md5sums") {
			continue
		}
		data, err := f.Read(section.MaxTable)
		if err != nil {
			return err
		}
		list, err := parseDpkgStatus(data)
		r.Packages = append(r.Packages, list...)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return nil
}

// parseDpkgStatus reads the stanzas of deb-control(5)'s form: a package for
// each, those included of which only the configuration is left.
func parseDpkgStatus(data []byte) ([]report.Package, error) {
	var list []report.Package
	var p report.Package
	end := func() error {
		if p == (report.Package{}) {
			return nil
		}
		if p.Name == "" {
			return errors.New("the stanza before it names no package")
		}
		p.Manager = "dpkg"
		list = append(list, p)
		p = report.Package{}
		return nil
	}
	err := section.EachLine(data, func(_ int, line string) error {
		if strings.TrimSpace(line) == "" {
			return end()
		}
		if line[0] == ' ' || line[0] == '\t' || line[0] == '#' {
			return nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("%.60q is not a field", line)
		}
		setDpkgField(&p, name, strings.TrimSpace(value))
		return nil
	})
	if err == nil {
		err = end()
	}
	return list, err
}

func setDpkgField(p *report.Package, name, value string) {
	switch strings.ToLower(name) {
	case "package":
		p.Name = value
	case "version":
		p.Version = value
	case "architecture":
		p.Arch = value
	case "status":
		p.State = value
	}
}
