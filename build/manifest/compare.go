package manifest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// A Change is one difference in what two manifests say.
type Change struct {
	// Kind is Added, Removed, Changed or Moved.
	Kind ChangeKind `json:"kind"`
	// Part is what differs: "pipeline", "stage", "option", "input", "device",
	// "mount", "source", "metadata".
	Part     string `json:"part"`
	Pipeline string `json:"pipeline,omitempty"`
	// Step is the type of the stage or assembler; A and B are its places in
	// the pipelines, from 0, and -1 on the side that does not have it.
	Step string `json:"step,omitempty"`
	A    int    `json:"a"`
	B    int    `json:"b"`
	// Path is the place below the step, the pipeline or the document:
	// options.users.bob.uid.
	Path Path `json:"path"`
	// Old and New are the values in canonical JSON, nil on the side without.
	Old json.RawMessage `json:"old,omitempty"`
	New json.RawMessage `json:"new,omitempty"`
}

// A ChangeKind says what happened on the way from the first manifest to the second.
type ChangeKind string

// The kinds of changes.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
	Moved   ChangeKind = "moved"
)

// Compare lists what differs in the meaning of two manifests: none says that
// both ask for the same. Layout, the order of keys and the version of the
// document mean nothing: a version 1 step is compared as what [Upgrade] makes
// of it. Pipelines belong together by name, steps by the best alignment.
//
// Ids are not compared: what they cover is.
func Compare(a, b *Manifest) []Change {
	c := &comparison{}
	c.pipelines(meaning(a), meaning(b))
	c.sources(a, b)
	c.at(Change{Part: "metadata", A: -1, B: -1})
	c.values(Path{"metadata"}, value(a.Metadata), value(b.Metadata))
	return c.changes
}

// A comparison collects changes; here is where it is.
type comparison struct {
	changes []Change
	here    Change
}

// at sets what the next changes have in common.
func (c *comparison) at(here Change) { c.here = here }

func (c *comparison) add(kind ChangeKind, path Path, old, fresh json.RawMessage) {
	change := c.here
	change.Kind, change.Path, change.Old, change.New = kind, path, old, fresh
	c.changes = append(c.changes, change)
}

func (c *comparison) pipelines(a, b []*Pipeline) {
	var common, commonB []string
	name := func(p *Pipeline) string { return p.Name }
	both(a, b, name, func(name string, p, q *Pipeline) {
		switch {
		case q == nil:
			c.whole(Removed, p)
		case p == nil:
			c.whole(Added, q)
		default:
			common = append(common, name)
			c.pipeline(p, q)
		}
	})
	left := byName(a, name)
	for _, q := range b {
		if left[q.Name] != nil {
			commonB = append(commonB, q.Name)
		}
	}
	if !slices.Equal(common, commonB) {
		c.at(Change{Part: "pipeline", A: -1, B: -1})
		c.add(Moved, Path{"pipelines"}, list(common), list(commonB))
	}
}

// whole is a pipeline that one side does not have, with its steps.
func (c *comparison) whole(kind ChangeKind, p *Pipeline) {
	c.at(Change{Part: "pipeline", Pipeline: p.Name, A: -1, B: -1})
	c.add(kind, nil, nil, nil)
	for i, s := range p.Steps {
		c.step(kind, p, i, s)
	}
}

func (c *comparison) step(kind ChangeKind, p *Pipeline, i int, s *Step) {
	here := Change{Part: s.part(), Pipeline: p.Name, Step: s.Type, A: i, B: -1}
	if kind == Added {
		here.A, here.B = -1, i
	}
	c.at(here)
	c.add(kind, nil, nil, nil)
}

func (s *Step) part() string {
	if s.Assembler {
		return "assembler"
	}
	return "stage"
}

func (c *comparison) pipeline(p, q *Pipeline) {
	c.at(Change{Part: "pipeline", Pipeline: p.Name, A: -1, B: -1})
	c.texts("build", p.Build, q.Build)
	c.texts("runner", p.Runner, q.Runner)
	c.values(Path{"source-epoch"}, number(p.SourceEpoch), number(q.SourceEpoch))
	for _, pair := range align(p.Steps, q.Steps) {
		switch {
		case pair.b < 0:
			c.step(Removed, p, pair.a, p.Steps[pair.a])
		case pair.a < 0:
			c.step(Added, q, pair.b, q.Steps[pair.b])
		default:
			c.steps(p.Name, pair, p.Steps[pair.a], q.Steps[pair.b])
		}
	}
}

