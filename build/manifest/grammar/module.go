package grammar

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Kinds of modules.
const (
	Input     = "input"
	Device    = "device"
	Mount     = "mount"
	Source    = "source"
	Stage     = "stage"
	Assembler = "assembler"
)

// A Module is what one of osbuild's modules takes.
type Module struct {
	Kind, Name string
	// parts are the shapes by their labels: "value" of a whole input, mount or
	// source; "options", "options.1", "options.2", "inputs", "devices",
	// "mounts" of the others.
	parts map[string]*Shape
}

// Part is the shape of one part in a version of the manifest, nil when the
// module says nothing of it.
func (m *Module) Part(label, version string) *Shape {
	if s := m.parts[label+"."+version]; s != nil {
		return s
	}
	return m.parts[label]
}

//go:embed osbuild/*.txt
var files embed.FS

// A table is every module that osbuild has. A module's shapes are parsed when
// they are first asked for: most manifests use a few of them.
type table struct {
	modules map[[2]string]func() (*Module, error)
	names   map[string][]string
}

// osbuild reads the table once; it is the same for all.
var osbuild = sync.OnceValues(readTable)

// Lookup finds a module of osbuild's.
func Lookup(kind, name string) (*Module, error) {
	t, err := osbuild()
	if err != nil {
		return nil, err
	}
	module := t.modules[[2]string{kind, name}]
	if module == nil {
		return nil, fmt.Errorf("osbuild has no %s %q%s", kind, name, Suggest(name, t.names[kind]))
	}
	return module()
}

// Names are the names of osbuild's modules of one kind, sorted.
func Names(kind string) ([]string, error) {
	t, err := osbuild()
	if err != nil {
		return nil, err
	}
	return t.names[kind], nil
}

func readTable() (*table, error) {
	text, err := files.ReadFile("osbuild/shared.txt")
	if err != nil {
		return nil, err
	}
	_, shared, err := parseParts(unfold(string(text)), nil)
	if err != nil {
		return nil, fmt.Errorf("osbuild/shared.txt: %w", err)
	}
	t := &table{modules: map[[2]string]func() (*Module, error){}, names: map[string][]string{}}
	for _, name := range []string{"modules", "stages", "assemblers"} {
		text, err := files.ReadFile("osbuild/" + name + ".txt")
		if err != nil {
			return nil, err
		}
		t.add(unfold(string(text)), shared)
	}
	for _, names := range t.names {
		slices.Sort(names)
	}
	return t, nil
}

// add takes the lines of one file: a module's name stands at the start of a
// line, its parts and its own definitions follow, indented.
func (t *table) add(lines []string, shared map[string]*Shape) {
	for len(lines) > 0 {
		kind, name, _ := strings.Cut(lines[0], " ")
		end := 1
		for end < len(lines) && strings.HasPrefix(lines[end], " ") {
			end++
		}
		body := lines[1:end]
		lines = lines[end:]
		t.names[kind] = append(t.names[kind], name)
		t.modules[[2]string{kind, name}] = sync.OnceValues(func() (*Module, error) {
			parts, _, err := parseParts(body, shared)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", kind, name, err)
			}
			return &Module{kind, name, parts}, nil
		})
	}
}

// parseParts reads lines of the forms "LABEL: SHAPE" and "@NAME: SHAPE". A
// definition may use those that stand before it and the outer ones.
func parseParts(lines []string, outer map[string]*Shape) (parts, definitions map[string]*Shape, err error) {
	parts, definitions = map[string]*Shape{}, map[string]*Shape{}
	maps.Copy(definitions, outer)
	for _, line := range lines {
		label, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
		shape, err := Parse(text, definitions)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", label, err)
		}
		if name, ok := strings.CutPrefix(label, "@"); ok {
			definitions[name] = shape
		} else {
			parts[label] = shape
		}
	}
	return parts, definitions, nil
}

// unfold drops comments and empty lines and joins those that go on: they are
// indented by four spaces and more.
func unfold(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "    ") && len(lines) > 0:
			lines[len(lines)-1] += " " + strings.TrimSpace(line)
		default:
			lines = append(lines, line)
		}
	}
	return lines
}
