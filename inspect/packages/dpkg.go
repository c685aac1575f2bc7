package packages

import (
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

const dpkgDir = "/var/lib/dpkg"

func (c *catalogue) dpkgSection() section.Section {
	return section.Section{
		Name: "dpkg", Source: "/var/lib/dpkg/status, /var/lib/dpkg/status.d, /var/lib/dpkg/info", Oracle: "dpkg-query -W -f", Fill: c.fillDpkg,
	}
}

func (c *catalogue) fillDpkg(ctx context.Context, t *tree.Tree, r *report.Report) error {
	d := c.of(ctx, t, "dpkg")
	r.Dpkg = d.dpkg
	return errors.Join(d.err, d.factsErr)
}

// readDpkg reads the status file, or what images without dpkg have in its place:
// one file a package in status.d.
func readDpkg(_ context.Context, t *tree.Tree, c *catalogue) *database {
	d := &database{manager: "dpkg"}
	list, err := dpkgStanzas(t)
	d.dpkg = list
	for i := range list {
		p := &list[i]
		d.packages = append(d.packages, report.Package{Name: p.Name, Version: p.Version, Arch: p.Arch, Manager: d.manager, State: p.Status})
	}
	if err != nil {
		d.err = err
		return d
	}
	info, err := newDpkgInfo(t)
	if err != nil {
		d.err = err
		return d
	}
	files := &dpkgFileTable{info: info, packages: list}
	d.err = files.add(t, c.owned)
	d.factsErr = info.facts(list)
	d.dpkg = slices.Clone(list) // files count on the order of list
	sortDpkg(d.dpkg)
	d.verify = files.verify
	return d
}

// dpkgStanzas reads the status file, else the files in status.d.
func dpkgStanzas(t *tree.Tree) ([]report.DpkgPackage, error) {
	data, err := t.ReadFile(dpkgDir+"/status", section.MaxDatabase)
	if errors.Is(err, fs.ErrNotExist) {
		return dpkgStatusDir(t)
	}
	if err != nil {
		return nil, err
	}
	list, err := parseDpkgStatus(data)
	if err != nil {
		err = fmt.Errorf("%s/status: %w", dpkgDir, err)
	}
	return list, err
}

func dpkgStatusDir(t *tree.Tree) ([]report.DpkgPackage, error) {
	files, err := t.ReadDir(dpkgDir + "/status.d")
	if err != nil {
		return nil, err
	}
	var all []report.DpkgPackage
	for _, f := range files {
		if f.Node.Type != report.File || strings.HasSuffix(f.Path, ".md5sums") {
			continue
		}
		data, err := f.Read(section.MaxTable)
		if err != nil {
			return all, err
		}
		list, err := parseDpkgStatus(data)
		all = append(all, list...)
		if err != nil {
			return all, fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return all, nil
}
