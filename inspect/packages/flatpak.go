package packages

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

const flatpakDir = "/var/lib/flatpak"

// readFlatpak lists what is deployed for all users: app and runtime hold a directory for
// each name, architecture and branch, and in it a link "active" to the deployed commit. All of
// it is the application's.
func readFlatpak(_ context.Context, t *tree.Tree, _ *catalogue) *database {
	d := &database{manager: "flatpak"}
	if _, err := t.Lookup(flatpakDir); err != nil {
		d.err = err
		return d
	}
	for _, kind := range []string{"app", "runtime"} {
		refs, err := t.Glob(flatpakDir + "/" + kind + "/*/*/*")
		if err != nil {
			d.err = err
			return d
		}
		for _, ref := range refs {
			parts := strings.Split(ref.Path, "/")
			if ref.Node.Type != report.Directory {
				continue // "current", the architecture and branch that is run
			}
			active, err := t.Lookup(ref.Path + "/active")
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				d.err, d.packages = err, nil
				return d
			}
			n := len(parts)
			d.packages = append(d.packages, report.Package{
				Name: text(parts[n-3]), Arch: text(parts[n-2]), Version: text(parts[n-1] + " " + active.Name()), Manager: "flatpak",
			})
		}
	}
	return d
}
