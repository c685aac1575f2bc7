package stages

import (
	_ "embed"
	"encoding/json"
	"path"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed ln.json
var lnSchema json.RawMessage

func ln() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.ln",
		Kind:    step.Stage,
		Summary: "Make links",
		Description: `Makes links in the order in which they are given. A symlink holds its target as
it is written. A hard link's target is looked up inside of the tree: an absolute one
from its root, a relative one from the directory of the link (upstream looks outside
of the tree, in the build root). What is there already is never replaced.`,
		Schema: lnSchema,
		Since:  since,
		Run:    with(makeLinks),
	}
}

type lnOptions struct {
	Paths []struct {
		Target   string `json:"target"`
		LinkName string `json:"link_name"`
		Symbolic bool   `json:"symbolic"`
	} `json:"paths"`
}

func makeLinks(c *step.Context, o lnOptions) error {
	for i, p := range o.Paths {
		at, err := locate(c, p.LinkName, "paths", i, "link_name")
		if err != nil {
			return err
		}
		if at.content {
			return step.BadOption(step.At("paths", i, "link_name"), "%q ends in a slash, and so names no link", p.LinkName)
		}
		if p.Symbolic {
			err = c.Tree.Symlink(p.Target, at.name)
		} else {
			err = c.Tree.Link(linked(p.Target, at.name), at.name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// linked is the name in the tree that a hard link's target means.
func linked(target, name string) string {
	target = strings.TrimPrefix(target, "tree://")
	if strings.HasPrefix(target, "/") {
		return target
	}
	return path.Dir(name) + "/" + target
}
