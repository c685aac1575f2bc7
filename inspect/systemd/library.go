package systemd

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// A library is the unit files of one scope, each read when it is asked for.
type library struct {
	tree  *tree.Tree
	scope scope
	dirs  []*unitDir
	// names has, of each name, the file in the first directory that has it.
	names map[string]*tree.File
	units map[string]*unit
}

// A unitDir is one directory of units.
type unitDir struct {
	path string // as it is named, and resolved
	real string
	// links are the links in the directory itself, by name; towards has their names by
	// the last part of where they lead.
	links   map[string]string
	towards map[string][]string
	// pulled are the names of the links in directories NAME.wants, NAME.requires and NAME.upholds, and
	// instances those of templates by their template.
	pulled    map[string]bool
	instances map[string][]string
	// pulls are those directories: by their name with the suffix, the names in them.
	pulls map[string][]string
	// dropins are the directories NAME.d.
	dropins map[string]*tree.File
}

// openLibrary lists the directories of a scope.
func openLibrary(t *tree.Tree, sc scope) (*library, error) {
	l := &library{tree: t, scope: sc, names: map[string]*tree.File{}, units: map[string]*unit{}}
	seen := map[string]bool{}
	for _, name := range sc.dirs {
		dir, err := t.Lookup(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if seen[dir.Path] || dir.Node.Type != report.Directory {
			continue
		}
		seen[dir.Path] = true
		d, err := l.list(name, dir)
		if err != nil {
			return nil, err
		}
		l.dirs = append(l.dirs, d)
	}
	return l, nil
}

// list reads one directory's names.
func (l *library) list(name string, dir *tree.File) (*unitDir, error) {
	d := &unitDir{
		path: name, real: dir.Path, links: map[string]string{}, towards: map[string][]string{}, pulled: map[string]bool{},
		instances: map[string][]string{}, pulls: map[string][]string{}, dropins: map[string]*tree.File{},
	}
	files, err := l.tree.ReadDir(name)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		kind := f.Node.Type
		if kind == report.Symlink {
			target := string(f.Node.Target)
			d.links[f.Name()] = target
			d.towards[path.Base(target)] = append(d.towards[path.Base(target)], f.Name())
		}
		if (kind == report.Symlink || kind == report.File) && isUnit(f.Name()) && l.names[f.Name()] == nil {
			l.names[f.Name()] = f
		}
		if err := l.listBelow(d, f); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// listBelow reads a directory that belongs to a unit.
func (l *library) listBelow(d *unitDir, f *tree.File) error {
	ext := path.Ext(f.Name())
	switch ext {
	case ".d", ".wants", ".requires", ".upholds":
	default:
		return nil
	}
	dir, err := l.tree.Lookup(f.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && dir.Node.Type != report.Directory {
		return nil
	}
	if err != nil {
		return err
	}
	if ext == ".d" {
		d.dropins[strings.TrimSuffix(f.Name(), ".d")] = f
		return nil
	}
	links, err := l.tree.ReadDir(dir.Path)
	if err != nil {
		return err
	}
	for _, link := range links {
		d.pulls[f.Name()] = append(d.pulls[f.Name()], link.Name())
		// systemctl looks into real directories and at links only, the manager at all.
		if f.Node.Type == report.Directory && link.Node.Type == report.Symlink {
			d.pulled[link.Name()] = true
			if template := templateOf(link.Name()); isInstance(link.Name()) {
				d.instances[template] = append(d.instances[template], link.Name())
			}
		}
	}
	return nil
}

// find is the file of a name, or of its template.
func (l *library) find(name string) *tree.File {
	f := l.names[name]
	if f == nil && isInstance(name) {
		f = l.names[templateOf(name)]
	}
	return f
}
