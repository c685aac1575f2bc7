package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/report"
)

//go:embed mkdir.json
var mkdirSchema json.RawMessage

func mkdir() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.mkdir",
		Kind:    step.Stage,
		Summary: "Make directories",
		Description: `Makes directories in the order in which they are given. A mode is a decimal
number, as JSON has no other (0755 is 493). It holds for the last directory of a path;
those above it, made with parents, get 0755. As upstream runs under a umask of 022,
write permission of group and others is taken from every mode: use
org.osbuild.chmod for that. A directory that exists keeps its mode.

A path without a leading slash starts at the root too.`,
		Schema: mkdirSchema,
		Since:  since,
		Run:    with(makeDirectories),
	}
}

type mkdirOptions struct {
	Paths []struct {
		Path    string `json:"path"`
		Mode    *int   `json:"mode"`
		Parents bool   `json:"parents"`
		ExistOK bool   `json:"exist_ok"`
	} `json:"paths"`
}

// umask is what upstream's stages run under.
const umask = 0o022

func makeDirectories(c *step.Context, o mkdirOptions) error {
	for i, p := range o.Paths {
		name := p.Path
		if !strings.Contains(name, "://") {
			name = "/" + strings.TrimPrefix(name, "/")
		}
		at, err := locate(c, name, "paths", i, "path")
		if err != nil {
			return err
		}
		// mkdir(2) takes the permission bits and sticky, nothing else.
		mode := report.Mode(or(p.Mode, 0o777)) & 0o1777 &^ umask
		if err := makeDirectory(c, at.name, mode, p.Parents, p.ExistOK); err != nil {
			return err
		}
	}
	return nil
}

func makeDirectory(c *step.Context, name string, mode report.Mode, parents, existOK bool) error {
	if parents {
		if err := c.Tree.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
	}
	err := c.Tree.Mkdir(name, mode)
	if !existOK || !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, statErr := c.Tree.Stat(name)
	if statErr == nil && info.Type == report.Directory {
		return nil
	}
	return err
}
