package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	sudo "github.com/assay-os/assay/inspect/accounts/sudoers"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

const sudoersFile = "/etc/sudoers"

func sudoers() section.Section {
	return section.Section{
		Name: "sudoers", Source: "/etc/sudoers and what it includes", Oracle: "cvtsudoers -f json, cvtsudoers -f sudoers",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			f, err := t.Lookup(sudoersFile)
			if err != nil {
				return err
			}
			s := &sudoReader{tree: t, out: &report.Sudoers{}}
			r.Sudoers = s.out
			s.file(f, sudoersFile)
			return s.err
		},
	}
}

type sudoReader struct {
	tree     *tree.Tree
	out      *report.Sudoers
	includes section.Includes
	// err is the first file that sudo would read and this reader could not.
	err error
}

func (s *sudoReader) problem(source string, err error) {
	s.out.Problems = section.AddProblem(s.out.Problems, fmt.Sprintf("%s: %v", source, err))
}

// file reads one file where source names it. sudo leaves out a file that others
// could have written.
func (s *sudoReader) file(f *tree.File, source string) {
	if err := s.includes.Enter(f.Path, f.Node.Size); err != nil {
		s.problem(source, err)
		return
	}
	defer s.includes.Leave()
	if err := secure(f); err != nil {
		s.problem(source, err)
		return
	}
	data, err := f.Read(section.MaxConfig)
	var parsed *sudo.File
	if err == nil {
		parsed, err = sudo.Parse(data, f.Path)
		err = section.Within(f.Path, err)
	}
	s.err = cmp.Or(s.err, err)
	if parsed == nil {
		return
	}
	s.out.Files = append(s.out.Files, report.ConfigText{Path: f.Path, Lines: append([]string{}, parsed.Lines...)})
	for _, p := range parsed.Problems {
		s.out.Problems = section.AddProblem(s.out.Problems, p)
	}
	for _, item := range parsed.Items {
		s.out.Rules = append(s.out.Rules, item.Rules...)
		s.out.Defaults = append(s.out.Defaults, item.Defaults...)
		s.out.Aliases = append(s.out.Aliases, item.Aliases...)
		if item.Include != "" {
			s.include(item, path.Dir(f.Path))
		}
	}
}

// secure tells why sudo would not trust a file: sudo_secure_file.
func secure(f *tree.File) error {
	mode := uint32(f.Node.Mode)
	switch {
	case f.Node.Type != report.File:
		return fmt.Errorf("%s is a %s", f.Path, f.Node.Type)
	case f.Node.UID != 0:
		return fmt.Errorf("%s is left out: its owner is %d, not root", f.Path, f.Node.UID)
	case mode&0o002 != 0:
		return fmt.Errorf("%s is left out: all may write to it", f.Path)
	case mode&0o020 != 0 && f.Node.GID != 0:
		return fmt.Errorf("%s is left out: group %d may write to it", f.Path, f.Node.GID)
	}
	return nil
}

// include reads a file or a directory; "%h" would be the host's name, and is not known.
func (s *sudoReader) include(item sudo.Item, dir string) {
	if err := s.includes.Ask(); err != nil {
		s.problem(item.Source, err)
		return
	}
	name := item.Include
	if !strings.HasPrefix(name, "/") {
		name = dir + "/" + name
	}
	if strings.Contains(name, "%h") {
		s.problem(item.Source, fmt.Errorf("%s depends on the host's name", name))
		return
	}
	f, err := s.tree.Lookup(name)
	if errors.Is(err, fs.ErrNotExist) {
		if !item.Directory { // sudo does not mind a directory that is not there
			s.problem(item.Source, err)
		}
		return
	}
	if err != nil {
		s.err = cmp.Or(s.err, err)
		return
	}
	if !item.Directory {
		s.file(f, item.Source)
		return
	}
	s.directory(f, item.Source)
}

// directory reads files in the order of their names, but those with a dot in the name or
// "~" at its end.
func (s *sudoReader) directory(dir *tree.File, source string) {
	files, err := s.tree.ReadDir(dir.Path)
	if err != nil {
		s.err = cmp.Or(s.err, err)
		return
	}
	slices.SortFunc(files, func(a, b *tree.File) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, f := range files {
		if strings.Contains(f.Name(), ".") || strings.HasSuffix(f.Name(), "~") {
			continue
		}
		target, err := s.tree.Lookup(f.Path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && target.Node.Type != report.File {
			continue
		}
		if err != nil {
			s.err = cmp.Or(s.err, err)
			continue
		}
		s.file(target, source)
	}
}
