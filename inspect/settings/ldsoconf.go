package settings

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

func ldSoConf() section.Section {
	return section.Section{
		Name: "ld-so-conf", Source: "/etc/ld.so.conf and what it includes", Oracle: "ldconfig -v",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			f, err := t.Lookup("/etc/ld.so.conf")
			if err != nil {
				return err
			}
			l := &ldSo{tree: t, out: r}
			return l.file(f, "/etc/ld.so.conf")
		},
	}
}

// An ldSo reads the files of ldconfig(8).
type ldSo struct {
	tree     *tree.Tree
	out      *report.Report
	includes section.Includes
}

// file reads the directories of one file, a word or a line each, and the patterns that
// it includes.
func (l *ldSo) file(f *tree.File, name string) error {
	if err := l.includes.Enter(f.Path, f.Node.Size); err != nil {
		return err
	}
	defer l.includes.Leave()
	return section.ReadLines(l.tree, name, func(_ int, line string) error {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(strings.NewReplacer(",", " ", ":", " ").Replace(line))
		if len(words) == 0 || words[0] == "hwcap" {
			return nil
		}
		if words[0] == "include" {
			return l.include(name, strings.Fields(line)[1:])
		}
		for _, dir := range words {
			l.out.LdSoConf = append(l.out.LdSoConf, report.Setting{Key: dir, Value: "searched", Source: name})
		}
		return bounded(len(l.out.LdSoConf))
	})
}

// include reads what the patterns match, in their order.
func (l *ldSo) include(name string, patterns []string) error {
	for _, pattern := range patterns {
		if err := l.includes.Ask(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !path.IsAbs(pattern) {
			pattern = path.Join(path.Dir(name), pattern)
		}
		files, err := l.tree.Glob(pattern)
		if err != nil {
			return err
		}
		for _, f := range files {
			to, err := l.tree.Lookup(f.Path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = l.file(to, f.Path)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// bounded is an error where a list grows beyond what any system has.
func bounded(n int) error {
	if n > section.MaxRecords {
		return fmt.Errorf("more than %d lines", section.MaxRecords)
	}
	return nil
}
