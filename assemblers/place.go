package assemblers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/assay-os/assay/build/step"
)

// treeInput is the tree that an assembler packs. A v1 document's assembler has
// it under this name too.
const treeInput = "tree"

func takesTree(summary string) []step.InputDefinition {
	return []step.InputDefinition{{Name: treeInput, Type: "org.osbuild.tree", Required: true, Summary: summary}}
}

func takesFile(name, summary string) []step.InputDefinition {
	return []step.InputDefinition{{Name: name, Type: "org.osbuild.files", Required: true, Summary: summary}}
}

// tree is the tree input with its record.
func tree(c *step.Context) (step.Input, error) {
	in, ok := c.Inputs[treeInput]
	switch {
	case !ok:
		return in, fmt.Errorf("inputs.%s: there is none; name the pipeline whose tree is to be packed", treeInput)
	case len(in.Entries) == 0:
		return in, fmt.Errorf("inputs.%s: the tree has no record", treeInput)
	}
	return in, nil
}

// file is the path of the one file of a files input.
func file(c *step.Context, name string) (string, error) {
	in, ok := c.Inputs[name]
	if !ok {
		return "", fmt.Errorf("inputs.%s: there is none", name)
	}
	found, err := os.ReadDir(in.Path)
	if err != nil {
		return "", fmt.Errorf("inputs.%s: %w", name, err)
	}
	if len(found) != 1 || !found[0].Type().IsRegular() {
		return "", fmt.Errorf("inputs.%s: it holds %d files; exactly one can be worked on", name, len(found))
	}
	return filepath.Join(in.Path, found[0].Name()), nil
}

// badName says what is wrong with the name of an output, or nothing. A name
// may start with a slash, as upstream's may. What tools could take for syntax
// is refused: e2fsprogs reads options after a question mark, qemu-img before a
// colon.
func badName(name string) string {
	rel := strings.TrimLeft(name, "/")
	switch {
	case rel == "" || path.Clean(rel) != rel || rel == "." || rel == ".." || strings.HasPrefix(rel, "../"):
		return "it names no file inside of the output; use a name like disk.raw"
	case len(rel) > 255 || strings.HasPrefix(rel, "-"):
		return "it is longer than 255 bytes, or starts with a hyphen"
	case strings.ContainsFunc(rel, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`?*:,"'\`, r) }):
		return `it holds a space, a control character, or one of ? * : , " ' \, which tools take for syntax`
	}
	return ""
}

// checkName is badName as a check of options.
func checkName(name string) []step.Problem {
	if bad := badName(name); bad != "" {
		return []step.Problem{{Path: step.OptionPath("filename"), Message: fmt.Sprintf("%q: %s", name, bad)}}
	}
	return nil
}

// create makes a new file in the step's own tree, and any directories above
// it, and returns its path for tools.
func create(c *step.Context, name string) (*os.File, string, error) {
	if bad := badName(name); bad != "" {
		return nil, "", step.BadOption(step.At("filename"), "%q: %s", name, bad)
	}
	name = "/" + strings.TrimLeft(name, "/")
	if err := c.Tree.MkdirAll(path.Dir(name), 0o755); err != nil {
		return nil, "", err
	}
	f, err := c.Tree.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if err != nil {
		return nil, "", fmt.Errorf("create %s: %w", name, err)
	}
	real, err := c.Tree.Resolve(name)
	if err != nil {
		return nil, "", errors.Join(err, f.Close())
	}
	return f, filepath.Join(c.TreePath, real), nil
}

// createEmpty is create for a file that only tools write to.
func createEmpty(c *step.Context, name string) (string, error) {
	f, p, err := create(c, name)
	if err != nil {
		return "", err
	}
	return p, f.Close()
}

// withScratch runs do with a directory that is gone afterwards. It lies in
// /var/tmp, which a sandbox has on disk and for itself: images pass through.
func withScratch(do func(dir string) error) error {
	dir, err := os.MkdirTemp("/var/tmp", "assay-")
	if err != nil {
		return err
	}
	return errors.Join(do(dir), os.RemoveAll(dir))
}

// checked makes a [step.Definition.Check] of a function on decoded options.
func checked[T any](check func(T) []step.Problem) func(json.RawMessage) []step.Problem {
	return func(raw json.RawMessage) []step.Problem {
		o, err := step.Options[T](&step.Context{Options: raw})
		var wrong *step.OptionError
		if errors.As(err, &wrong) {
			return []step.Problem{{Path: wrong.Path, Message: wrong.Reason}}
		}
		return check(o)
	}
}

// withOptions makes a [step.Definition.Run] of a function on decoded options.
func withOptions[T any](run func(context.Context, *step.Context, T) error) func(context.Context, *step.Context) error {
	return func(ctx context.Context, c *step.Context) error {
		o, err := step.Options[T](c)
		if err != nil {
			return err
		}
		return run(ctx, c, o)
	}
}
