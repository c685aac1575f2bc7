package build_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/fixtures"
)

// TestMain is the program on every side of a build, as the assay binary is:
// the tests start themselves again, in the sandbox too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "__sandbox":
			os.Exit(sandbox.Main(os.Args[2:]))
		case "__step":
			os.Exit(build.RunStep(context.Background(), testSteps()))
		case "__build":
			os.Exit(buildInChild(os.Args[2], os.Args[3]))
		}
	}
	os.Exit(m.Run())
}

// anyOptions is the schema of the tests' steps.
const anyOptions = `{"type": "object"}`

// testSteps are the stages that the tests use.
func testSteps() []step.Definition {
	stage := func(name string, run func(context.Context, *step.Context) error) step.Definition {
		return step.Definition{Name: name, Kind: step.Stage, Schema: json.RawMessage(anyOptions), Run: run}
	}
	shell := stage("test.shell", runShell)
	shell.Tools = []string{"sh"}
	chroot := stage("test.chroot", runChroot)
	chroot.Chroot = true
	read := stage("test.read", runRead)
	read.Inputs = []step.InputDefinition{
		{Name: "files", Type: "org.osbuild.files", Summary: "files"},
		{Name: "tree", Type: "org.osbuild.tree", Summary: "a tree"},
	}
	image := stage("test.image", runImage)
	image.Inputs = []step.InputDefinition{{Name: "images", Type: "org.osbuild.containers", Summary: "images"}}
	return []step.Definition{
		stage("test.write", runWrite), shell, chroot, read, image,
		stage("test.panic", func(context.Context, *step.Context) error { panic("oh") }),
		stage("test.probe", runProbe),
		stage("test.xattr", runXattr),
		stage("test.noop", func(context.Context, *step.Context) error { return nil }),
	}
}

// runWrite writes the options {"path": "content"} as files.
func runWrite(_ context.Context, c *step.Context) error {
	var files map[string]string
	if err := json.Unmarshal(c.Options, &files); err != nil {
		return err
	}
	for name, content := range files {
		if content == "error" {
			fmt.Fprintln(c.Log, "one line of output")
			return errors.New("told to fail")
		}
		if err := c.Tree.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := c.Tree.WriteFile(name, []byte(content), 0o644); err != nil {
			return err
		}
	}
	c.Metadata = map[string]int{"files": len(files)}
	return nil
}

// runShell runs {"script": …} with the build root's shell in the tree.
func runShell(ctx context.Context, c *step.Context) error {
	var o struct{ Script string }
	if err := json.Unmarshal(c.Options, &o); err != nil {
		return err
	}
	return c.Command(ctx, "sh", "-c", "cd "+c.TreePath+"\n"+o.Script)
}

// runChroot lists what a program of the tree would find: the test's own
// binary cannot run there, so it looks through TreePath.
func runChroot(_ context.Context, c *step.Context) error {
	for _, name := range []string{"proc/self", "dev/null", "tmp", "run"} {
		if _, err := os.Stat(filepath.Join(c.TreePath, name)); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(c.Tree.Dir(), "proc/self")); err == nil {
		return errors.New("the clean tree has a /proc")
	}
	return os.WriteFile(filepath.Join(c.TreePath, "tmp/litter"), []byte("x"), 0o644)
}

// runRead writes down everything that it knows of its inputs.
func runRead(_ context.Context, c *step.Context) error {
	var b strings.Builder
	for _, ref := range c.Inputs["files"].References {
		data, err := os.ReadFile(filepath.Join(c.Inputs["files"].Path, ref.ID))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %s\n", data, ref.Options)
	}
	for _, e := range c.Inputs["tree"].Entries {
		fmt.Fprintf(&b, "%s %s\n", e.Path, e.Mode)
	}
	return c.Tree.WriteFile("/read", []byte(b.String()), 0o644)
}

// A bench is a store with everything to build in it.
type bench struct {
	builder *build.Builder
	events  *recorder
	dir     string
}

func newBench(t testing.TB, dir string) *bench {
	t.Helper()
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "bwrap")
	b, err := openBench(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func openBench(dir string) (*bench, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	runner, err := sandbox.NewBubblewrap(self)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(dir, store.Options{Holder: "test"})
	if err != nil {
		return nil, err
	}
	events := &recorder{}
	return &bench{&build.Builder{
		Store: s, Runner: runner, Implementation: "test", Architecture: runtime.GOARCH,
		History: filepath.Join(dir, "history"), Monitor: events,
	}, events, dir}, nil
}

// build builds a manifest, which must be planned without a problem.
func (b *bench) build(ctx context.Context, document string, exports ...string) (*build.Result, error) {
	m, err := manifest.Read([]byte(document), "manifest")
	if err != nil {
		return nil, err
	}
	plan, err := build.NewPlan(m, testSteps(), exports)
	if err != nil {
		return nil, err
	}
	b.events.clear()
	return b.builder.Build(ctx, plan)
}

// ran names the steps that ran, "." for those that came from the store.
func ran(r *build.Result) string {
	var words []string
	for _, o := range r.Outcomes {
		if o.Cached {
			words = append(words, ".")
		} else {
			words = append(words, strings.TrimPrefix(o.Step.Type, "test."))
		}
	}
	return strings.Join(words, " ")
}

// stagesOf is a manifest of one pipeline, "tree".
func stagesOf(stages ...string) string {
	return `{"version": "2", "pipelines": [{"name": "tree", "stages": [` + strings.Join(stages, ", ") + `]}]}`
}

func write(path, content string) string {
	return fmt.Sprintf(`{"type": "test.write", "options": {%q: %q}}`, path, content)
}

func shell(script string) string {
	return fmt.Sprintf(`{"type": "test.shell", "options": {"script": %q}}`, script)
}
