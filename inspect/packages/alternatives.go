package packages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func alternatives() section.Section {
	return section.Section{
		Name: "alternatives", Source: "/var/lib/dpkg/alternatives, /var/lib/alternatives, /etc/alternatives", Oracle: "update-alternatives --query", Fill: fillAlternatives,
	}
}

// alternativesDirs are the databases of dpkg's and of chkconfig's program.
func alternativesDirs() []string { return []string{dpkgDir + "/alternatives", "/var/lib/alternatives"} }

func fillAlternatives(_ context.Context, t *tree.Tree, r *report.Report) error {
	found := false
	var trouble error
	for _, dir := range alternativesDirs() {
		files, err := t.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		found = true
		trouble = firstError(trouble, err)
		for _, f := range files {
			if f.Node.Type != report.File {
				continue
			}
			a, err := readAlternative(t, f)
			if err != nil {
				trouble = firstError(trouble, fmt.Errorf("%s: %w", f.Path, err))
				continue
			}
			r.Alternatives = append(r.Alternatives, *a)
		}
	}
	slices.SortStableFunc(r.Alternatives, func(a, b report.Alternative) int { return cmp.Compare(a.Name, b.Name) })
	if !found {
		return section.Absent("no database of alternatives")
	}
	return trouble
}

// readAlternative reads one file of a database: update-alternatives(1), FILES.
func readAlternative(t *tree.Tree, f *tree.File) (*report.Alternative, error) {
	data, err := f.Read(section.MaxConfig)
	if err != nil {
		return nil, err
	}
	a, err := parseAlternative(data)
	if err != nil {
		return nil, err
	}
	a.Name = text(f.Name())
	if link := t.Find("/etc/alternatives/" + f.Name()); link != nil && link.Node.Type == report.Symlink {
		a.Value = link.Node.Target
	}
	best := -1
	for i, c := range a.Choices {
		if _, err := t.Lookup(string(c.Path)); errors.Is(err, fs.ErrNotExist) {
			continue // as the program does, which then forgets it
		}
		if best < 0 || c.Priority > a.Choices[best].Priority {
			best = i
		}
	}
	if best >= 0 {
		a.Best = a.Choices[best].Path
	}
	return a, nil
}

// An altLines gives the lines of a database's file.
type altLines struct{ lines []string }

func (l *altLines) next() (string, error) {
	if len(l.lines) == 0 {
		return "", errors.New("it ends too early")
	}
	line := l.lines[0]
	l.lines = l.lines[1:]
	return line, nil
}

// parseAlternative reads the mode, the link, pairs of a slave's name and link up to an empty line,
// and for each choice its path, its priority and the slaves' paths.
func parseAlternative(data []byte) (*report.Alternative, error) {
	l := &altLines{}
	if err := section.EachLine(data, func(_ int, line string) error {
		l.lines = append(l.lines, line)
		return nil
	}); err != nil {
		return nil, err
	}
	mode, err := l.next()
	link, err2 := l.next()
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	if mode != "auto" && mode != "manual" {
		return nil, fmt.Errorf("line 1: %.40q is neither auto nor manual", mode)
	}
	a := &report.Alternative{Mode: mode, Link: report.Raw(link)}
	for {
		name, err := l.next()
		if err != nil {
			return nil, err
		}
		if name == "" {
			break
		}
		link, err := l.next()
		if err != nil {
			return nil, err
		}
		a.Slaves = append(a.Slaves, report.AlternativeSlave{Name: text(name), Link: report.Raw(link)})
	}
	for len(l.lines) > 0 && l.lines[0] != "" {
		c, err := l.choice(a.Slaves)
		if err != nil {
			return nil, err
		}
		a.Choices = append(a.Choices, c)
	}
	slices.SortStableFunc(a.Slaves, func(x, y report.AlternativeSlave) int { return cmp.Compare(x.Name, y.Name) })
	slices.SortStableFunc(a.Choices, func(x, y report.AlternativeChoice) int { return cmp.Compare(x.Path, y.Path) })
	return a, nil
}

func (l *altLines) choice(slaves []report.AlternativeSlave) (c report.AlternativeChoice, err error) {
	path, err := l.next()
	words, err2 := l.next()
	if err := errors.Join(err, err2); err != nil {
		return c, err
	}
	c.Path = report.Raw(path)
	if rest, ok := strings.CutPrefix(words, "@"); ok { // chkconfig's "@family@priority"
		c.Family, words, _ = strings.Cut(rest, "@")
		c.Family = text(c.Family)
	}
	priority, _, _ := strings.Cut(words, " ")
	if c.Priority, err = strconv.Atoi(priority); err != nil {
		return c, fmt.Errorf("priority of %.60q: %w", path, err)
	}
	for _, s := range slaves {
		line, err := l.next()
		if err != nil {
			return c, err
		}
		if line == "" {
			continue
		}
		if c.Slaves == nil {
			c.Slaves = map[string]report.Raw{}
		}
		c.Slaves[s.Name] = report.Raw(line)
	}
	return c, nil
}
