package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

//go:embed chmod.json
var chmodSchema json.RawMessage

func chmod() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.chmod",
		Kind:    step.Stage,
		Summary: "Change permission bits",
		Description: `Changes the modes of files and directories, sorted by their paths. A mode is
what chmod(1) of GNU takes: octal digits (four of them leave a directory's
set-user-ID and set-group-ID as they are, five do not), or clauses like u+rwX,go-w,
under a umask of 022. A path that is a symlink means what it leads to inside of the
tree; symlinks found below a directory are passed over.

Works natively; upstream runs chmod of the build root.`,
		Schema: chmodSchema,
		Since:  since,
		Run:    with(changeModes),
	}
}

type chmodOptions struct {
	Items map[string]struct {
		Mode      string `json:"mode"`
		Recursive bool   `json:"recursive"`
	} `json:"items"`
}

func changeModes(c *step.Context, o chmodOptions) error {
	for _, name := range slices.Sorted(maps.Keys(o.Items)) {
		item := o.Items[name]
		change, err := parseMode(item.Mode)
		if err != nil {
			return step.BadOption(step.At("items", name, "mode"), "%q is no mode: %v", item.Mode, err)
		}
		resolved, err := existing(c.Tree, name)
		if err != nil {
			return err
		}
		if err := changeMode(c.Tree, resolved, change, item.Recursive); err != nil {
			return err
		}
	}
	return nil
}

// existing follows name to what is there, or refuses the item of that name.
func existing(root *tree.Root, name string) (string, error) {
	resolved, err := root.Resolve(name)
	if err != nil {
		return "", err
	}
	if _, err := root.Lstat(resolved); errors.Is(err, fs.ErrNotExist) {
		return "", step.BadOption(step.At("items", name), "there is no such file in the tree")
	} else if err != nil {
		return "", err
	}
	return resolved, nil
}

func changeMode(root *tree.Root, name string, change modeChange, recursive bool) error {
	if !recursive {
		info, err := root.Lstat(name)
		if err != nil {
			return err
		}
		return root.Chmod(name, change(info.Mode, info.Type == report.Directory))
	}
	return root.Walk(name, func(name string, info tree.Info) error {
		if info.Type == report.Symlink {
			return nil
		}
		return root.Chmod(name, change(info.Mode, info.Type == report.Directory))
	})
}
