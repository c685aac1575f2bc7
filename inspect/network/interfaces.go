package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

const interfacesFile = "/etc/network/interfaces"

func interfaces() section.Section {
	return section.Section{
		Name: "interfaces", Source: interfacesFile + " and what it sources", Oracle: "ifquery",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			f, err := t.Lookup(interfacesFile)
			if err != nil {
				return err
			}
			i := &ifupdown{tree: t, out: &report.Interfaces{}}
			r.Interfaces = i.out
			i.file(f, interfacesFile)
			return i.err
		},
	}
}

// An ifupdown reads interfaces(5).
type ifupdown struct {
	tree     *tree.Tree
	out      *report.Interfaces
	includes section.Includes
	// stanza says that lines are options of the last one.
	stanza bool
	err    error
}

func (i *ifupdown) problem(source string, err error) {
	i.out.Problems = section.AddProblem(i.out.Problems, fmt.Sprintf("%s: %v", source, err))
}

func (i *ifupdown) file(f *tree.File, source string) {
	if f.Node.Type != report.File {
		i.problem(source, fmt.Errorf("%s is a %s", f.Path, f.Node.Type))
		return
	}
	if err := i.includes.Enter(f.Path, f.Node.Size); err != nil {
		i.problem(source, err)
		return
	}
	defer i.includes.Leave()
	i.stanza = false
	defer func() { i.stanza = false }()
	data, err := f.Read(section.MaxConfig)
	if err != nil {
		i.err = cmp.Or(i.err, err)
		return
	}
	i.out.Files = append(i.out.Files, f.Path)
	err = section.EachContinued(data, "", func(n int, line string) error {
		if f2 := strings.Fields(line); len(f2) > 0 && f2[0][0] != '#' {
			i.line(f2, path.Dir(f.Path), fmt.Sprintf("%s:%d", f.Path, n))
		}
		return nil
	})
	i.err = cmp.Or(i.err, section.Within(f.Path, err))
}

// line reads one line; dir is its file's directory.
func (i *ifupdown) line(f []string, dir, source string) {
	keyword, args := f[0], f[1:]
	switch {
	case keyword == "auto" || keyword == "allow-auto":
		i.out.Auto, i.stanza = append(i.out.Auto, args...), false
	case keyword == "allow-hotplug":
		i.out.Hotplug, i.stanza = append(i.out.Hotplug, args...), false
	case strings.HasPrefix(keyword, "allow-"):
		i.out.Allow, i.stanza = append(i.out.Allow, strings.Join(f, " ")), false
	case keyword == "no-auto-down" || keyword == "no-scripts" || keyword == "rename" || keyword == "template":
		i.out.Allow, i.stanza = append(i.out.Allow, strings.Join(f, " ")), false
	case keyword == "iface" || keyword == "mapping":
		i.begin(keyword, args, source)
	case keyword == "source" || keyword == "source-directory":
		i.stanza = false
		for _, pattern := range args {
			i.source(keyword, pattern, dir, source)
		}
	case i.stanza:
		s := &i.out.Stanzas[len(i.out.Stanzas)-1]
		s.Options = append(s.Options, strings.TrimSpace(keyword+" "+secret.Value(keyword, strings.Join(args, " "))))
	default:
		i.problem(source, fmt.Errorf("%.60q stands in no stanza", strings.Join(f, " ")))
	}
}

// begin begins "iface NAME FAMILY METHOD", "iface NAME inherits OTHER" or "mapping PATTERN…".
func (i *ifupdown) begin(keyword string, args []string, source string) {
	i.stanza = len(args) > 0
	if !i.stanza {
		i.problem(source, fmt.Errorf("%s has no name", keyword))
		return
	}
	s := report.InterfaceStanza{Name: args[0], Method: keyword, Source: source}
	switch {
	case keyword == "mapping":
		s.Name = strings.Join(args, " ")
	case len(args) == 3 && args[1] != "inherits":
		s.Family, s.Method = args[1], args[2]
	default:
		s.Method = strings.Join(args[1:], " ")
	}
	i.out.Stanzas = append(i.out.Stanzas, s)
}

// source reads what a pattern of a file or of a directory's name matches. In a directory files
// count whose names are letters, digits, "_" and "-": run-parts(8).
func (i *ifupdown) source(keyword, pattern, dir, source string) {
	if err := i.includes.Ask(); err != nil {
		i.problem(source, err)
		return
	}
	if !strings.HasPrefix(pattern, "/") {
		pattern = dir + "/" + pattern
	}
	if keyword == "source-directory" {
		pattern = strings.TrimRight(pattern, "/") + "/*"
	}
	files, err := i.tree.Glob(pattern)
	if err != nil {
		if errors.Is(err, tree.ErrUnread) {
			i.err = cmp.Or(i.err, err)
		}
		i.problem(source, err)
		return
	}
	for _, f := range files {
		if keyword == "source-directory" && !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(f.Name()) {
			continue
		}
		i.sourced(f, source)
	}
}

func (i *ifupdown) sourced(f *tree.File, source string) {
	real, err := i.tree.Lookup(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		i.problem(source, err)
	case err != nil:
		i.err = cmp.Or(i.err, err)
	case real.Node.Type != report.Directory:
		i.file(real, source)
	}
}
