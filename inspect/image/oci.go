package image

import (
	"context"

	"github.com/assay-os/assay/inspect/image/oci"
	"github.com/assay-os/assay/report"
)

// openImages opens the container image that the files of a tree are, if they are one.
func (i *Image) openImages(ctx context.Context, tree Tree, o Options, format func(kind string) string) (bool, error) {
	files, err := oci.Detect(ctx, tree)
	if files == nil || err != nil {
		return false, err
	}
	limit := o.MaxSize
	if limit == 0 {
		limit = DefaultMaxSize
	}
	img, err := oci.Open(ctx, files, oci.Options{Platform: o.Platform, Name: o.Name, MaxSize: limit, TempDir: o.TempDir})
	if err != nil {
		return true, err
	}
	i.closers = append(i.closers, img.Close)
	i.Subject = report.Subject{Kind: "container", Format: format(files.Kind)}
	i.Container = img.Container
	i.Trees = []Volume{{Filesystem: report.Filesystem{Type: "layers"}, Tree: img.Tree(), Err: img.Err}}
	return true, nil
}

// archiveOf is the name of an arrangement in a tar.
func archiveOf(kind string) string {
	if kind == oci.Layout {
		return "oci-archive"
	}
	if kind == oci.Docker {
		return kind
	}
	return kind + "+tar"
}
