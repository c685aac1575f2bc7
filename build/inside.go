package build

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

// An arguments is the document that tells a step what to do. The first part
// is osbuild's protocol, Assay is what a native step needs beyond that.
type arguments struct {
	Tree    string                   `json:"tree"`
	Paths   map[string]string        `json:"paths"`
	Devices map[string]any           `json:"devices"`
	Inputs  map[string]argumentInput `json:"inputs"`
	Mounts  map[string]any           `json:"mounts"`
	Options json.RawMessage          `json:"options"`
	Meta    argumentMeta             `json:"meta"`
	Assay   argumentStep             `json:"assay"`
}

type argumentInput struct {
	Path string         `json:"path"`
	Data map[string]any `json:"data"`
	// References are in the manifest's order.
	References []step.Reference `json:"references"`
	// Entries says that the tree's recorded list is there.
	Entries bool `json:"entries,omitempty"`
}

type argumentMeta struct {
	ID          string `json:"id"`
	SourceEpoch int64  `json:"source-epoch"`
}

type argumentStep struct {
	Type   string    `json:"type"`
	Kind   step.Kind `json:"kind"`
	Chroot bool      `json:"chroot"`
}

// An answer is what a step leaves when it is done.
type answer struct {
	Done     bool            `json:"done"`
	Error    string          `json:"error,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

func newArguments(s *Step, inputs []resolved) arguments {
	a := arguments{
		Tree:    sandbox.TreeDir,
		Paths:   map[string]string{"inputs": sandbox.InputsDir, "devices": "/dev", "mounts": "/run/osbuild/mounts"},
		Devices: map[string]any{}, Inputs: map[string]argumentInput{}, Mounts: map[string]any{},
		Options: s.Options,
		Meta:    argumentMeta{ID: s.ID, SourceEpoch: s.Pipeline.Epoch()},
		Assay:   argumentStep{Type: s.Type, Kind: kindOf(s.Step), Chroot: s.Definition.Chroot},
	}
	if a.Options == nil {
		a.Options = json.RawMessage("{}")
	}
	for _, in := range inputs {
		a.Inputs[in.Name] = argumentInput{
			Path: sandbox.InputsDir + "/" + in.Name, Data: inputData(in),
			References: in.references, Entries: in.tree != nil,
		}
	}
	return a
}

// inputData is what osbuild's input of the same type tells a stage.
func inputData(in resolved) map[string]any {
	files, archives := map[string]json.RawMessage{}, map[string]any{}
	for _, ref := range in.references {
		files[ref.ID] = ref.Options
		var o struct {
			Name string `json:"name"`
		}
		if json.Unmarshal(ref.Options, &o) == nil {
			archives[ref.ID] = map[string]string{"format": "dir", "name": o.Name}
		}
	}
	if in.Type == containersInput {
		return map[string]any{"archives": archives}
	}
	return map[string]any{"files": files}
}

// RunStep is the command `assay __step`: inside of a sandbox, it runs the
// step that the arguments name and leaves its answer. It returns the exit code.
func RunStep(ctx context.Context, definitions []step.Definition) int {
	metadata, err := runInside(ctx, definitions)
	result := answer{Done: err == nil}
	if err == nil && metadata != nil {
		result.Metadata, err = json.Marshal(metadata)
	}
	if err != nil {
		result = answer{Error: err.Error()}
	}
	if werr := sandbox.WriteResult(result); werr != nil {
		// The last line is what an error of the step shows.
		fmt.Fprintln(os.Stderr, "assay:", errors.Join(werr, err))
		return 4
	}
	if err != nil {
		return 1
	}
	return 0
}

func runInside(ctx context.Context, definitions []step.Definition) (metadata any, err error) {
	data, err := os.ReadFile(sandbox.ArgumentFile)
	if err != nil {
		return nil, fmt.Errorf("read arguments (__step is started by assay itself): %w", err)
	}
	var a arguments
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, fmt.Errorf("read arguments: %w", err)
	}
	d := find(definitions, a.Assay.Type, a.Assay.Kind)
	if d == nil {
		return nil, fmt.Errorf("there is no %s %q in this binary", a.Assay.Kind, a.Assay.Type)
	}
	c, err := a.context()
	if err != nil {
		return nil, err
	}
	err = runRecovered(ctx, d, c)
	return c.Metadata, errors.Join(err, c.Tree.Close())
}

// runRecovered makes a panic of a step an error, with the stack in the log.
func runRecovered(ctx context.Context, d *step.Definition, c *step.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(c.Log, "panic: %v\n%s", p, debug.Stack())
			err = fmt.Errorf("the step panicked, which is a bug of it: %v", p)
		}
	}()
	return d.Run(ctx, c)
}

// context is what the step works in. In a chroot step, TreePath has the
// private mounts on it and Tree has not.
func (a *arguments) context() (*step.Context, error) {
	dir := sandbox.TreeDir
	if a.Assay.Chroot {
		dir = sandbox.CleanTreeDir
	}
	root, err := tree.Open(dir)
	if err != nil {
		return nil, err
	}
	c := &step.Context{
		Tree: root, TreePath: sandbox.TreeDir, Options: a.Options, Inputs: map[string]step.Input{},
		Epoch: time.Unix(a.Meta.SourceEpoch, 0).UTC(), Log: os.Stderr,
	}
	for name, in := range a.Inputs {
		input := step.Input{Path: in.Path, References: in.References}
		if in.Entries {
			if input.Entries, err = readEntries(filepath.Join(sandbox.EntriesDir, name)); err != nil {
				return nil, fmt.Errorf("input %s: %w", name, err)
			}
		}
		c.Inputs[name] = input
	}
	return c, nil
}

func readEntries(path string) ([]report.Entry, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReaderSize(f, 1<<16))
	entries := []report.Entry{}
	for {
		var e report.Entry
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read entries: %w", err)
		}
		entries = append(entries, e)
	}
}

// compactJSON is raw without insignificant space, for comparing.
func compactJSON(raw json.RawMessage) string {
	var buf bytes.Buffer
	if json.Compact(&buf, raw) != nil {
		return string(raw)
	}
	return buf.String()
}
