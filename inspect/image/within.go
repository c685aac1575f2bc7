package image

import (
	"context"
	"os"
	"path/filepath"

	"github.com/assay-os/assay/inspect/image/ostree"
	"github.com/assay-os/assay/report"
)

// openWithin opens what a tree of files stands for, where it is not the tree itself: a
// container image, or a commit of OSTree. Holds tells whether a name is in the top
// directory: it is asked before a whole tree is listed.
func (i *Image) openWithin(ctx context.Context, tree Tree, holds func(name string) bool, o Options, format func(kind string) string) (bool, error) {
	if holds("oci-layout") || holds("manifest.json") {
		if found, err := i.openImages(ctx, tree, o, format); found || err != nil {
			return found, err
		}
	}
	if holds("config") && holds("objects") && holds("refs") {
		return i.openRepository(ctx, tree, o, format)
	}
	return false, nil
}

// openRepository opens a commit of an OSTree repository.
func (i *Image) openRepository(ctx context.Context, tree Tree, o Options, format func(kind string) string) (bool, error) {
	repo, err := ostree.Detect(ctx, tree, o.TempDir)
	if repo == nil || err != nil {
		return false, err
	}
	commit, err := repo.Open(o.Ref)
	if err != nil {
		return true, err
	}
	i.Subject = report.Subject{Kind: "commit", Format: format("ostree-" + repo.Mode)}
	i.Trees = []Volume{{Filesystem: report.Filesystem{Type: "ostree", UUID: commit.Checksum}, Tree: commit}}
	return true, nil
}

// holdsName tells whether a name is in a directory of the running system.
func holdsName(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}
