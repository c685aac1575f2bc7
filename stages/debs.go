package stages

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/assay-os/assay/build/deb"
	"github.com/assay-os/assay/build/step"
)

//go:embed debs.json
var debsSchema json.RawMessage

func debs() step.Definition {
	return step.Definition{
		Name:    "dev.assay.debs",
		Kind:    step.Stage,
		Summary: "Install Debian packages given as files",
		Description: `Makes a tree of the Debian packages that the input "packages" gives. The order in which they are given does not
matter: they are sorted by name.

With mode "unpack" the files of the packages are written and nothing else is done: no maintainer script runs, dpkg does not
know of them. That is a build root: programs to run, not a system to boot. Where two packages have the same path, the one
that Replaces the other wins; two that do not are refused.

With mode "install" the tree becomes a system: the essential packages are unpacked, then dpkg, in the tree, installs them and
after them the rest, in an order that follows from the packages alone. No service is started, and what installing leaves behind
of its time and its machine (logs, host keys, machine-id, backups) is removed, so that the same packages give the same tree.

    {"mode": "unpack"}

    {"mode": "install", "exclude": ["/usr/share/doc/*", "/usr/share/man/*"]}
`,
		Schema: debsSchema,
		Inputs: []step.InputDefinition{
			{Name: "packages", Type: "org.osbuild.files", Required: true, Summary: "the .deb files"},
		},
		Chroot: true,
		Since:  since,
		Run:    runDebs,
	}
}

type debsOptions struct {
	Mode    string   `json:"mode"`
	Exclude []string `json:"exclude"`
}

func runDebs(ctx context.Context, c *step.Context) error {
	o, err := step.Options[debsOptions](c)
	if err != nil {
		return err
	}
	files, closeFiles, err := openDebs(ctx, c.Inputs["packages"])
	if err != nil {
		return err
	}
	defer closeFiles()
	set, err := deb.NewSet(files.packages)
	if err != nil {
		return err
	}
	if o.Mode == "unpack" {
		if len(o.Exclude) > 0 {
			return step.BadOption(step.At("exclude"), "counts in mode install only")
		}
		return set.Extract(ctx, c.Tree, set.Packages)
	}
	i := &debsInstall{c: c, set: set, path: files.path, exclude: o.Exclude}
	return i.run(ctx)
}

// A debFiles is open packages and where each lies.
type debFiles struct {
	packages []*deb.Package
	path     map[*deb.Package]string
}

// openDebs reads the control data of every package. What it returns closes
// the files.
func openDebs(ctx context.Context, in step.Input) (*debFiles, func(), error) {
	files := &debFiles{make([]*deb.Package, len(in.References)), map[*deb.Package]string{}}
	handles := make([]*os.File, len(in.References))
	closeAll := func() {
		for _, f := range handles {
			if f != nil {
				f.Close() // read only: nothing can be lost
			}
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, ref := range in.References {
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			handles[n], files.packages[n], err = openDeb(filepath.Join(in.Path, ref.ID))
			if err != nil {
				return fmt.Errorf("package %s %w", ref.ID, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		closeAll()
		return nil, nil, err
	}
	for n, ref := range in.References {
		files.path[files.packages[n]] = filepath.Join(in.Path, ref.ID)
	}
	return files, closeAll, nil
}

func openDeb(path string) (*os.File, *deb.Package, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot be opened: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return f, nil, err
	}
	p, err := deb.Open(f, info.Size())
	return f, p, err
}
