package manifest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Check reports what osbuild reads without complaint and what nobody can
// build: names that cannot be directories, options that are JSON for Python
// only, and in version 1 content that no source has.
func Check(m *Manifest) Problems {
	c := checker{}
	if m.Version == "1" {
		c.content = content(m)
	}
	for _, p := range m.Pipelines {
		c.component(p.Path, "pipeline", p.Name)
		for _, s := range p.Steps {
			c.step(s)
		}
	}
	return c.problems
}

type checker struct {
	// content is what the sources have; nil when that is not to be checked.
	content  map[string]bool
	problems Problems
}

func content(m *Manifest) map[string]bool {
	all := map[string]bool{}
	for _, s := range m.Sources {
		for _, item := range s.Items {
			all[item.ID] = true
		}
	}
	return all
}

func (c *checker) fail(path Path, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) step(s *Step) {
	c.portable(s.Path, s.Options)
	for _, in := range s.Inputs {
		c.component(in.Path, "input", in.Name)
		c.input(in)
	}
	for _, d := range s.Devices {
		c.component(d.Path, "device", d.Name)
		c.portable(d.Path, d.Options)
	}
	for _, m := range s.Mounts {
		c.component(m.Path, "mount", m.Name)
		c.portable(m.Path, m.Options)
	}
}

func (c *checker) input(in *Input) {
	c.portable(in.Path, in.Options)
	switch {
	case len(in.References) > 0:
	case in.Origin == FromPipeline:
		c.fail(in.Path, `the input refers to no pipeline; one is written "name:PIPELINE"`)
	default:
		c.fail(in.Path, "the input refers to nothing")
	}
	for _, ref := range in.References {
		c.portable(in.Path, ref.Options)
		if c.content != nil && in.Origin == FromSource && !c.content[ref.ID] {
			c.fail(in.Path, "no source has %q", ref.ID)
		}
	}
}

// component refuses a name that cannot be one directory's: names become paths
// inside of the sandbox and of the output directory.
func (c *checker) component(path Path, what, name string) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") || len(name) > 255 {
		c.fail(path, "the %s name %.300q cannot be a directory's", what, name)
	}
}

// portable refuses NaN and Infinity, which only Python takes for JSON.
func (c *checker) portable(path Path, raw json.RawMessage) {
	if raw != nil && !json.Valid(raw) {
		c.fail(path, "the options hold NaN, Infinity or a number beyond a double's range; JSON has none of them")
	}
}
