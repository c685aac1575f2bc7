package assemblers

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/assemblers/treetest"
	"github.com/assay-os/assay/build/step"
	confined "github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

const (
	diskUUID = "d209c89e-ea5e-4fbd-b161-b461cce297e0"
	rootUUID = "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75"
)

// definition finds one of All.
func definition(t testing.TB, kind step.Kind, name string) *step.Definition {
	t.Helper()
	for _, d := range All() {
		if d.Kind == kind && d.Name == name {
			return d
		}
	}
	t.Fatalf("no %s is called %s", kind, name)
	return nil
}

// A job is one run of a definition.
type job struct {
	kind    step.Kind
	name    string
	options string
	// source is the tree input, entries its record; file is a files input by name.
	source  string
	entries []report.Entry
	files   map[string]string
}

// run runs a job in a new tree and returns the tree's path.
func (j job) run(t testing.TB) (string, error) {
	t.Helper()
	d := definition(t, j.kind, j.name)
	if problems := d.Validate(json.RawMessage(j.options)); len(problems) > 0 {
		t.Fatalf("options are refused: %v", problems)
	}
	out := t.TempDir()
	root, err := confined.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	c := &step.Context{
		Tree: root, TreePath: out, Options: json.RawMessage(j.options), Inputs: map[string]step.Input{},
		Epoch: time.Unix(1579910400, 0).UTC(), Log: t.Output(),
	}
	if j.source != "" {
		c.Inputs["tree"] = step.Input{Path: j.source, Entries: j.entries}
	}
	for name, path := range j.files {
		dir := t.TempDir()
		if err := os.Link(path, filepath.Join(dir, "sha256:0")); err != nil {
			t.Fatal(err)
		}
		c.Inputs[name] = step.Input{Path: dir}
	}
	return out, d.Run(context.Background(), c)
}

// mustRun is run for a job that must succeed; it returns the path of file.
func (j job) mustRun(t testing.TB, file string) string {
	t.Helper()
	out, err := j.run(t)
	if err != nil {
		t.Fatalf("%s: %v", j.name, err)
	}
	return filepath.Join(out, file)
}

// twoTrees are two copies of one tree, made in opposite orders, with the
// record of both.
func twoTrees(t *testing.T) (a, b string, entries []report.Entry) {
	t.Helper()
	fixtures.RequireRoot(t)
	a, b = t.TempDir(), t.TempDir()
	treetest.Make(t, a, false)
	treetest.Make(t, b, true)
	entries = treetest.Scan(t, a)
	if d := treetest.Diff(entries, treetest.Scan(t, b)); len(d) > 0 {
		t.Fatalf("the copies differ: %v", d)
	}
	return a, b, entries
}

// sameTwice runs a job on both copies and demands equal bytes.
func sameTwice(t *testing.T, j job, file string) string {
	t.Helper()
	a, b, entries := twoTrees(t)
	j.source, j.entries = a, entries
	first := j.mustRun(t, file)
	// What runs in another second must not show it.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	j.source = b
	second := j.mustRun(t, file)
	x, err1 := treetest.Sum(first)
	y, err2 := treetest.Sum(second)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if x != y {
		t.Errorf("two runs gave %s and %s", x, y)
	}
	return first
}

func TestAllIsComplete(t *testing.T) {
	schemas, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, d := range All() {
		for _, s := range schemas {
			text, err := os.ReadFile(s)
			if err != nil {
				t.Fatal(err)
			}
			if string(text) == string(d.Schema) && strings.HasPrefix(s, d.Name+".") {
				used[s] = true
			}
		}
	}
	for _, s := range schemas {
		if !used[s] {
			t.Errorf("%s belongs to no definition of All", s)
		}
	}
	key := func(d *step.Definition) string { return string(d.Kind) + " " + d.Name }
	if !slices.IsSortedFunc(All(), func(a, b *step.Definition) int { return strings.Compare(key(a), key(b)) }) {
		t.Error("All is not sorted by kind and name")
	}
}

// The examples that users copy must be valid.
func TestExamplesAreValid(t *testing.T) {
	example := regexp.MustCompile("(?s)```json\n(.*?)\n```")
	for _, d := range All() {
		found := example.FindAllStringSubmatch(d.Description, -1)
		if len(found) == 0 {
			t.Errorf("%s %s has no example", d.Kind, d.Name)
		}
		for _, m := range found {
			if problems := d.Validate(json.RawMessage(m[1])); len(problems) > 0 {
				t.Errorf("%s %s: %v", d.Kind, d.Name, problems)
			}
		}
		if d.Summary == "" || strings.HasSuffix(d.Summary, ".") || d.Since == "" {
			t.Errorf("%s %s: summary %q, since %q", d.Kind, d.Name, d.Summary, d.Since)
		}
	}
}
