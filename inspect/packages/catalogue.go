package packages

import (
	"context"
	"errors"
	"io/fs"

	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// A catalogue is what the databases of one image say. Each is read once, when
// the first section asks.
type catalogue struct {
	Options
	owned *claims
	read  []*database
}

// A database is what one package manager knows. A missing database has an error
// that is [fs.ErrNotExist].
type database struct {
	manager  string
	err      error
	packages []report.Package
	rpm      []report.RPMPackage
	dpkg     []report.DpkgPackage
	// keys are those that the database itself holds.
	keys []report.RepositoryKey
	// factsErr is trouble with what only the manager's own section tells.
	factsErr error
	// verify compares the files of the packages; nil where the database has nothing
	// to compare with.
	verify func(ctx context.Context, v *verifier) error
}

// managers are all that are known, in the order in which they own a file.
func managers() []func(context.Context, *tree.Tree, *catalogue) *database {
	return []func(context.Context, *tree.Tree, *catalogue) *database{readDpkg, readRPM, readAPK, readPacman, readFlatpak}
}

// load reads the databases of the tree.
func (c *catalogue) load(ctx context.Context, t *tree.Tree) {
	if c.owned != nil && c.owned.t == t {
		return
	}
	c.owned, c.read = newClaims(t), nil
	for _, read := range managers() {
		c.read = append(c.read, read(ctx, t, c))
	}
}

// of is one manager's database.
func (c *catalogue) of(ctx context.Context, t *tree.Tree, manager string) *database {
	c.load(ctx, t)
	for _, d := range c.read {
		if d.manager == manager {
			return d
		}
	}
	return &database{manager: manager, err: fs.ErrNotExist}
}

// trouble is the first error of a database that is there; found tells whether any is. One cause is
// often all managers' trouble, and is told once.
func (c *catalogue) trouble() (found bool, err error) {
	for _, d := range c.read {
		if !errors.Is(d.err, fs.ErrNotExist) {
			found, err = true, firstError(err, d.err)
		}
	}
	return found, err
}
