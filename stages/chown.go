package stages

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
)

//go:embed chown.json
var chownSchema json.RawMessage

func chown() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.chown",
		Kind:    step.Stage,
		Summary: "Change owner and group",
		Description: `Changes the owners of files and directories, sorted by their paths. Names are
those of the tree's /etc/passwd and /etc/group; what is no name there and all digits
is an id. A path that is a symlink means what it leads to inside of the tree; with
recursive, symlinks are changed themselves, the path too, as chown -R does it. The
kernel takes set-user-ID and set-group-ID from a file whose owner is set: chmod comes
after chown.

Works natively; upstream runs chown of the tree in a chroot.`,
		Schema: chownSchema,
		Since:  since,
		Run:    with(changeOwners),
	}
}

type chownOptions struct {
	Items map[string]struct {
		User      json.RawMessage `json:"user"`
		Group     json.RawMessage `json:"group"`
		Recursive bool            `json:"recursive"`
	} `json:"items"`
}

func changeOwners(c *step.Context, o chownOptions) error {
	for _, name := range slices.Sorted(maps.Keys(o.Items)) {
		item := o.Items[name]
		uid, err := ownerID(c.Tree, passwdFile, item.User, "items", name, "user")
		if err != nil {
			return err
		}
		gid, err := ownerID(c.Tree, groupFile, item.Group, "items", name, "group")
		if err != nil {
			return err
		}
		resolved, err := existing(c.Tree, name)
		if err != nil {
			return err
		}
		if !item.Recursive {
			err = c.Tree.Chown(resolved, uid, gid)
		} else {
			err = c.Tree.Walk(name, func(name string, _ tree.Info) error { return c.Tree.Chown(name, uid, gid) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unchanged is the id that chown(2) takes for "leave it".
const unchanged = 1<<32 - 1

// ownerID is the id that a name or number means in the tree.
func ownerID(root *tree.Root, file string, value json.RawMessage, place ...any) (uint32, error) {
	if value == nil {
		return unchanged, nil
	}
	var name string
	if json.Unmarshal(value, &name) != nil {
		name = string(value)
	} else if row, err := lookUp(root, file, name); err != nil || row != nil {
		if err != nil {
			return 0, err
		}
		name = field(row, 2)
	}
	id, err := strconv.ParseUint(name, 10, 32)
	if err != nil || id == unchanged {
		return 0, step.BadOption(place, "%s is in no line of %s", value, file)
	}
	return uint32(id), nil
}
