package settings

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// maxIncludes bounds how deep files may include each other.
const maxIncludes = 16

func ldSoConf() section.Section {
	return section.Section{
		Name: "ld-so-conf", Source: "/etc/ld.so.conf and what it includes", Oracle: "ldconfig -v",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			if _, err := t.Lookup("/etc/ld.so.conf"); err != nil {
				return err
			}
			return ldSoFile(t, r, "/etc/ld.so.conf", 0)
		},
	}
}

// ldSoFile reads the directories of one file, a word or a line each, and the
// patterns that it includes: ldconfig(8).
func ldSoFile(t *tree.Tree, r *report.Report, name string, depth int) error {
	if depth > maxIncludes {
		return fmt.Errorf("%s: files include each other more than %d deep", name, maxIncludes)
	}
	return section.ReadLines(t, name, func(_ int, line string) error {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(strings.NewReplacer(",", " ", ":", " ").Replace(line))
		if len(words) == 0 || words[0] == "hwcap" {
			return nil
		}
		if words[0] != "include" {
			for _, dir := range words {
				r.LdSoConf = append(r.LdSoConf, report.Setting{Key: dir, Value: "searched", Source: name})
			}
			return bounded(len(r.LdSoConf))
		}
		for _, pattern := range strings.Fields(line)[1:] {
			if !path.IsAbs(pattern) {
				pattern = path.Join(path.Dir(name), pattern)
			}
			files, err := t.Glob(pattern)
			if err != nil {
				return err
			}
			for _, f := range files {
				if err := ldSoFile(t, r, f.Path, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// bounded is an error where a list grows beyond what any system has.
func bounded(n int) error {
	if n > section.MaxRecords {
		return fmt.Errorf("more than %d lines", section.MaxRecords)
	}
	return nil
}