// steps compares two steps of one type.
func (c *comparison) steps(pipeline string, pair pair, s, t *Step) {
	part := func(name string) { c.at(Change{Part: name, Pipeline: pipeline, Step: s.Type, A: pair.a, B: pair.b}) }
	part("option")
	c.values(Path{"options"}, value(s.Options), value(t.Options))
	part("input")
	both(s.Inputs, t.Inputs, func(in *Input) string { return in.Name }, func(name string, x, y *Input) {
		c.input(Path{"inputs", name}, x, y)
	})
	part("device")
	both(s.Devices, t.Devices, func(d *Device) string { return d.Name }, func(name string, x, y *Device) {
		c.values(Path{"devices", name}, deviceValue(x), deviceValue(y))
	})
	part("mount")
	both(s.Mounts, t.Mounts, func(m *Mount) string { return m.Name }, func(name string, x, y *Mount) {
		c.values(Path{"mounts", name}, mountValue(x), mountValue(y))
	})
	c.order(Path{"mounts"}, mountNames(s.Mounts), mountNames(t.Mounts))
}

// both visits each name once, with what each side has of it.
func both[T any](a, b []*T, name func(*T) string, visit func(string, *T, *T)) {
	left, right := byName(a, name), byName(b, name)
	for _, x := range a {
		visit(name(x), x, right[name(x)])
	}
	for _, y := range b {
		if left[name(y)] == nil {
			visit(name(y), nil, y)
		}
	}
}

func byName[T any](list []*T, name func(*T) string) map[string]*T {
	all := make(map[string]*T, len(list))
	for _, x := range list {
		all[name(x)] = x
	}
	return all
}

func (c *comparison) texts(key, a, b string) {
	c.values(Path{key}, text(a), text(b))
}

// order reports that both sides have the same names in another order.
func (c *comparison) order(path Path, a, b []string) {
	x, y := slices.Clone(a), slices.Clone(b)
	slices.Sort(x)
	slices.Sort(y)
	if slices.Equal(x, y) && !slices.Equal(a, b) {
		c.add(Moved, path, list(a), list(b))
	}
}

func (c *comparison) sources(a, b *Manifest) {
	left, right := sourceTables(a), sourceTables(b)
	both(left, right, func(s *sourceTable) string { return s.name }, func(name string, x, y *sourceTable) {
		c.at(Change{Part: "source", A: -1, B: -1})
		path := Path{"sources", name}
		if x == nil || y == nil {
			x, y = x.orEmpty(), y.orEmpty()
		}
		c.values(path.At("options"), value(x.options), value(y.options))
		c.table(path.At("items"), x.items, y.items)
	})
}

// table compares two lists of keys with values, whose order means nothing.
func (c *comparison) table(path Path, a, b []pyjson.Member) {
	c.values(path, pyjson.NewObject(a), pyjson.NewObject(b))
}

// A sourceTable is all sources of one type: a version 1 document may have two.
type sourceTable struct {
	name    string
	options json.RawMessage
	items   []pyjson.Member
}

func (s *sourceTable) orEmpty() *sourceTable {
	if s == nil {
		return &sourceTable{options: []byte(emptyObject)}
	}
	return s
}

func sourceTables(m *Manifest) []*sourceTable {
	var tables []*sourceTable
	for _, s := range m.Sources {
		i := slices.IndexFunc(tables, func(t *sourceTable) bool { return t.name == s.Type })
		if i < 0 {
			i = len(tables)
			tables = append(tables, &sourceTable{name: s.Type, options: s.Options})
		}
		tables[i].add(s.Items)
	}
	return tables
}

// add keeps the first of equal keys, as fetching does.
func (s *sourceTable) add(items []Item) {
	seen := make(map[string]bool, len(s.items)+len(items))
	for _, m := range s.items {
		seen[m.Key] = true
	}
	for _, item := range items {
		if !seen[item.ID] {
			seen[item.ID] = true
			s.items = append(s.items, pyjson.Member{Key: item.ID, Value: value(item.Value)})
		}
	}
}

// Place is where a change is, for people: "os: stage 3 (org.osbuild.users)".
func (c Change) Place() string {
	var b strings.Builder
	b.WriteString(c.Pipeline)
	if c.Step != "" {
		if c.A >= 0 && c.B >= 0 && c.A != c.B {
			b.WriteString(" stage " + itoa(c.A) + " → " + itoa(c.B))
		} else {
			b.WriteString(" stage " + itoa(max(c.A, c.B)))
		}
		b.WriteString(" " + c.Step)
	}
	return b.String()
}
