// Package debstest installs real Debian packages in the real sandbox, which
// needs a test binary of its own: it starts itself again inside.
package debstest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/stages"
)

// A job is what the test tells the process in the sandbox.
type job struct {
	Stage   string
	Options json.RawMessage
	Inputs  map[string][]step.Reference
	Epoch   int64
}

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "__sandbox" {
		os.Exit(sandbox.Main(os.Args[2:]))
	}
	if len(os.Args) == 2 && os.Args[1] == "__step" {
		if err := inside(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// inside runs a stage where the executor would.
func inside() error {
	data, err := os.ReadFile(sandbox.ArgumentFile)
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	root, err := tree.Open(sandbox.CleanTreeDir)
	if err != nil {
		return err
	}
	c := &step.Context{
		Tree: root, TreePath: sandbox.TreeDir, Options: j.Options, Inputs: map[string]step.Input{},
		Epoch: time.Unix(j.Epoch, 0).UTC(), Log: os.Stdout,
	}
	for name, refs := range j.Inputs {
		c.Inputs[name] = step.Input{Path: filepath.Join(sandbox.InputsDir, name), References: refs}
	}
	for _, d := range stages.All() {
		if d.Name == j.Stage {
			return d.Run(context.Background(), c)
		}
	}
	return fmt.Errorf("no stage %s", j.Stage)
}

// A stageRun is one run of a stage in the sandbox.
type stageRun struct {
	stage   string
	options string
	root    string // build root; "/" is the host's
	tree    string
	files   map[string]string // input "packages": checksum to path
	refs    []string          // order of delivery
	clock   *sandbox.Clock
}

func (r stageRun) run(t testing.TB) (sandbox.Result, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := sandbox.NewBubblewrap(self)
	if err != nil {
		t.Fatal(err)
	}
	refs := make([]step.Reference, len(r.refs))
	for i, id := range r.refs {
		refs[i] = step.Reference{ID: id}
	}
	arguments, err := json.Marshal(job{r.stage, json.RawMessage(r.options), map[string][]step.Reference{"packages": refs}, epoch})
	if err != nil {
		t.Fatal(err)
	}
	return b.Run(context.Background(), sandbox.Spec{
		Work: t.TempDir(), Args: []string{sandbox.Program, "__step"}, Root: store.View{Dir: r.root},
		Tree: &store.View{Dir: r.tree}, Inputs: []sandbox.Input{{Name: "packages", Files: r.files}},
		Arguments: arguments, Epoch: time.Unix(epoch, 0), Chroot: true, Clock: r.clock,
	})
}

const epoch = 1795313345
