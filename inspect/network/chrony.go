package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func chrony() section.Section {
	return section.Section{
		Name: "chrony", Source: "/etc/chrony.conf or /etc/chrony/chrony.conf, with confdir, sourcedir and include", Oracle: "chronyd -p",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) (err error) {
			r.Chrony, err = readChrony(t)
			return err
		},
	}
}

func readChrony(t *tree.Tree) (*report.TimeService, error) {
	f, err := t.Lookup("/etc/chrony.conf")
	if errors.Is(err, fs.ErrNotExist) {
		f, err = t.Lookup("/etc/chrony/chrony.conf")
	}
	if err != nil {
		return nil, err
	}
	c := &chronyReader{tree: t, out: &report.TimeService{}}
	c.file(f)
	// chronyd reads directories of sources when all else is read.
	for _, d := range c.sourceDirs[:min(len(c.sourceDirs), section.MaxIncludes)] {
		c.directory(d, "*.sources")
	}
	return c.out, c.err
}

// A chronyReader reads chrony.conf(5).
type chronyReader struct {
	tree       *tree.Tree
	out        *report.TimeService
	includes   section.Includes
	sourceDirs [][]string
	err        error
}

func (c *chronyReader) problem(source string, err error) {
	c.out.Problems = section.AddProblem(c.out.Problems, fmt.Sprintf("%s: %v", source, err))
}

func (c *chronyReader) file(f *tree.File) {
	if err := c.includes.Enter(f.Path, f.Node.Size); err != nil {
		c.problem(f.Path, err)
		return
	}
	defer c.includes.Leave()
	data, err := f.Read(section.MaxConfig)
	if err != nil {
		c.err = cmp.Or(c.err, err)
		return
	}
	c.out.Files = append(c.out.Files, f.Path)
	err = section.EachLine(data, func(n int, line string) error {
		if w := strings.Fields(line); len(w) > 0 && strings.IndexByte("!;#%", w[0][0]) < 0 {
			c.line(w, fmt.Sprintf("%s:%d", f.Path, n))
		}
		return nil
	})
	c.err = cmp.Or(c.err, section.Within(f.Path, err))
}

func (c *chronyReader) line(w []string, source string) {
	kind, args := strings.ToLower(w[0]), w[1:]
	switch kind {
	case "server", "pool", "peer", "refclock":
		if len(args) == 0 {
			c.problem(source, errors.New(kind+" has no address"))
			return
		}
		c.out.Sources = append(c.out.Sources, report.TimeSource{Address: args[0], Kind: kind, Options: strings.Join(args[1:], " "), Source: source})
	case "include", "confdir":
		c.include(kind, args, source)
	case "sourcedir":
		c.sourceDirs = append(c.sourceDirs, args)
		fallthrough
	default:
		c.out.Settings = append(c.out.Settings, report.Setting{Key: kind, Value: strings.Join(args, " "), Source: source})
	}
}

func (c *chronyReader) include(kind string, args []string, source string) {
	if err := c.includes.Ask(); err != nil {
		c.problem(source, err)
		return
	}
	if kind == "confdir" {
		c.directory(args, "*.conf")
		return
	}
	for _, pattern := range args[:min(len(args), 1)] {
		c.matching(pattern, source)
	}
}

func (c *chronyReader) matching(pattern, source string) {
	files, err := c.tree.Glob(pattern)
	if err != nil {
		c.err = cmp.Or(c.err, err)
	}
	if len(files) == 0 {
		c.problem(source, fmt.Errorf("%s is included and not there", pattern))
	}
	c.files(files)
}

// directory reads files of several directories by their names; a name in an earlier directory
// hides it in a later one.
func (c *chronyReader) directory(dirs []string, pattern string) {
	var clean []string
	for _, d := range dirs[:min(len(dirs), 10)] { // chronyd's own bound
		clean = append(clean, literal(path.Clean(d)))
	}
	files, err := section.Dropins(c.tree, pattern, clean...)
	if err != nil {
		c.err = cmp.Or(c.err, err)
	}
	c.files(files)
}

func (c *chronyReader) files(files []*tree.File) {
	for _, f := range files {
		real, err := c.tree.Lookup(f.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			c.err = cmp.Or(c.err, err)
		case real.Node.Type == report.File:
			c.file(real)
		}
	}
}

// has tells whether a key is set, and its last value.
func has(list []report.Setting, key string) (string, bool) {
	for _, s := range slices.Backward(list) {
		if s.Key == key {
			return s.Value, true
		}
	}
	return "", false
}
