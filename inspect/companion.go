package inspect

import (
	"fmt"
	"path"

	"github.com/assay-os/assay/inspect/canonical"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// companion opens for rules a file beside f that belongs to its content, as
// the log does to a database.
func (h *hasher) companion(f *tree.File) func(string) (canonical.File, error) {
	dir := path.Dir(f.Path)
	return func(name string) (canonical.File, error) {
		other := h.in.tree.Find(path.Join(dir, name))
		if other == nil {
			return nil, nil
		}
		if other.Node.Type != report.File {
			return nil, fmt.Errorf("%s: %w: it is a %s", other.Path, canonical.ErrMalformed, other.Node.Type)
		}
		return other.Open()
	}
}
