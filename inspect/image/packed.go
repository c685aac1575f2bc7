package image

import (
	"context"
	"errors"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/tarball"
	"github.com/assay-os/assay/report"
)

// gceDisk is the one member of an archive that Google Compute Engine takes as a
// disk: https://cloud.google.com/compute/docs/import/import-existing-image.
const gceDisk = "/disk.raw"

// openPackedDisk opens the disk that an archive exists to carry. Its first result
// is false for an archive that is a tree of files.
func (i *Image) openPackedDisk(ctx context.Context, tree *tarball.Tree, at place) (bool, error) {
	if len(at.layers) == maxLayers {
		return false, nil
	}
	members, err := topLevel(ctx, tree)
	if err != nil || len(members) == 0 {
		return false, err
	}
	if len(members) == 1 && members[0].Path == gceDisk {
		return true, i.openMember(ctx, tree, members[0], at.inside("tar"))
	}
	return false, nil
}

// errTree says that an archive holds a tree.
var errTree = errors.New("it is a tree of files")

// topLevel lists the members of an archive that holds nothing but regular files,
// side by side; of any other it lists none.
func topLevel(ctx context.Context, tree *tarball.Tree) ([]*Node, error) {
	var out []*Node
	err := tree.Walk(ctx, func(n *fsys.Node) error {
		if n.Path == "/" {
			return nil
		}
		if n.Type != report.File || n.Links > 1 {
			return errTree
		}
		out = append(out, n)
		return nil
	})
	if errors.Is(err, errTree) {
		return nil, nil
	}
	return out, err
}

// openMember opens a file of an archive in its place.
func (i *Image) openMember(ctx context.Context, tree *tarball.Tree, n *Node, at place) error {
	c, err := tree.Open(n)
	if err != nil {
		return err
	}
	i.closers = append(i.closers, c.Close)
	return i.detect(ctx, c, at)
}
