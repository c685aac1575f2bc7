package image

import (
	"context"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/btrfs"
	"github.com/assay-os/assay/inspect/image/erofs"
	"github.com/assay-os/assay/inspect/image/ext4"
	"github.com/assay-os/assay/inspect/image/fat"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/iso9660"
	"github.com/assay-os/assay/inspect/image/squashfs"
	"github.com/assay-os/assay/inspect/image/xfs"
	"github.com/assay-os/assay/report"
)

// A reader is one package that reads filesystems.
type reader struct {
	// probe tells whether it is the package's, at the cost of a few reads.
	probe func(io.ReaderAt) (report.Filesystem, bool)
	// open reads the filesystem in the first size bytes.
	open func(ctx context.Context, r io.ReaderAt, size int64) (fsys.Filesystem, error)
}

// readers are in the order in which they are asked.
func readers() []reader {
	return []reader{
		{ext4.Probe, opener(ext4.Open)},
		{xfs.Probe, opener(xfs.Open)},
		{btrfs.Probe, opener(btrfs.Open)},
		{squashfs.Probe, opener(squashfs.Open)},
		{erofs.Probe, opener(erofs.Open)},
		{iso9660.Probe, opener(iso9660.Open)},
		{fat.Probe, opener(fat.Open)}, // it has the weakest mark
	}
}

// opener lets a package return its own type.
func opener[F fsys.Filesystem](open func(context.Context, io.ReaderAt, int64) (F, error)) func(context.Context, io.ReaderAt, int64) (fsys.Filesystem, error) {
	return func(ctx context.Context, r io.ReaderAt, size int64) (fsys.Filesystem, error) {
		fs, err := open(ctx, r, size)
		if err != nil {
			return nil, err
		}
		return fs, nil
	}
}

// openFilesystem opens what probe has named.
func openFilesystem(ctx context.Context, r io.ReaderAt, size int64, named report.Filesystem) Volume {
	v := Volume{Filesystem: named}
	for _, reader := range readers() {
		if _, ok := reader.probe(r); !ok {
			continue
		}
		fs, err := reader.open(ctx, r, size)
		if err != nil {
			v.Err = fmt.Errorf("%s: %w", named.Type, err)
			return v
		}
		v.Tree = fs
		return v
	}
	v.Err = fmt.Errorf("%s is not read by this version", named.Type)
	return v
}
