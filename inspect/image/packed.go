package image

import (
	"context"
	"errors"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/tarball"
	"github.com/assay-os/assay/report"
)

// gceDisk is the one member of an archive that Google Compute Engine takes as a
// disk: https://cloud.google.com/compute/docs/import/import-existing-image.
const gceDisk = "/disk.raw"

// openPackedDisk opens the disk that an archive exists to carry: its only member,
// when that is called disk.raw or is a container of a disk, or what an OVF
// descriptor in it names. Its first result is false for an archive that is a tree.
func (i *Image) openPackedDisk(ctx context.Context, tree *tarball.Tree, at place) (bool, error) {
	if len(at.layers) == maxLayers {
		return false, nil
	}
	p, err := topLevel(ctx, tree)
	if err != nil || len(p.members) == 0 {
		return false, err
	}
	if len(p.members) == 1 && (p.members[0].Path == gceDisk || holdsContainer(tree, p.members[0])) {
		if p.broken != nil {
			i.Problems = append(i.Problems, fmt.Errorf("archive: %w", p.broken))
		}
		return true, i.openMember(ctx, tree, p.members[0], at.inside("tar"))
	}
	return i.openOVA(ctx, p, at)
}

// A parcel is an archive that holds nothing but regular files, side by side.
type parcel struct {
	tree    *tarball.Tree
	members []*Node
	// broken is what is wrong with the archive as a whole.
	broken error
}

// errTree says that an archive holds a tree.
var errTree = errors.New("it is a tree of files")

// maxMembers bounds a parcel.
const maxMembers = 1000

// topLevel lists the members of an archive; those of a tree it does not list.
func topLevel(ctx context.Context, tree *tarball.Tree) (parcel, error) {
	p := parcel{tree: tree}
	err := tree.Walk(ctx, func(n *fsys.Node) error {
		if n.Path == "/" {
			p.broken = n.Err
			return nil
		}
		if n.Type != report.File || n.Links > 1 || len(p.members) == maxMembers {
			return errTree
		}
		p.members = append(p.members, n)
		return nil
	})
	if errors.Is(err, errTree) {
		return parcel{}, nil
	}
	return p, err
}

// holdsContainer tells whether a member is a disk by its content. A raw disk has
// nothing that tells it from a file.
func holdsContainer(tree *tarball.Tree, n *Node) bool {
	c, err := tree.Open(n)
	if err != nil {
		return false
	}
	defer c.Close()
	head := bytesAt(c, 0, headSize)
	for _, k := range containers() {
		if k.detect(c, head) {
			return true
		}
	}
	return false
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
