package stages_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/stages"
)

// epoch is the time that every test's steps get: day 18286.
var epoch = time.Unix(1579910400, 0).UTC()

// A change is one case of a stage: a tree, options, and the tree after it.
type change struct {
	before  map[string]string
	options string
	after   map[string]string
	// log is what the log must hold; nothing is asked of it when empty.
	log string
}

// A refusal is options, or a tree, that a stage does not take, and a part of
// the message.
type refusal struct {
	before  map[string]string
	options string
	want    string
}

func definition(t testing.TB, name string) step.Definition {
	t.Helper()
	for _, d := range stages.All() {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("no stage %s", name)
	return step.Definition{}
}

// run validates options and runs a stage on a directory, as the executor does.
func run(t testing.TB, d step.Definition, dir, options string, inputs map[string]step.Input) (log string, err error) {
	t.Helper()
	root, err := tree.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if problems := d.Validate(json.RawMessage(options)); len(problems) > 0 {
		var text []string
		for _, p := range problems {
			text = append(text, p.String())
		}
		return "", errors.New(strings.Join(text, "\n"))
	}
	var out bytes.Buffer
	c := &step.Context{
		Tree: root, TreePath: dir, Options: json.RawMessage(options), Inputs: inputs, Epoch: epoch, Log: &out,
	}
	err = d.Run(t.Context(), c)
	return out.String(), err
}

func testChanges(t *testing.T, name string, tests map[string]change) {
	t.Helper()
	d := definition(t, name)
	for _, title := range slices.Sorted(maps.Keys(tests)) {
		test := tests[title]
		t.Run(title, func(t *testing.T) {
			defer unix.Umask(unix.Umask(0o077))
			dir := fixtures.Tree(t, test.before)
			log, err := run(t, d, dir, test.options, nil)
			if err != nil {
				t.Fatal(err)
			}
			requireTree(t, dir, test.after)
			if !strings.Contains(log, test.log) {
				t.Errorf("log %q does not hold %q", log, test.log)
			}
		})
	}
}

// requireTree holds a directory to a tree, entry by entry.
func requireTree(t testing.TB, dir string, want map[string]string) {
	t.Helper()
	got := fixtures.Snapshot(t, dir)
	for _, path := range slices.Sorted(maps.Keys(got)) {
		if got[path] != want[path] {
			t.Errorf("%s:\ngot  %s\nwant %s", path, got[path], want[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[path]; !ok {
			t.Errorf("%s is not there, want %s", path, want[path])
		}
	}
}

func testRefusals(t *testing.T, name string, tests []refusal) {
	t.Helper()
	d := definition(t, name)
	for _, test := range tests {
		dir := fixtures.Tree(t, test.before)
		_, err := run(t, d, dir, test.options, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", test.options, err, test.want)
		}
	}
}
