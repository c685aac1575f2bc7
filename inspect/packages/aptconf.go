package packages

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
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func apt() section.Section {
	return section.Section{Name: "apt", Source: "/etc/apt/apt.conf.d, /etc/apt/apt.conf", Oracle: "apt-config dump", Fill: fillAPT}
}

// fillAPT reads the settings in apt's order: apt.conf(5).
func fillAPT(_ context.Context, t *tree.Tree, r *report.Report) error {
	files, err := aptFiles(t)
	if err != nil {
		return err
	}
	c := &aptConf{t: t}
	var trouble error
	for _, f := range files {
		trouble = firstError(trouble, c.readFile(f, 0))
	}
	for _, s := range c.settings {
		if secret.Named(path.Base(strings.ReplaceAll(strings.TrimSuffix(s.Name, "::"), "::", "/"))) {
			s.Value = secret.Present
		}
		s.Value = publicURL(s.Value)
		r.APT = append(r.APT, s)
	}
	slices.SortStableFunc(r.APT, func(a, b report.APTSetting) int { return cmp.Compare(a.Name, b.Name) })
	return trouble
}

// aptFiles are the parts, of which only names without a suffix or with ".conf" count, and the
// file that comes last.
func aptFiles(t *tree.Tree) ([]*tree.File, error) {
	parts, err := t.ReadDir("/etc/apt/apt.conf.d")
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return nil, err
	}
	var files []*tree.File
	for _, f := range parts {
		name := strings.TrimSuffix(f.Name(), ".conf")
		if strings.ContainsFunc(name, func(c rune) bool { return !strings.ContainsRune("-_", c) && !isAlphanumeric(c) }) {
			continue
		}
		if to, err := t.Lookup(f.Path); err == nil && to.Node.Type == report.File {
			files = append(files, to)
		}
	}
	last, err := t.Lookup("/etc/apt/apt.conf")
	if errors.Is(err, fs.ErrNotExist) {
		if missing {
			return nil, err
		}
		return files, nil
	}
	if err != nil {
		return nil, err
	}
	return append(files, last), nil
}

func isAlphanumeric(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// An aptConf is what was set so far.
type aptConf struct {
	t        *tree.Tree
	settings []report.APTSetting
}

// The bounds of what files may set and include.
const (
	maxAptSettings = 5_000
	maxAptIncludes = 10
	maxAptBlocks   = 100
)

func (c *aptConf) readFile(f *tree.File, depth int) error {
	data, err := f.Read(section.MaxConfig)
	if err == nil {
		err = c.parse(string(data), depth)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	return nil
}

// set sets a name, whose case does not count, or adds to a list.
func (c *aptConf) set(name, value string) error {
	name, value = text(name), text(value)
	if !strings.HasSuffix(name, "::") {
		for i := range c.settings {
			if strings.EqualFold(c.settings[i].Name, name) {
				c.settings[i].Value = value
				return nil
			}
		}
	}
	if len(c.settings) == maxAptSettings {
		return fmt.Errorf("more than %d settings", maxAptSettings)
	}
	c.settings = append(c.settings, report.APTSetting{Name: name, Value: value})
	return nil
}

// clear takes back a name and all below it.
func (c *aptConf) clear(name string) {
	name = strings.ToLower(strings.TrimSuffix(name, "::"))
	c.settings = slices.DeleteFunc(c.settings, func(s report.APTSetting) bool {
		at := strings.ToLower(s.Name)
		return at == name || strings.HasPrefix(at, name+"::")
	})
}

// parse reads statements: a name and a value, or a name and a block of further statements; a
// value alone is an element of the block's list.
func (c *aptConf) parse(data string, depth int) error {
	l := &aptLexer{rest: data, line: 1}
	var parents []string
	var words []aptWord
	for {
		w, err := l.next()
		if err != nil {
			return fmt.Errorf("line %d: %w", l.line, err)
		}
		switch {
		case w.mark == 0 && w.end:
			if len(parents) > 0 || len(words) > 0 {
				return fmt.Errorf("line %d: it ends within a statement", l.line)
			}
			return nil
		case w.mark == 0:
			words = append(words, w)
			continue
		case w.mark == '{':
			parents, err = c.open(parents, words)
		case w.mark == '}':
			if err = c.statement(parents, words, depth); err == nil && len(parents) == 0 {
				err = errors.New("a block is closed that is not open")
			}
			parents = parents[:max(0, len(parents)-1)]
		default:
			err = c.statement(parents, words, depth)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", l.line, err)
		}
		words = words[:0]
	}
}

// open begins a block; it may have a value of its own.
func (c *aptConf) open(parents []string, words []aptWord) ([]string, error) {
	if len(words) == 0 || len(words) > 2 {
		return parents, errors.New("a block without a name")
	}
	if len(parents) == maxAptBlocks {
		return parents, fmt.Errorf("more than %d blocks in each other", maxAptBlocks)
	}
	parents = append(parents, words[0].text)
	if len(words) == 2 {
		return parents, c.set(strings.Join(parents, "::"), words[1].text)
	}
	return parents, nil
}

// statement takes one statement.
func (c *aptConf) statement(parents []string, words []aptWord, depth int) error {
	prefix := ""
	for _, p := range parents {
		prefix += p + "::"
	}
	switch {
	case len(words) == 0:
		return nil
	case words[0].text == "#clear":
		for _, w := range words[1:] {
			c.clear(prefix + w.text)
		}
		return nil
	case words[0].text == "#include" && len(words) == 2:
		return c.include(words[1].text, depth)
	case len(words) == 1:
		if prefix == "" {
			return fmt.Errorf("%.60q has no value", words[0].text)
		}
		return c.set(prefix, words[0].text)
	case len(words) == 2:
		return c.set(prefix+words[0].text, words[1].text)
	}
	return fmt.Errorf("%.60q has more than one value", words[0].text)
}

// include reads another file, or the files of a directory.
func (c *aptConf) include(name string, depth int) error {
	if depth == maxAptIncludes {
		return fmt.Errorf("more than %d files include each other", maxAptIncludes)
	}
	f, err := c.t.Lookup(name)
	if err != nil {
		return err
	}
	if f.Node.Type != report.Directory {
		return c.readFile(f, depth+1)
	}
	files, err := c.t.ReadDir(f.Path)
	for _, f := range files {
		if f.Node.Type == report.File {
			err = errors.Join(err, c.readFile(f, depth+1))
		}
	}
	return err
}
