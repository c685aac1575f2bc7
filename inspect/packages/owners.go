package packages

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

// A diversion is where dpkg puts a file that another package took the place
// of: dpkg-divert(1).
type diversion struct{ to, by string }

// dpkgOwners marks what each package's list of files names. Directories have
// many owners, and get none.
func dpkgOwners(t *tree.Tree, list []report.Package) error {
	diverted, err := diversions(t)
	if err != nil {
		return err
	}
	o := newOwner(t)
	for i := range list {
		p := &list[i]
		data, err := dpkgList(t, p)
		if errors.Is(err, fs.ErrNotExist) {
			// A package that is not unpacked has no list.
			continue
		}
		if err != nil {
			return err
		}
		err = section.EachLine(data, func(_ int, name string) error {
			if d, ok := diverted[name]; ok && d.by != p.Name {
				name = d.to
			}
			return o.own(name, p.Name)
		})
		if err != nil {
			return fmt.Errorf("%s/info/%s.list: %w", dpkgDir, p.Name, err)
		}
	}
	return nil
}

// dpkgList reads a package's list; that of a Multi-Arch: same package has the
// architecture in its name.
func dpkgList(t *tree.Tree, p *report.Package) ([]byte, error) {
	if strings.Contains(p.Name+p.Arch, "/") {
		return nil, fmt.Errorf("package %.60q: a slash in its name", p.Name)
	}
	base := dpkgDir + "/info/" + p.Name
	data, err := t.ReadFile(base+":"+p.Arch+".list", section.MaxTable)
	if errors.Is(err, fs.ErrNotExist) {
		return t.ReadFile(base+".list", section.MaxTable)
	}
	return data, err
}

// An owner marks which package a file belongs to. Packages name /bin/x where
// the tree has /usr/bin/x, so directories are looked up as the image would,
// each once.
type owner struct {
	t    *tree.Tree
	dirs map[string]*tree.File
}

func newOwner(t *tree.Tree) *owner { return &owner{t: t, dirs: map[string]*tree.File{}} }

// own marks the file at name. One that is listed and not there is for package
// verification to tell.
func (o *owner) own(name, pkg string) error {
	if !strings.HasPrefix(name, "/") {
		return fmt.Errorf("%.60q is not an absolute path", name)
	}
	f := o.t.Find(name)
	if f == nil {
		dir := o.dir(path.Dir(name))
		if dir == nil {
			return nil
		}
		if f = o.t.Find(tree.Join(dir.Path, path.Base(name))); f == nil {
			return nil
		}
	}
	if f.Node.Type != report.Directory && f.Node.Package == "" {
		f.Node.Package = pkg
	}
	return nil
}

// dir is what name leads to, nil where it leads nowhere.
func (o *owner) dir(name string) *tree.File {
	dir, known := o.dirs[name]
	if !known {
		dir, _ = o.t.Lookup(name)
		o.dirs[name] = dir
	}
	return dir
}

// diversions reads the triples of lines: from, to, the package that diverted.
func diversions(t *tree.Tree) (map[string]diversion, error) {
	data, err := t.ReadFile(dpkgDir+"/diversions", section.MaxTable)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m := map[string]diversion{}
	var triple []string
	err = section.EachLine(data, func(_ int, line string) error {
		if triple = append(triple, line); len(triple) == 3 {
			m[triple[0]] = diversion{to: triple[1], by: triple[2]}
			triple = triple[:0]
		}
		return nil
	})
	if err == nil && len(triple) > 0 {
		err = errors.New("its last record has less than three lines")
	}
	if err != nil {
		return nil, fmt.Errorf("%s/diversions: %w", dpkgDir, err)
	}
	return m, nil
}
